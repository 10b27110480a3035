"""Cases in: eval sets, their slices and splits, and the prompts that turn a case into a request."""
