"""`rightsize import`: what a team has already, brought into the workspace.

Each kind is loaded when it is called: tables and configurations need no library of `[review]`.
"""

from __future__ import annotations

import click

from harness.cli.main import LazyGroup

KINDS: dict[str, tuple[str, str]] = {
    "csv": (
        "harness.cli.setup.import_sets:csv_command",
        "Make an eval set of a table: CSV, TSV or JSON Lines.",
    ),
    "inspect": (
        "harness.cli.setup.import_sets:inspect_command",
        "Make an eval set of an inspect_ai dataset: JSON Lines or a JSON list.",
    ),
    "promptfoo": (
        "harness.cli.setup.import_sets:promptfoo_command",
        "Make an eval set and prompts of a promptfoo configuration.",
    ),
    "traffic": (
        "harness.cli.setup.import_traffic:traffic_command",
        "Add a log of calls up to a week of traffic a feature. A file that is there stays.",
    ),
    "outcomes": (
        "harness.cli.setup.import_results:outcomes_command",
        "Bring in answers of promptfoo, inspect_ai, OpenAI's Evals or a table. No call is made.",
    ),
}


@click.group(name="import", cls=LazyGroup, table=KINDS)
def imports() -> None:
    """Bring eval sets and results into the workspace.

    A file that is there is kept, which is told: only `csv --add` adds cases to one, and only
    `outcomes --replace` changes targets and answers.
    """
