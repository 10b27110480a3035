"""Every figure of an option rests on one set of cases, in a real review of each kind.

The script knows every answer, so each test counts again what the record says, on the cases that
the record says its figures rest on.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from harness.record.base import Reason, Result
from harness.record.laws import broken_laws
from harness.tell.page.titles import MIXED
from harness.tell.pages import to_document
from reports.render import render
from tests.support.one_set import CASES, PILOT, PRICES, Script, reviewed, workspace, wrong
from tests.support.reviews import NOW, write
from tests.support.wire.openai_server import OpenAIServer
from tests.support.workspaces import edit

if TYPE_CHECKING:
    from pathlib import Path

    from harness.record.model import DecisionRecord
    from harness.record.parts import OptionRecord

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]


def by_name(record: DecisionRecord) -> dict[str, OptionRecord]:
    return {option.target.option: option for option in record.options}


def counted(name: str, first: int, last: int, lost: frozenset[tuple[str, int]]) -> tuple[int, ...]:
    """(n, both, today's alone, the candidate's alone, neither) on a stretch of the order."""
    places = [p for p in range(first, last) if not {("big", p), (name, p)} & lost]
    right = [(not wrong("big", p), not wrong(name, p)) for p in places]
    kinds = [(True, True), (True, False), (False, True), (False, False)]
    return (len(places), *(right.count(kind) for kind in kinds))


def check(record: DecisionRecord, lost: frozenset[tuple[str, int]] = frozenset()) -> None:
    """Count every option's figures again, and hold the page to them."""
    assert record.laws == 1
    assert list(broken_laws(record)) == []
    page = render(to_document(record, NOW), to="md")
    assert MIXED not in page
    pilot = record.evidence.eval_set.pilot
    for name, option in by_name(record).items():
        quality = option.quality
        if quality is None:
            continue
        assert quality.deciding_cases is not None
        assert quality.missing_cases is not None
        first = 0 if quality.pilot_cases or not pilot else pilot
        last = first + quality.n + quality.missing_cases
        n, both, today, candidate, neither = counted(name, first, last, lost)
        assert (quality.n, quality.only_current_right) == (n, today), name
        assert (quality.both_right, quality.neither_right) == (both, neither)
        assert quality.only_candidate_right == candidate
        assert quality.difference == pytest.approx(100 * (candidate - today) / n)
        assert quality.current == pytest.approx(100 * (both + today) / n)
        assert option.audit is not None
        assert (len(option.audit.losses), len(option.audit.gains)) == (today, candidate)
        assert float(option.cost.success_share or 0) == pytest.approx((both + candidate) / n)
        rests = f"| {name} | {n} | {quality.pilot_cases} | {quality.deciding_cases} | "
        assert rests in page, name
    for option in record.options:
        looks = option.quality.looks if option.quality else ()
        assert all(look.number <= (option.quality.looks_planned or 0) for look in looks)


def test_a_ladder_with_a_pilot_and_every_end(tmp_path: Path) -> None:
    script = Script()
    with OpenAIServer(script) as server:
        record = reviewed(workspace(tmp_path, server.port), script)
    check(record)
    found = by_name(record)
    assert record.evidence.eval_set.pilot == PILOT
    dropped, harmful, weak, fine = (found[name].quality for name in PRICES)
    assert dropped is not None
    assert (dropped.pilot_cases, dropped.deciding_cases) == (len(script.asked["dropped"]), 0)
    assert harmful is not None
    # One of four, and on so few cases: given up, and not yet shown to be worse.
    assert found["harmful"].reason_codes == (Reason.UNLIKELY_TO_PASS,)
    assert harmful.pilot_cases == 0
    assert harmful.n == len(script.asked["harmful"]) - PILOT
    assert weak is not None
    assert found["weak"].reason_codes == (Reason.UNLIKELY_TO_PASS,)
    assert weak.pilot_cases == 0
    assert fine is not None
    assert found["fine"].result is Result.PASS
    page = render(to_document(record, NOW), to="md")
    assert f"points worse on {harmful.n} cases" in page


def test_page_one_says_on_how_many_cases_harm_was_shown(tmp_path: Path) -> None:
    script = Script()
    with OpenAIServer(script) as server:
        record = reviewed(workspace(tmp_path, server.port, kind="holm", names="harmful"), script)
    check(record)
    (option,) = record.options
    assert option.quality is not None
    assert option.reason_codes == (Reason.QUALITY_INFERIOR,)
    assert option.quality.best < -5
    assert 0 < (option.quality.best_level or 0) < 0.05
    n = option.quality.n
    page = render(to_document(record, NOW), to="md")
    assert "is said at a level that holds over all looks and options together" in page
    right = f"harmful was right {option.quality.both_right} times on {n} tickets, today's model"
    assert right in page
    assert f"{n} left to decide; the figures of harmful rest on all of them" in page


@pytest.mark.parametrize("kind", ["holm", "fixed-sequence"])
def test_a_fixed_number_of_cases_has_no_pilot(tmp_path: Path, kind: str) -> None:
    script = Script()
    with OpenAIServer(script) as server:
        record = reviewed(workspace(tmp_path, server.port, kind=kind, names="weak, fine"), script)
    check(record)
    assert {o.quality.n for o in record.options if o.quality} == {CASES}


def test_cases_without_an_answer_are_named_beside_the_others(tmp_path: Path) -> None:
    lost = frozenset({("fine", 40), ("harmful", 33), ("big", 120)})
    script = Script(lost=lost)
    with OpenAIServer(script) as server:
        root = workspace(tmp_path, server.port, names="harmful, fine")
        record = reviewed(root, script)
    check(record, lost)
    found = by_name(record)
    fine, harmful = found["fine"].quality, found["harmful"].quality
    assert fine is not None
    assert fine.missing_cases == 2
    assert fine.worst_missing_as_zero != fine.worst
    assert harmful is not None
    assert harmful.missing_cases == 1


def test_clusters_are_counted_on_the_same_cases(tmp_path: Path) -> None:
    script = Script()
    with OpenAIServer(script) as server:
        root = workspace(tmp_path, server.port, names="harmful, weak, fine")
        evalset = root / "evalsets" / "tickets"
        rows = [json.loads(line) for line in (evalset / "cases.jsonl").read_text().splitlines()]
        for at, row in enumerate(rows):
            row["metadata"]["customer"] = f"c-{at // 3:03}"
        write(evalset / "cases.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows))
        edit(evalset / "evalset.yaml", "unit: tickets", "unit: tickets\ncluster: customer")
        record = reviewed(root, script)
    check(record)
    for option in record.options:
        if option.quality is not None:
            quality = option.quality
            first = 0 if quality.pilot_cases else record.evidence.eval_set.pilot
            inside = script.order[first : first + quality.n]
            assert quality.clusters == len({(int(case[2:]) - 1) // 3 for case in inside})
