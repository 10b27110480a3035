"""Other tools' files to our values: eval sets, prompts, and answers that were paid for already."""
