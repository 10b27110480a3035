from __future__ import annotations

from harness.money.interval import generator


def test_a_seed_gives_the_same_draws_and_another_gives_others() -> None:
    draws = [generator(seed).integers(0, 2**60) for seed in ("ff" * 32, "ff" * 32, "fe" * 32)]
    assert draws[0] == draws[1] != draws[2]
