"""Protected slices and guardrails are asked in full before an option is accepted.

Page and record say which loss each could have shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from scipy.stats import binom

from harness.record.base import Reason, Result
from harness.record.laws import broken_laws
from harness.tell.pages import to_document
from reports.render import render
from tests.prove.verifier import check
from tests.recompute.figures import Truth
from tests.support.one_set import CASES, Script, number_of, reviewed, workspace
from tests.support.reviews import NOW, right_answer
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Reply

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.wire.reply import Body

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

LATE = 210
"""After the look at which the option passes."""


@dataclass
class HarmfulLate(Script):
    """As good as today's model, but for mails from a place on."""

    start: int = CASES

    def __call__(self, body: Body) -> Reply:
        reply = super().__call__(body)
        number = number_of(body)
        place = self.order.index(f"t-{number:04}")
        late = body["model"] == "fine" and place >= self.start and number % 3 != 0
        return Reply(text=right_answer(number + 1), usage=reply.usage) if late else reply


def mails(script: Script) -> set[int]:
    return {at for at, case in enumerate(script.order) if int(case[2:]) % 3 != 0}


def slice_margin(root: Path, margin: int) -> None:
    path = root / "evalsets" / "tickets" / "evalset.yaml"
    path.write_text(path.read_text("utf-8").replace("margin: 30", f"margin: {margin}"), "utf-8")


def guardrail_margin(root: Path, margin: int) -> None:
    path = root / "evalsets" / "tickets" / "evalset.yaml"
    text = path.read_text("utf-8")
    path.write_text(text.replace("format, margin: 5", f"format, margin: {margin}"), "utf-8")


def test_the_rest_of_a_slice_is_asked_and_speaks_for_the_slice_alone(tmp_path: Path) -> None:
    script = HarmfulLate()
    with OpenAIServer(script) as server:
        root = workspace(tmp_path, server.port, names="fine")
        record = reviewed(root, script)
    assert list(broken_laws(record)) == []
    (option,) = record.options
    quality = option.quality
    assert option.result is Result.PASS
    assert quality is not None
    asked, known = script.asked["fine"], mails(script)
    decided = 20 + quality.n
    assert decided < CASES
    assert asked == set(range(decided)) | known
    assert script.asked["big"] == asked
    assert record.current_cases == decided
    (part, *_) = option.slices
    assert (part.n, part.of, part.vetoes) == (len(known), len(known), False)
    lost = round((part.could_show or 0) * part.n / 100)
    assert binom.sf(lost - 1, part.n, 0.3) < 0.05
    assert record.evidence.spend.trials == 2 * len(asked)
    assert Truth(record.model_dump(mode="json")).faults == []
    page = render(to_document(record, NOW), to="md")
    assert f"Channel: mail ({part.n} tickets) is at" in page
    assert f"only from a loss of {part.could_show:.1f} points on." in page


def test_harm_that_comes_after_the_whole_was_decided_stops_the_option(tmp_path: Path) -> None:
    script = HarmfulLate(start=LATE)
    with OpenAIServer(script) as server:
        root = workspace(tmp_path, server.port, names="fine")
        slice_margin(root, 10)
        record = reviewed(root, script)
    assert list(broken_laws(record)) == []
    (option,) = record.options
    assert option.quality is not None
    assert 20 + option.quality.n <= LATE
    assert option.reason_codes == (Reason.SLICE_REGRESSION,)
    assert option.slices[0].of == option.slices[0].n


def without_slices(root: Path) -> None:
    path = root / "evalsets" / "tickets" / "evalset.yaml"
    text = path.read_text("utf-8")
    path.write_text(text.replace("slices: {channel: {mail: {margin: 30}}}\n", ""), "utf-8")


@dataclass
class WrongForm(HarmfulLate):
    """As right as today's model; from a place on every fifth answer is no label."""

    def __call__(self, body: Body) -> Reply:
        reply = Script.__call__(self, body)
        place = self.order.index(f"t-{number_of(body):04}")
        odd = body["model"] == "fine" and place >= self.start and place % 5 == 0
        return Reply(text="it depends", usage=reply.usage) if odd else reply


def test_a_guardrail_is_asked_in_full_and_speaks_for_itself(tmp_path: Path) -> None:
    script = WrongForm()
    with OpenAIServer(script) as server:
        root = workspace(tmp_path, server.port, names="fine", guardrails=True)
        without_slices(root)
        record = reviewed(root, script)
    assert list(broken_laws(record)) == []
    (option,) = record.options
    assert option.result is Result.PASS
    assert option.quality is not None
    decided = 20 + option.quality.n
    assert decided < CASES
    assert script.asked["fine"] == script.asked["big"] == set(range(CASES))
    assert record.current_cases == decided
    (rail,) = option.guardrails
    assert (rail.n, rail.of, rail.vetoes) == (CASES, CASES, False)
    lost = round((rail.could_show or 0) * rail.n / 100)
    assert binom.sf(lost - 1, rail.n, 0.05) < 0.05
    assert Truth(record.model_dump(mode="json")).faults == []
    page = render(to_document(record, NOW), to="md")
    assert "**Guardrails.** format on 300 of 300 tickets: 0.0 points; no harm shown" in page
    assert f"only from a loss of {rail.could_show:.1f} points on." in page


def test_harm_to_a_guardrail_that_comes_late_stops_the_option(tmp_path: Path) -> None:
    script = WrongForm(start=LATE)
    with OpenAIServer(script) as server:
        root = workspace(tmp_path, server.port, names="fine", guardrails=True)
        without_slices(root)
        guardrail_margin(root, 1)
        record = reviewed(root, script)
    assert list(broken_laws(record)) == []
    (option,) = record.options
    assert option.quality is not None
    assert 20 + option.quality.n <= LATE
    assert option.reason_codes == (Reason.GUARDRAIL_FAILED,)
    assert (option.guardrails[0].n, option.guardrails[0].vetoes) == (CASES, True)
    assert check(record.model_dump(mode="json")) == []
