"""The difference of an option that passed, corrected for having passed.

Whoever is picked looked good, and stopped when it did, so what was seen is too good on average.
Told is the conditional median: the difference at which, of all tests that pass at some look, half
pass earlier or look better. At one look that is the estimate of J. Andrews, T. Kitagawa and A.
McCloskey, "Inference on winners", Quarterly Journal of Economics 139 (2024) 305-358; over looks the
order is by stages (C. Jennison and B. W. Turnbull, "Group Sequential Methods" (2000), section 8.4).
Where nearly every test passes, little is taken off.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from harness.stats.roots import falling_root

_POINTS = 200
_FAR = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedAt:
    """The look (from 0) at which an option passed; nominal level and information of every look."""

    look: int
    levels: tuple[float, ...]
    fractions: tuple[float, ...]


def after_passing(value: float, lower: float, margin: float, at: PassedAt) -> float:
    """The corrected mean difference, no lower than the bound `lower` that passed; shares.

    The spread is the one that the bound implies at its level, in the normal limit.

    >>> one = PassedAt(look=0, levels=(0.01,), fractions=(1.0,))
    >>> round(after_passing(0.0, -0.03, 0.05, one), 4)
    -0.0012
    """
    spread = -(value - lower) / float(special.ndtri(at.levels[at.look]))
    if spread <= 0 or lower <= -margin:
        return value
    whole = spread * math.sqrt(at.fractions[at.look])

    def below_half(difference: float) -> float:
        return 0.5 - _share_above(value, difference, margin, whole, at)

    return max(falling_root(below_half, lower, value), lower)


def _share_above(value: float, truth: float, margin: float, whole: float, at: PassedAt) -> float:
    """Of the tests that pass, those that pass earlier, or at this look with more than `value`.

    The score process in units of the spread with all cases, `whole`, is a Brownian motion whose
    drift is the distance of the truth from the margin; its density below all earlier boundaries is
    carried from look to look (as in `harness.stats.sequential.levels`).
    """
    drift, points, mass, before = (truth + margin) / whole, np.zeros(1), np.ones(1), 0.0
    passed = above = 0.0
    for look, (level, now) in enumerate(zip(at.levels, at.fractions, strict=True)):
        step, scale = drift * (now - before), math.sqrt(now - before)
        edge = -float(special.ndtri(level)) * math.sqrt(now)
        if look == at.look:
            reached = (value + margin) / whole * now
            above = passed + float(mass @ special.ndtr((points + step - reached) / scale))
        passed += float(mass @ special.ndtr((points + step - edge) / scale))
        ahead = np.linspace(min(drift * now, edge) - _FAR * math.sqrt(now), edge, _POINTS)
        weights = np.full(_POINTS, ahead[1] - ahead[0])
        weights[[0, -1]] /= 2
        far = (ahead[:, None] - points[None, :] - step) / scale
        density = np.exp(-far * far / 2) / (math.sqrt(2 * math.pi) * scale)
        points, mass, before = ahead, weights * (density @ mass), now
    return above / passed if passed else 1.0
