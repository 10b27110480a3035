"""GPUs: seen, shared out, and refused in one line when they are not there."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.ask.serving.gpus import Gpu, NoGpuError, check_quota, gpus_here, pack
from harness.ask.serving.server_lifecycle import serve_models
from harness.ask.serving.specs import ServeSpec
from harness.ask.serving.states import ProcessMark, ServerState, gpus_by_team

NOW = datetime(2026, 11, 24, tzinfo=UTC)
GUARD = ProcessMark(host="h", pid=1, began_s=1)
TWO = tuple(Gpu(id=str(n), name="NVIDIA H100", memory_mib=81559) for n in range(2))
LISTED = (sys.executable, "-c", "print('0, NVIDIA H100, 81559\\n1, NVIDIA H100, 81559\\n')")


@pytest.mark.parametrize(
    ("environ", "ids"),
    [
        pytest.param({}, ["0", "1"], id="all"),
        pytest.param({"CUDA_VISIBLE_DEVICES": "1"}, ["1"], id="one visible"),
        pytest.param({"CUDA_VISIBLE_DEVICES": ""}, [], id="none visible"),
    ],
)
def test_the_tools_list_and_the_environment_decide(environ: dict[str, str], ids: list[str]) -> None:
    assert [gpu.id for gpu in gpus_here(environ, LISTED)] == ids


@pytest.mark.parametrize(
    "query", [("no-such-tool",), (sys.executable, "-c", "raise SystemExit(9)")]
)
def test_a_machine_without_the_tool_has_no_gpu(query: tuple[str, ...]) -> None:
    assert gpus_here({}, query) == ()


def test_an_absent_gpu_is_one_clear_line_and_nothing_starts(tmp_path: Path) -> None:
    spec = ServeSpec(engine="vllm", weights=tmp_path, gpus=1)
    with (
        pytest.raises(NoGpuError, match=r"^big \(1\): need 1 GPU at once .* has no free GPU; "),
        serve_models({"big": spec}, logs=tmp_path / "logs", environ={}, gpus=lambda _: ()),
    ):
        pass
    assert not (tmp_path / "logs").exists()


def test_too_many_at_once_is_said_with_names() -> None:
    with pytest.raises(NoGpuError, match=r"a \(2\), b \(1\): need 3 GPUs at once .* has 2 of them"):
        pack({"a": 2, "b": 1, "c": 0}, TWO)


@given(st.dictionaries(st.text("abc", min_size=1), st.integers(0, 3), max_size=5))
def test_no_gpu_is_given_twice_and_each_need_is_met(needs: dict[str, int]) -> None:
    gpus = tuple(Gpu(id=str(n), name="x", memory_mib=1) for n in range(sum(needs.values())))
    given_out = pack(needs, gpus)
    ids = [gpu for model in given_out.values() for gpu in model]
    assert len(ids) == len(set(ids)) == sum(needs.values())
    assert {name: len(own) for name, own in given_out.items()} == needs


@pytest.mark.parametrize(
    ("wanted", "held", "refused"),
    [
        pytest.param(1, 1, False, id="up to the quota"),
        pytest.param(2, 1, True, id="above it"),
    ],
)
def test_a_team_keeps_its_quota(wanted: int, held: int, *, refused: bool) -> None:
    quota = {"search": 2}
    if refused:
        with pytest.raises(NoGpuError, match="search: wants 2 GPUs and holds 1, its quota is 2"):
            check_quota({"search": wanted}, {"search": held}, quota)
    else:
        check_quota({"search": wanted, "other": 99}, {"search": held}, quota)


def test_what_teams_hold_is_summed_over_their_servers() -> None:
    states = tuple(
        ServerState(
            model=f"m{n}", engine="vllm", port=n, guard=GUARD, since=NOW, ttl_s=1,
            gpus=n, teams=teams,
        )
        for n, teams in ((1, ("a",)), (2, ("a", "b")), (4, ("b",)), (8, ()))
    )  # fmt: skip
    assert gpus_by_team(states) == {"a": 3, "b": 6}
