"""Documents out: typed documents, rendered to Markdown and HTML. Computes nothing."""
