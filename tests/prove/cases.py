"""How an option's cases ended, read from a record's own signs."""

import math
from typing import Any

import numpy as np

PAIRS = dict(zip("10+-", ((1, 1), (0, 0), (0, 1), (1, 0)), strict=True))
REACH = {"a": (-1, 0), "b": (0, 1), "c": (0, 1), "d": (-1, 0), "?": (-1, 1), "m": (math.nan,) * 2}


class Cases:
    """How an option's cases ended: differences (NaN: none), and at their least and most."""

    def __init__(self, text: str, sizes: list[int]) -> None:
        signs = text.split(" ") if "/" in text or " " in text else list(text)
        self.settled, self.waits = len(signs), "?" in signs
        self.scores = [self.read(sign.split(":")[0]) for sign in signs]
        self.d = np.array([now if new is None else new - now for now, new in self.scores], float)
        ends = [self.reach(sign, d) for sign, d in zip(signs, self.d, strict=True)]
        self.least, self.most = np.array(ends, float).reshape(-1, 2).T
        self.labels = np.repeat(np.arange(len(sizes)), sizes)

    @staticmethod
    def read(sign: str) -> tuple[Any, Any]:
        if "/" not in sign or "." in sign.split("/"):
            return (0.0, None) if sign == "=" else PAIRS.get(sign, (math.nan, None))
        now, new = map(float, sign.split("/"))
        return now, new

    @staticmethod
    def reach(sign: str, d: float) -> tuple[float, float]:
        if ":" in sign:
            return float(sign.split(":")[1]), float(sign.split(":")[2])
        if "/" in sign and np.isnan(d) and sign != "./.":
            now, new = sign.split("/")
            return (float(new) - 1, float(new)) if now == "." else (-float(now), 1 - float(now))
        return REACH.get(sign, (d, d))

    def known(self, start: int, end: int) -> list[int]:
        return [at for at in range(start, min(end, self.settled)) if not np.isnan(self.d[at])]


class Filled:
    """Cases with all that is absent in the option's favour."""

    def __init__(self, cases: Cases) -> None:
        self.least = self.most = cases.most
        self.labels = cases.labels
