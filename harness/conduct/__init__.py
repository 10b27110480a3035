"""One function per job, callable from Python: prints nothing, tells a listener."""
