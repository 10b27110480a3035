"""Entry points: parse, call, print, exit code. Loaded one command at a time."""
