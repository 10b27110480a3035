"""One module per wire format: bodies out, answers in; no network and no SDK."""
