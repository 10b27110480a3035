"""Vetoes, bars, lost trials and labels through a whole review on a local server."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from harness.record.base import Finding, Reason, Result, Verdict
from harness.tell.pages import to_document
from providers.completion import TokenUsage
from reports.render import render
from tests.support.reviews import (
    NOW,
    Shape,
    answers,
    inline_cluster,
    right_answer,
    run_review,
    write_review_workspace,
)
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.record.model import DecisionRecord
    from tests.support.wire.reply import Body

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

USAGE = TokenUsage(input_tokens=80, output_tokens=2)


def ticket(body: Body) -> int:
    found = re.search(r"Ticket number (\d+)", json.dumps(body.get("messages")))
    return int(found[1]) if found else 0


def scripted(candidate: Callable[[int], str | Reply]) -> Callable[[Body], Reply]:
    """`big` is always right; any other model says what `candidate` makes of the number."""

    def script(body: Body) -> Reply:
        number = ticket(body)
        said = right_answer(number) if body["model"] == "big" else candidate(number)
        return said if isinstance(said, Reply) else Reply(text=said, usage=USAGE)

    return script


def wrong_on_some_chats(number: int) -> str:
    """Chat is every third ticket: wrong on a tenth of those, and on nothing else."""
    return right_answer(number + 1 if number % 30 == 0 else number)


def reviewed(
    root: Path, script: Callable[[Body], Reply], evalset: dict[str, str], **shape: object
) -> DecisionRecord:
    values: dict[str, object] = {"cases": 600, "candidates": "good", "extra": "margin: 8"}
    with OpenAIServer(script) as server, inline_cluster() as cluster:
        write_review_workspace(root, server.port, Shape(**(values | shape)))  # type: ignore[arg-type]
        path = root / "evalsets" / "tickets" / "evalset.yaml"
        text = path.read_text()
        for old, new in evalset.items():
            assert old in text
            text = text.replace(old, new)
        path.write_text(text)
        (record,) = run_review(root, cluster)
    return record


@pytest.mark.parametrize("kind", ["holm", "ladder"])
def test_a_named_part_that_is_harmed_vetoes_a_pass_on_the_whole(tmp_path: Path, kind: str) -> None:
    named = {"{mail: {margin: 30}}": "{chat: {margin: 3}}"}
    record = reviewed(tmp_path, scripted(wrong_on_some_chats), named, kind=kind)
    (option,) = record.options
    assert record.verdict is Verdict.JUSTIFY
    assert option.reason_codes == (Reason.SLICE_REGRESSION,)
    part = option.slices[0]
    assert (part.key, part.value, part.vetoes) == ("channel", "chat", True)
    assert part.best is not None
    assert part.worst is not None
    assert part.best < -3
    assert part.worst < part.difference  # type: ignore[operator]


def test_what_an_alarm_could_not_exclude_is_said_beside_it(tmp_path: Path) -> None:
    named = {"{mail: {margin: 30}}": "{chat: {margin: 15}}"}
    record = reviewed(tmp_path, scripted(wrong_on_some_chats), named)
    (option,) = record.options
    assert record.verdict is Verdict.DOWNGRADE
    part = option.slices[0]
    assert not part.vetoes
    assert part.worst is not None
    page = render(to_document(record, NOW), to="md")
    assert f"{-part.worst:.1f}" in page


def test_the_weakest_unnamed_part_is_exploratory_and_vetoes_nobody(tmp_path: Path) -> None:
    record = reviewed(tmp_path, scripted(wrong_on_some_chats), {"{mail: {margin: 30}}": "{}"})
    (option,) = record.options
    assert record.verdict is Verdict.DOWNGRADE
    weakest = option.slices[0]
    assert (weakest.key, weakest.value) == ("channel", "chat")
    assert (weakest.protect, weakest.margin, weakest.vetoes) == ("exploratory", None, False)
    assert weakest.difference == pytest.approx(-10.0)
    page = render(to_document(record, NOW), to="md")
    assert "exploratory" in page


def test_a_part_to_be_proven_is_shown_as_it_was_tested(tmp_path: Path) -> None:
    named = {"{mail: {margin: 30}}": "{chat: {margin: 20, protect: proven}}"}
    record = reviewed(tmp_path, scripted(wrong_on_some_chats), named, kind="ladder")
    (option,) = record.options
    assert option.result is Result.PASS
    part = option.slices[0]
    assert part.protect == "proven"
    assert not part.vetoes
    assert part.worst is not None
    assert part.worst > -20
    assert option.quality is not None
    assert part.n < option.quality.n


def test_a_part_that_is_not_proven_leaves_the_option_open(tmp_path: Path) -> None:
    named = {"{mail: {margin: 30}}": "{chat: {margin: 9, protect: proven}}"}
    record = reviewed(tmp_path, scripted(wrong_on_some_chats), named)
    (option,) = record.options
    assert option.quality is not None
    assert option.quality.worst > -8
    assert record.verdict is Verdict.UNDECIDED
    assert option.reason_codes == (Reason.QUALITY_UNDECIDED,)


def test_malformed_answers_are_a_guardrail_of_their_own(tmp_path: Path) -> None:
    def mumbles(number: int) -> str:
        return "hm" if number % 15 == 0 else right_answer(number)

    record = reviewed(
        tmp_path, scripted(mumbles), {"margin: 5}]": "margin: 2}]"}, extra="margin: 12"
    )
    (option,) = record.options
    assert option.reason_codes == (Reason.GUARDRAIL_FAILED,)
    rail = option.guardrails[0]
    assert (rail.name, rail.vetoes) == ("format", True)
    assert rail.candidate == pytest.approx(100 * (1 - 1 / 15), abs=0.1)


def test_an_incumbent_under_its_own_bar_is_mended_first(tmp_path: Path) -> None:
    record = reviewed(tmp_path, answers, {"unit: tickets": "unit: tickets\nbar: 99"})
    assert record.finding is Finding.UNDER_PROVISIONED
    assert record.verdict is Verdict.UNDECIDED
    assert record.reason_codes == (Reason.BASELINE_FAILS_OWN_BAR,)


def test_what_failed_counts_as_wrong_and_what_is_missing_too_in_the_bound(tmp_path: Path) -> None:
    def blocked(number: int) -> str | Reply:
        if number % 60 == 0:
            return Reply(text="", finish="content_filter", usage=USAGE)
        return Reply(status=503) if number % 120 == 1 else right_answer(number)

    record = reviewed(tmp_path, scripted(blocked), {})
    (option,) = record.options
    assert option.missing is not None
    assert (option.missing.candidate, option.missing.failed_candidate) == (5, 10)
    assert (option.missing.current, option.missing.failed_current) == (0, 0)
    quality = option.quality
    assert quality is not None
    assert quality.n == 595
    assert quality.only_current_right == 10
    assert quality.absent is not None
    assert (quality.absent.unanswered, quality.absent.worst) == (5, (5, 0, 0))
    assert quality.worst_missing_as_zero == quality.worst


def test_agreement_needs_no_label_and_a_disagreement_waits_for_one(tmp_path: Path) -> None:
    script = scripted(lambda number: right_answer(number + 1 if number % 30 == 0 else number))
    with OpenAIServer(script) as server, inline_cluster() as cluster:
        shape = Shape(cases=300, candidates="good", kind="ladder")
        root = write_review_workspace(tmp_path, server.port, shape)
        folder = root / "evalsets" / "tickets"
        rows = [json.loads(line) for line in (folder / "cases.jsonl").read_text().splitlines()]
        bare = [{key: row[key] for key in row if key != "target"} for row in rows]
        (folder / "cases.jsonl").write_text("".join(json.dumps(row) + "\n" for row in bare))
        (waiting,) = run_review(root, cluster)
        asked = len(server.log.calls)
    assert waiting.verdict is Verdict.UNDECIDED
    assert waiting.reason_codes == (Reason.LABELS_MISSING,)
    assert waiting.still_needed is not None
    differing = [f"t-{number:04}" for number in range(30, 301, 30)]
    assert 0 < (waiting.still_needed.fewest or 0) < (waiting.still_needed.labels or 0)
    assert 0 < (waiting.still_needed.labels or 0) <= len(differing)
    lines = [
        {
            "case": case,
            # Half of them were won: had all been lost, it would not pass.
            "answer": right_answer(int(case[2:]) + (int(case[2:]) % 60 == 0)),
            "by": "dana",
            "at": "2026-11-24T09:00:00Z",
        }
        for case in differing
    ]
    (folder / "labels.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (decided,) = run_review(root, None, run_id="run-2")
    quality = decided.options[0].quality
    assert asked == 600
    assert quality is not None
    assert decided.verdict is Verdict.DOWNGRADE
    lost, won = quality.only_current_right or 0, quality.only_candidate_right or 0
    assert (quality.both_right, quality.agreed_without_label) == (None, quality.n - lost - won)
    assert quality.difference == pytest.approx(100 * (won - lost) / quality.n)
    assert decided.evidence.seed == waiting.evidence.seed


def test_what_stopping_saved_is_counted_in_calls_and_dollars_of_each_model(tmp_path: Path) -> None:
    record = reviewed(tmp_path, answers, {}, kind="ladder", candidates="bad, good")
    spend = record.evidence.spend
    assert spend.trials_saved == 1800 - spend.trials > 0
    price = {"big": Decimal("4.00"), "good": Decimal("0.50"), "bad": Decimal("0.25")}
    whole = sum(600 * 82 * each / 1_000_000 for each in price.values())
    assert spend.total_usd + spend.saved_by_stopping_usd == pytest.approx(
        whole, abs=Decimal("1e-5")
    )
    looks = [look for option in record.options if option.quality for look in option.quality.looks]
    assert looks
    assert all(look.action for look in looks)
