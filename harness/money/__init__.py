"""Usage, traffic and GPUs -> USD. Pure but for the files of traffic and bills."""
