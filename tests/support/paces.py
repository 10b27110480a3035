"""Two features on lanes of their own: one asks a model that is slow, the other does not."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tests.support.reviews import MODEL, Shape, answers, write, write_review_workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.conduct.reviewing.progress import OptionProgress, Upcoming
    from tests.support.wire.reply import Body, Reply

QUICK, SLOW = "quick", "slow"
"""The features, in the order in which they are planned."""
LATE = "late"
"""The slow model; it answers as `good` does."""


def late_answers(body: Body) -> Reply:
    return answers({**body, "model": "good"})


def write_paced_workspace(
    root: Path, port: int, late_port: int, shape: Shape | None = None, *, concurrency: int = 64
) -> Path:
    """Both have today's model at `port`; the slow one's only candidate is at `late_port`."""
    shape = shape or Shape(cases=600, candidates="good", kind="ladder", features=(QUICK, SLOW))
    write_review_workspace(root, port, shape)
    late = MODEL.format(name=LATE, port=late_port, price="0.50")
    write(root / "models" / "late.yaml", f"{late}  max_concurrency: {concurrency}\n")
    feature = root / "features" / f"{SLOW}.yaml"
    write(feature, feature.read_text().replace("candidates: [good]", f"candidates: [{LATE}]"))
    return root


class Watch:
    """A `Progress` that keeps where options stood, and tells at each feature's end."""

    def __init__(self, seen: Callable[[OptionProgress], None] = lambda _standing: None) -> None:
        self.stands: list[OptionProgress] = []
        self._seen = seen

    def note(self, text: str) -> None:
        del text

    def spared(self, less: Upcoming) -> None:
        del less

    def settled(
        self,
        *,
        spent_usd: Decimal,
        answered: bool = True,
        usd: Decimal = Decimal(0),
        stored: bool = False,
    ) -> None:
        del spent_usd, answered, usd, stored

    def stood(self, standing: OptionProgress) -> None:
        self.stands.append(standing)
        self._seen(standing)

    def of(self, feature: str) -> list[tuple[str, int, int]]:
        """A feature's looks, in order."""
        mine = [standing for standing in self.stands if standing.feature == feature]
        return [(standing.option, standing.look, standing.cases) for standing in mine]
