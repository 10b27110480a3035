"""A mean difference whose mix of strata is fixed by the policy, not by the sample.

Source: W. G. Cochran, "Sampling Techniques" (1977), section 5.3. Each stratum's bound is taken at
its share of the level (union bound), so the result is valid for any interval inside; where that
is wider than one bound on the weighted differences, the mix costs certainty and says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.stats.estimates import Estimate, estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.stats.estimates import Method, Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """A part of production: its share of the traffic, and its cases."""

    share: float
    sample: Sample


def stratified(strata: Sequence[Stratum], method: Method, level: float) -> Estimate | None:
    """Mean difference at the production mix; None when a stratum has no case.

    Raises:
        ValueError: the shares do not sum to 1.
    """
    if abs(sum(stratum.share for stratum in strata) - 1) > 1e-9:  # noqa: PLR2004  # rounding
        raise ValueError("the strata's shares must sum to 1")
    parts = [
        (stratum.share, estimate(stratum.sample, method, level / len(strata))) for stratum in strata
    ]
    found = [(share, part) for share, part in parts if part is not None]
    if len(found) < len(parts):
        return None
    return Estimate(
        value=sum(share * part.value for share, part in found),
        lower=sum(share * part.lower for share, part in found),
        upper=sum(share * part.upper for share, part in found),
        level=level,
        n=sum(part.n for _, part in found),
        method=method,
    )
