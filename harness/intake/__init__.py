"""Other tools' files to our values: eval sets, prompts, and answers that were paid for already.

Readers take text or bytes and return values with every problem listed by file and line: what
cannot be read or converted is never dropped in silence. Nothing here writes.

It stands above `scoring`, not beside it: which assertions of another tool can be checked is known
by the scorer that checks them, and a second list here would drift from it.
"""
