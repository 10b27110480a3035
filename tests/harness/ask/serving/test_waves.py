"""Models that do not fit at once are loaded one wave after another, each once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.ask.serving.gpus import FreeGpus, Need, NoGpuError, waves


def need(model: str, gpus: int, *teams: str) -> Need:
    return Need(model=model, gpus=gpus, teams=frozenset(teams))


@pytest.mark.parametrize(
    ("needs", "capacity", "expected"),
    [
        pytest.param([("a", 1), ("b", 1), ("c", 0)], (2,), [["a", "b", "c"]], id="all at once"),
        pytest.param([("a", 1), ("b", 2)], (2,), [["b"], ["a"]], id="two waves"),
        pytest.param([("a", 2), ("b", 2)], (2, 2), [["a", "b"]], id="two machines"),
        pytest.param(
            [("a", 3), ("b", 2), ("c", 1)], (4,), [["a", "c"], ["b"]], id="a gap is filled"
        ),
        pytest.param([("a", 0)], (), [["a"]], id="no GPU needed, none there"),
    ],
)
def test_the_largest_go_first_and_each_is_loaded_once(
    needs: list[tuple[str, int]], capacity: tuple[int, ...], expected: list[list[str]]
) -> None:
    found = waves([need(*each) for each in needs], FreeGpus(machines=capacity))
    assert [list(wave) for wave in found] == expected


@pytest.mark.parametrize(
    ("capacity", "line"),
    [
        pytest.param(FreeGpus(machines=()), "^big: needs 4 GPUs of one machine and there is no GPU",
                     id="none"),
        pytest.param(FreeGpus(machines=(2, 2)), "the largest machine has 2", id="too small"),
        pytest.param(
            FreeGpus(machines=(8,), quota={"search": 5}, held={"search": 2}),
            r"^big: needs 4 GPUs; search holds 2 and its quota is 5 \(policy.yaml: gpu_quota\)",
            id="quota",
        ),
    ],
)  # fmt: skip
def test_a_model_that_fits_nowhere_is_one_line(capacity: FreeGpus, line: str) -> None:
    with pytest.raises(NoGpuError, match=line):
        waves([need("big", 4, "search")], capacity)


def test_a_team_within_its_quota_waits_for_its_own_models() -> None:
    capacity = FreeGpus(machines=(8,), quota={"search": 2})
    found = waves([need("a", 2, "search"), need("b", 2, "search"), need("c", 2, "other")], capacity)
    assert found == (("a", "c"), ("b",))


@given(
    st.dictionaries(st.text("abcd", min_size=1), st.integers(0, 4), max_size=7),
    st.lists(st.integers(4, 8), min_size=1, max_size=3),
)
def test_each_model_is_in_one_wave_and_no_wave_needs_more_than_there_is(
    needs: dict[str, int], machines: list[int]
) -> None:
    found = waves([need(name, n) for name, n in needs.items()], FreeGpus(machines=tuple(machines)))
    assert sorted(name for wave in found for name in wave) == sorted(needs)
    assert all(sum(needs[name] for name in wave) <= sum(machines) for wave in found)
