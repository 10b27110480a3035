"""`rightsize report`: a review's records to documents."""

from __future__ import annotations

import json
from pathlib import Path

import click

from harness.cli import options
from harness.cli.say import say, say_block
from harness.conduct.concluding.documents import report as write_documents
from harness.conduct.concluding.past import PastReview
from harness.conduct.opening import find_workspace


@click.command()
@options.workspace
@options.cycle
@options.feature
@options.out
@options.as_json
def report(
    *,
    workspace: Path,
    cycle: str | None,
    features: tuple[str, ...],
    out: Path | None,
    as_json: bool,
) -> None:
    """Write the documents of a cycle again from its records. No model is asked."""
    root = find_workspace(workspace)
    past = PastReview(root=root, cycle=cycle, out=out, features=features)
    pages = [str(page) for page in write_documents(past, now=options.now())]
    if as_json:
        say_block(json.dumps({"pages": pages}, indent=2))
        return
    for page in pages:
        say(page)
