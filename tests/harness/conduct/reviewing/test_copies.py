"""One ticket under many ids is one case: not asked again, not counted again, not decided by."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from harness.cli.main import run
from harness.record.base import Reason, Verdict
from harness.tell.pages import to_document
from reports.render import render
from tests.support.reviews import (
    NOW,
    Shape,
    answers,
    inline_cluster,
    run_review,
    write,
    write_review_workspace,
)
from tests.support.wire.openai_server import OpenAIServer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.record.model import DecisionRecord

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

TICKETS = "evalsets/tickets/cases.jsonl"
WIDE = "margin: 30"


def rows_of(root: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (root / TICKETS).read_text("utf-8").splitlines()]


def write_rows(root: Path, rows: Sequence[dict[str, Any]]) -> None:
    write(root / TICKETS, "".join(json.dumps(row) + "\n" for row in rows))


def finding(record: DecisionRecord) -> dict[str, Any]:
    """All that a record says but when it was made and how many rows were copies."""
    made = record.model_dump(exclude={"generated_at", "etag", "finding_sha256"})
    made["evidence"]["eval_set"].pop("rows", None)
    return made


def asked_and_found(root: Path, port: int, copies: Sequence[int]) -> DecisionRecord:
    write_review_workspace(root, port, Shape(cases=60, candidates="good", extra=WIDE))
    rows = rows_of(root)
    again = [{**rows[number], "id": f"again-{at}"} for at, number in enumerate(copies)]
    write_rows(root, [*rows, *again])
    with inline_cluster() as cluster:
        (record,) = run_review(root, cluster)
    return record


@given(copies=st.lists(st.integers(0, 59), min_size=1, max_size=40))
@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
def test_copies_of_any_rows_change_no_figure_and_no_call(
    copies: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with OpenAIServer(answers) as server:
        plain = asked_and_found(tmp_path_factory.mktemp("plain"), server.port, [])
        before = len(server.log.calls)
        copied = asked_and_found(tmp_path_factory.mktemp("copied"), server.port, copies)
        asked = len(server.log.calls) - before
    assert plain.options[0].quality is not None
    assert finding(copied) == finding(plain)
    assert copied.evidence.eval_set.rows == 60 + len(copies)
    assert asked == before


def test_one_ticket_under_two_hundred_ids_decides_nothing_and_costs_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, Shape(cases=200, candidates="good"))
        one = rows_of(tmp_path)[0]
        write_rows(tmp_path, [{**one, "id": f"t-{number}"} for number in range(200)])
        write(tmp_path / "evalsets/tickets/evalset.yaml", WITHOUT_SLICES)
        (record,) = run_review(tmp_path, cluster)
        asked = len(server.log.calls)
    assert (record.verdict, asked) == (Verdict.UNDECIDED, 0)
    assert Reason.SAMPLE_TOO_SMALL in record.reason_codes
    assert (record.evidence.eval_set.n, record.evidence.eval_set.rows) == (1, 200)
    page = render(to_document(record, NOW), to="md")
    assert "1 case at hand. They are the different ones of 200 rows: copies count once." in page
    assert run(["check", "-w", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "200 rows, 1 case: rows with equal input and metadata are one case" in shown
    assert "1 case in 200 rows" in shown
    run(["plan", "-w", str(tmp_path)])
    assert "tickets: 200 rows, 1 case" in capsys.readouterr().out


WITHOUT_SLICES = """\
cases: cases.jsonl
unit: tickets
source: {kind: written, targets: human}
primary: {scorer: label, labels: [billing, technical]}
"""


def test_near_copies_are_told_with_what_they_are_worth(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, Shape(cases=180, candidates="good"))
        rows = rows_of(tmp_path)
        for at, row in enumerate(rows):
            filler = " ".join(f"w{at // 5}x{word}" for word in range(20))
            row["input"] = f"{row['input']} {filler}"
        write_rows(tmp_path, rows)
        (record,) = run_review(tmp_path, cluster)
    worth = record.evidence.eval_set.worth
    assert worth == pytest.approx(180 / (1 + 4 * 22 / 24), abs=0.1)
    line = "180 cases, worth about 39 independent ones: many say nearly the same (look at "
    assert run(["check", "-w", str(tmp_path)]) == 0
    assert line in capsys.readouterr().out
    run(["plan", "-w", str(tmp_path)])
    assert line in capsys.readouterr().out
    page = render(to_document(record, NOW), to="md")
    assert "Many say nearly the same: they are worth about 39 independent ones." in page
    assert "180 cases worth about 38." in page
