"""The harness: conducts the rooms `evalsets`, `providers` and `reports`.

Each line imports only from the lines below it; import-linter holds this (`pyproject.toml`).
"""
