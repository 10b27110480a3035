"""One set of cases also where answers are imported, graded, labelled late, or harm a part."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from harness.cli.main import run
from harness.record.base import Reason, Result
from harness.record.laws import broken_laws
from harness.record.model import load
from harness.stats.estimates import Sample, estimate
from harness.tell.pages import to_document
from reports.render import render
from tests.support.imports import FACTS, MODEL
from tests.support.one_set import PILOT, Script, order_of, reviewed, workspace, wrong
from tests.support.reviews import NOW, right_answer
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Reply
from tests.support.workspaces import edit

if TYPE_CHECKING:
    from pathlib import Path

    from harness.record.model import DecisionRecord
    from tests.support.wire.reply import Body

pytestmark = pytest.mark.slow

POLICY = """\
max_spend_usd: 10
risk: {low: {margin: 10}, medium: {margin: 5}, high: {margin: 3}}
minimum_saving_usd: 50
expires_days: {prices: 36500}
"""


def imported(root: Path, source: Path) -> DecisionRecord:
    """The record of another tool's answers, by the commands that a user types."""
    models = (MODEL.format(name=n, price=p) for n, p in (("gpt-5", 10), ("gpt-5-mini", 1)))
    (root / "models").mkdir()
    (root / "models" / "all.yaml").write_text("".join(models), encoding="utf-8")
    (root / "policy.yaml").write_text(POLICY, encoding="utf-8")
    command = ["import", "outcomes", str(source), "-f", "f", "-w", str(root)]
    assert run([*command, "--incumbent", "openai:gpt-5"]) == 2
    feature = root / "features" / "f.yaml"
    feature.write_text(feature.read_text("utf-8") + FACTS, encoding="utf-8")
    assert run(command) == 0
    assert run(["review", "-w", str(root), "--feature", "f", "--cycle", "2026-Q4", "--yes"]) == 0
    (path,) = root.glob("reviews/*/records/f.json")
    return load(path.read_text("utf-8"))


def results(number: int) -> list[dict[str, object]]:
    """One case in promptfoo's results: the incumbent right, the candidate wrong on one in eight."""
    return [
        {
            "promptIdx": place,
            "testIdx": number,
            "provider": {"id": f"openai:{model}", "label": ""},
            "prompt": {"raw": "q", "label": "q"},
            "vars": {"question": f"Question {number}"},
            "success": good,
            "score": float(good),
            "failureReason": 0 if good else 1,
            "latencyMs": 500,
            "response": {
                "output": "yes" if good else "no",
                "tokenUsage": {"total": 110, "prompt": 100, "completion": 10},
            },
        }
        for place, (model, good) in enumerate((("gpt-5", True), ("gpt-5-mini", number % 8 != 0)))
    ]


def test_another_tool_s_answers_are_counted_on_the_cases_of_the_bound(tmp_path: Path) -> None:
    rows = [row for number in range(300) for row in results(number)]
    source = tmp_path / "results.json"
    source.write_text(json.dumps({"results": {"version": 3, "results": rows}}), encoding="utf-8")
    root = tmp_path / "w"
    root.mkdir()
    record = imported(root, source)
    (option,) = record.options
    quality = option.quality
    assert quality is not None
    assert record.laws == 1
    assert quality.both_right is not None
    assert quality.both_right + (quality.only_current_right or 0) == quality.n
    assert quality.current == 100.0
    shown = round(100 * (quality.both_right - quality.n) / quality.n, 6)
    assert quality.difference == pytest.approx(shown)
    assert quality.worst_missing_as_zero == quality.worst
    page = render(to_document(record, NOW), to="md")
    assert f"was right {quality.both_right} times on {quality.n} cases" in page
    assert f"today's model {quality.n} times: {quality.difference:.1f} points" in page


def test_harm_to_a_part_that_only_all_cases_show_widens_every_figure(tmp_path: Path) -> None:
    """`fine` loses chats alone: two of the pilot and six after it, before its first look."""
    script = Script()
    spoilt: set[int] = set()

    def sly(body: Body) -> Reply:
        found = re.search(r"Ticket number (\d+)", json.dumps(body["messages"]))
        number = int(found[1]) if found else 0
        place = script.order.index(f"t-{number:04}")
        off = wrong("big", place) or (body["model"] == "fine" and place in spoilt)
        return Reply(text=right_answer(number + off))

    with OpenAIServer(sly) as server:
        roots = [workspace(tmp_path / name, server.port, names="fine") for name in ("a", "b")]
        for root in roots:
            edit(root / "features" / "tickets.yaml", "risk: medium", "risk: low")
        order = order_of(roots[0])
        chats = [at for at, case in enumerate(order) if not int(case[2:]) % 3]
        lost = [at for at in chats if not wrong("big", at)]
        spoilt |= {*[at for at in lost if at < PILOT][:2], *[at for at in lost if at >= PILOT][:6]}
        (first,) = reviewed(roots[0], script).options
        assert first.quality is not None
        assert first.result is Result.PASS
        inside = [at for at in chats if at < PILOT + first.quality.n]
        limit = between(inside, spoilt)
        edit(roots[1] / "evalsets" / "tickets" / "evalset.yaml", "mail: {margin: 30}", limit)
        record = reviewed(roots[1], script)
    (option,) = record.options
    assert option.reason_codes == (Reason.SLICE_REGRESSION,)
    quality, part = option.quality, option.slices[0]
    assert quality is not None
    assert list(broken_laws(record)) == []
    assert (part.vetoes, part.n, part.only_current_right) == (True, len(inside), len(spoilt))
    assert (quality.n, quality.pilot_cases) == (PILOT + first.quality.n, PILOT)
    assert quality.only_current_right == len(spoilt)


def between(chats: list[int], spoilt: set[int]) -> str:
    """A limit of the part that all cases show broken, and those after the pilot do not."""
    every = [-1.0 if at in spoilt else 0.0 for at in chats]
    after = [-1.0 if at in spoilt else 0.0 for at in chats if at >= PILOT]
    found = [estimate(Sample(differences=tuple(d)), "tango", 0.05) for d in (every, after)]
    upper = [100 * one.upper for one in found if one is not None]
    assert upper[0] < upper[1] < 0
    return f"chat: {{margin: {-sum(upper) / 2:.3f}}}"
