"""Other tools' files to our values: eval sets, prompts, and answers that were paid for already.

Readers take text or bytes and return values with every problem listed by file and line: what
cannot be read or converted is never dropped in silence. Nothing here writes.
"""
