"""What steers a ladder and never decides: prior, dropping, futility, weights.

Chosen on part A of the real outcomes (`tests/benchmarks/decision`); any other value would keep
the promise and cost more calls or savings.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """What is believed about a candidate before its first case; shares."""

    mean: float = -0.04
    deviation: float = 0.06
    discordance: float = 0.12
    """Expected mean square of a difference, worth `weight` cases."""
    weight: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Steering:
    """Thresholds of predicted chance, and the shape of spending.

    `drop_below` ends an option in the pilot, `futile_below` later; an option whose share of
    alpha would be under `least_weight` is dropped, too. `spending` 1 is the O'Brien-Fleming
    type, a smaller one spends a little earlier.
    """

    prior: Prior = Prior()
    drop_below: float = 0.05
    futile_below: float = 0.06
    least_weight: float = 0.02
    spending: float = 0.8
