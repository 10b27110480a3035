"""The harness: conducts the rooms `evalsets`, `providers` and `reports`."""
