"""What a review says about its own figures: repeats, cases to read, a second grader."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.errors import UsageError
from harness.record.base import Verdict
from harness.tell.pages import to_document
from harness.workspace.workspace import load_workspace
from providers.completion import TokenUsage
from reports.render import render
from tests.support.reviews import (
    NOW,
    Shape,
    answers,
    inline_cluster,
    is_wrong,
    right_answer,
    run_review,
    write_review_workspace,
)
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Reply

if TYPE_CHECKING:
    from tests.support.wire.reply import Body

pytestmark = pytest.mark.slow

USAGE = TokenUsage(input_tokens=80, output_tokens=2)


def ticket(body: Body) -> int:
    found = re.search(r"Ticket number (\d+)", json.dumps(body.get("messages")))
    return int(found[1]) if found else 0


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


class Fickle:
    """Answers every tenth ticket right and wrong in turn, so that repeats of it differ."""

    def __init__(self) -> None:
        self.asked: dict[tuple[object, int], int] = {}

    def __call__(self, body: Body) -> Reply:
        number = ticket(body)
        key = (body["model"], number)
        self.asked[key] = self.asked.get(key, 0) + 1
        wrong = number % 10 == 0 and self.asked[key] % 2 == 0
        return Reply(text=right_answer(number + 1 if wrong else number), usage=USAGE)


def test_repeats_are_averaged_and_a_model_s_own_noise_is_told(tmp_path: Path) -> None:
    with OpenAIServer(Fickle()) as server, inline_cluster() as cluster:
        shape = Shape(cases=300, candidates="good", extra="margin: 8")
        root = write_review_workspace(tmp_path, server.port, shape)
        edit(root / "policy.yaml", "{kind: holm}", "{kind: holm, repeats: 2}")
        (record,) = run_review(root, cluster)
        asked = len(server.log.calls)
    assert asked == 1200
    assert record.noise is not None
    assert record.noise.cases == 300
    assert record.noise.disagreement == pytest.approx(10.0)
    quality = record.options[0].quality
    assert quality is not None
    assert quality.repeats == 2
    assert quality.method == "gaffke"
    assert quality.difference == 0.0
    assert quality.current == quality.candidate == pytest.approx(95.0)
    spread = quality.spread_current
    assert spread is not None
    assert (spread.cases, spread.repeats) == (300, 2)
    assert spread.within == pytest.approx(100 * (0.1 * 0.5) ** 0.5)
    assert quality.spread_candidate == spread
    page = render(to_document(record, NOW), to="md")
    assert "Asked twice, big scores differently on 10.0 % of 300 cases" in page


def test_one_answer_a_case_says_nothing_about_noise(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, Shape(cases=120, candidates="good"))
        (record,) = run_review(tmp_path, cluster)
    assert record.noise is None
    assert record.options[0].quality is not None
    assert record.options[0].quality.spread_current is None
    assert "Noise floor" not in render(to_document(record, NOW), to="md")


def test_the_cases_to_read_are_those_that_differ_and_nothing_of_their_content(
    tmp_path: Path,
) -> None:
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, Shape(cases=300, candidates="bad"))
        (record,) = run_review(tmp_path, cluster)
    audit = record.options[0].audit
    assert audit is not None
    numbers = range(1, 301)
    lost = {n for n in numbers if is_wrong("bad", n) and not is_wrong("big", n)}
    won = {n for n in numbers if is_wrong("big", n) and not is_wrong("bad", n)}
    assert set(audit.losses) == {f"t-{n:04}" for n in lost}
    assert set(audit.gains) == {f"t-{n:04}" for n in won}
    page = render(to_document(record, NOW), to="md")
    assert f"{len(lost)} cases where today's model scores more: t-" in page
    assert "Ticket number" not in page
    assert "Ticket number" not in record.model_dump_json()


def priced_answers(body: Body) -> Reply:
    """Everybody is right about nearly all sums; `big` alone writes cents on a tenth of them."""
    number = ticket(body)
    cents = body["model"] == "big" and number % 10 == 0
    total = number + 100
    wrong = number % 20 == 7
    text = f"The total is ${total + 1 if wrong else total}{'.00' if cents else ''}"
    return Reply(text=text, usage=USAGE)


@pytest.mark.parametrize("named", [False, True])
def test_a_grader_that_misreads_cents_is_shown_to_favour_the_small_model(
    tmp_path: Path, *, named: bool
) -> None:
    with OpenAIServer(priced_answers) as server, inline_cluster() as cluster:
        root = write_review_workspace(tmp_path, server.port, Shape(cases=300, candidates="good"))
        folder = root / "evalsets" / "tickets"
        rows = [json.loads(line) for line in (folder / "cases.jsonl").read_text().splitlines()]
        for number, row in enumerate(rows, start=1):
            row["target"] = str(number + 100)
        (folder / "cases.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        own = "{scorer: label, labels: [billing, technical]}"
        edit(folder / "evalset.yaml", own, '{scorer: "graders:naive"}')
        edit(folder / "evalset.yaml", "guardrails: [{scorer: format, margin: 5}]\n", "")
        if named:
            text = (folder / "evalset.yaml").read_text()
            (folder / "evalset.yaml").write_text(text + "second_grader: {scorer: number}\n")
        (folder / "graders.py").write_text(NAIVE)
        (record,) = run_review(root, cluster)
    option = record.options[0]
    assert record.verdict is Verdict.DOWNGRADE
    assert option.grader is not None
    found = option.grader
    assert found.grader == "number"
    assert found.current_again == pytest.approx(found.current + 10.0, abs=0.1)
    assert found.candidate_again == found.candidate
    assert found.tilt == pytest.approx(-10.0, abs=0.1)
    assert set(found.changed_current) == {f"t-{n:04}" for n in range(10, 301, 10)}
    assert found.changed_candidate == ()
    assert set(found.changed_current) == set(option.audit.gains if option.audit else ())
    page = render(to_document(record, NOW), to="md")
    assert "The grader that decided favours good by 10.0 points over the second grader" in page


def test_the_difference_is_shown_at_production_s_mix_as_well(tmp_path: Path) -> None:
    def weak_in_chat(body: Body) -> Reply:
        number = ticket(body)
        wrong = body["model"] != "big" and number % 30 == 0
        return Reply(text=right_answer(number + 1 if wrong else number), usage=USAGE)

    mix = "margin: 8\nmix: {channel: {mail: 0.5, chat: 0.5}}"
    with OpenAIServer(weak_in_chat) as server, inline_cluster() as cluster:
        shape = Shape(cases=600, candidates="good", extra=mix)
        write_review_workspace(tmp_path, server.port, shape)
        (record,) = run_review(tmp_path, cluster)
    quality = record.options[0].quality
    assert quality is not None
    assert quality.mix is not None
    assert quality.difference == pytest.approx(-100 / 30)
    assert quality.mix.difference == pytest.approx(-5.0)
    assert quality.mix.n == 600
    assert quality.mix.worst is not None
    assert quality.mix.worst < quality.worst
    page = render(to_document(record, NOW), to="md")
    assert "mail 50 %, chat 50 %" in page


@pytest.mark.parametrize(
    ("mix", "message"),
    [
        ("{channel: {mail: 0.5, chat: 0.4}}", r"mix.channel: the shares must sum to 1, got 0.9"),
        ("{channel: {mail: 1}, size: {big: 1}}", "mix: one metadata key alone"),
    ],
)
def test_a_mix_that_is_none_is_refused(tmp_path: Path, mix: str, message: str) -> None:
    write_review_workspace(tmp_path, 9, Shape(extra=f"mix: {mix}"))
    with pytest.raises(UsageError, match=message):
        load_workspace(tmp_path)


NAIVE = '''
"""Takes the last run of digits, as a public grader did."""
import re


def naive(answer, target, metadata):
    digits = re.findall(r"\\d+", answer)
    return float(bool(digits) and digits[-1] == target)
'''
