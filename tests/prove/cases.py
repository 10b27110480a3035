"""How an option's cases ended, read from a record's own signs."""

import math
from typing import Any

import numpy as np

NONE = math.nan
PAIRS: dict[str, Any] = {"1": (1, 1), "0": (0, 0), "+": (0, 1), "-": (1, 0), "=": (0.0, None)}
REACH = {"a": (-1, 0), "b": (0, 1), "c": (0, 1), "d": (-1, 0), "?": (-1, 1)}


class Cases:
    """How an option's cases ended: differences (NaN: none), and at their least and most.

    Of a part, `where` has a 0 for each case outside; `parts` are an option's, with their margins.
    """

    def __init__(self, text: str, sizes: list[int], where: str = "") -> None:
        signs = text.split(" ") if "/" in text or " " in text else list(text)
        self.waits, read = "?" in signs, [self.read(*sign.split(":")) for sign in signs]
        self.scores = [one[0] for one in read]
        table = np.array([one[1:] for one in read], float).reshape(-1, 3)
        table[[k for k in range(len(table)) if where[k : k + 1] == "0"]] = NONE
        (self.d, self.least, self.most), self.parts = table.T, list[tuple[Cases, float]]()
        self.settled, self.labels = len(signs), np.repeat(np.arange(len(sizes)), sizes)

    @staticmethod
    def read(sign: str, *reach: str) -> tuple[Any, ...]:
        """Both scores; the difference, and what it can be at least and at most."""
        now, _, new = sign.partition("/")
        if not new:
            pair = PAIRS.get(sign, (NONE, None))
            d = pair[0] if pair[1] is None else pair[1] - pair[0]
            return (pair, d, *REACH.get(sign, (d, d)))
        if "." not in (now, new):
            d = float(new) - float(now)
            return ((float(now), float(new)), d, *(map(float, reach) if reach else (d, d)))
        if now == new:
            return ((NONE, None), NONE, NONE, NONE)
        ends = (float(new) - 1, float(new)) if now == "." else (-float(now), 1 - float(now))
        return ((NONE, None), NONE, *ends)

    def seen(self, start: int, end: int) -> np.ndarray:
        return self.d[start:end][~np.isnan(self.d[start:end])]
