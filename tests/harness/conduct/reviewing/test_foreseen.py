"""What a review says it will still ask, against what it then asked."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from decimal import Decimal
from typing import TYPE_CHECKING

from harness.conduct.listening import Quiet
from harness.conduct.reviewing.progress import Progress, Silent, Upcoming
from harness.conduct.running import RunSettings, review
from tests.support.reviews import NOW, Shape, answers, write_review_workspace
from tests.support.wire.openai_server import OpenAIServer

if TYPE_CHECKING:
    from pathlib import Path

BAD_ONLY = ("letters", "mails")
SHAPE = Shape(
    cases=120, candidates="bad, good", kind="ladder", features=(*BAD_ONLY, "chats", "tickets")
)
FACTOR = 1.5


class Counting(Quiet, Silent):
    """Remembers after each answer how many more were expected, and their cost."""

    def __init__(self) -> None:
        self.ahead = Upcoming(most=0, expected=0)
        self.seen: list[Upcoming] = []

    def progress(self, planned: Upcoming) -> AbstractContextManager[Progress]:
        self.ahead = planned
        return nullcontext(self)

    def spared(self, less: Upcoming) -> None:
        self.ahead -= less

    def settled(
        self,
        *,
        spent_usd: Decimal,  # noqa: ARG002
        answered: bool = True,  # noqa: ARG002
        usd: Decimal = Decimal(0),
    ) -> None:
        self.ahead -= Upcoming(most=1, expected=1, usd=usd)
        self.seen.append(self.ahead)


def test_what_is_left_is_right_within_a_half_from_the_first_tenth_on(tmp_path: Path) -> None:
    """Two features are given up early, two go to the end with one of two options."""
    told = Counting()
    with OpenAIServer(answers) as server:
        write_review_workspace(tmp_path, server.port, SHAPE)
        for feature in (tmp_path / "features").iterdir():
            text = feature.read_text("utf-8").replace("risk: medium", "risk: low")
            if feature.stem in BAD_ONLY:
                text = text.replace("candidates: [bad, good]", "candidates: [bad]")
            feature.write_text(text, encoding="utf-8")
        review(tmp_path, settings=RunSettings(clock=lambda: NOW, listener=told, in_order=True))
    whole = len(told.seen)
    assert (told.ahead.expected, told.ahead.most, round(told.ahead.usd, 9)) == (0, 0, 0)
    for number, ahead in enumerate(told.seen, 1):
        left = whole - number
        assert left <= ahead.most
        if number > whole // 10 and left > whole // 20:
            assert left / FACTOR < ahead.expected < left * FACTOR, number
