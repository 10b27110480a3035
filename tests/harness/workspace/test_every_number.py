"""Every number of every file, at its extremes: one line refuses it, or a review ends in a page."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from evalsets.files import EvalSetConfig
from evalsets.source import dotted
from harness.conduct.checking import check_workspace, priced_on
from harness.errors import BudgetRefusedError
from harness.plan.planning import Selection
from harness.record.stored import write_records
from harness.tell.pages import publish
from harness.workspace.feature_file import FeatureConfig
from harness.workspace.model_file import ModelConfig
from harness.workspace.policy_file import PolicyConfig
from tests.support.reviews import (
    CYCLE,
    NOW,
    answers,
    inline_cluster,
    right_answer,
    run_review,
    write,
)
from tests.support.wire.openai_server import OpenAIServer

if TYPE_CHECKING:
    from pathlib import Path

    from harness.ask.cluster.workers import Cluster

CASES = 60
PRICE = {
    "from": "2026-09-01",
    "input": 4,
    "output": 20,
    "cache_read": 1,
    "cache_write": 5,
    "cache_write_1h": 8,
    "per_request": 0.001,
    "minimum_per_request": 0.0001,
    "per_hour": 0.4,
    "requests_per_hour": 8000,
    "batch": 0.5,
    "source": "quote",
    "tiers": [
        {
            "from_input_tokens": 200000,
            "input": 8,
            "output": 40,
            "cache_read": 2,
            "cache_write": 10,
            "cache_write_1h": 16,
        }
    ],
}
FILES: Mapping[str, tuple[type[BaseModel], dict[str, Any]]] = {
    "policy.yaml": (
        PolicyConfig,
        {
            "max_spend_usd": 10,
            "confidence": 0.95,
            "risk": {"low": {"margin": 10}},
            "minimum_saving_usd": 1,
            "share_of_rate_limit": 0.5,
            "expires_days": {"justify": 100, "evidence": 100, "prices": 365},
            "discounts": {"openai": 0.1},
            "gpus": {
                "h100": {
                    "on_demand": 3.9,
                    "committed_1y": 2.45,
                    "committed_3y": 2,
                    "spot": 1.6,
                    "managed_premium": 0.2,
                    "bought": [{"gpus": 8, "until": "2027-06-30", "usd_per_gpu_hour": 2}],
                    "as_of": "2026-10-01",
                    "source": "quote",
                }
            },
            "gpu_quota": {"support": 4},
            "gate": {
                "monthly_increase_percent": 10,
                "monthly_increase_usd": 10,
                "request_increase_percent": 10,
                "evaluation_usd": 20,
            },
            "procedure": {"kind": "holm", "looks": 2, "pilot": 0.04, "repeats": 1},
            "reviews_per_year": 4,
            "drift": 8,
            "decide_within_days": 30,
        },
    ),
    "models/all.yaml": (
        ModelConfig,
        {
            "provider": "openai-compatible",
            "base_url": "http://127.0.0.1:9/v1",
            "may_see": ["public"],
            "window_tokens": 8000,
            "max_input_tokens": 4000,
            "cache_min_tokens": 1024,
            "capacity": {
                "units": 10,
                "usd_per_unit_hour": 1,
                "tokens_per_minute_per_unit": 2500,
                "until": "2026-10-31",
            },
            "requests_per_minute": 6000,
            "tokens_per_minute": 6000000,
            "max_concurrency": 8,
            "timeout_s": 60,
            "hosting": {"replicas": 1, "peak": 1},
            "price": [PRICE],
        },
    ),
    "features/tickets.yaml": (
        FeatureConfig,
        {
            "name": "Ticket topic",
            "owner": "dana.ruiz@example.com",
            "team": "support",
            "product": "helpdesk",
            "data": "public",
            "risk": "low",
            "margin": 10,
            "agreed": {"by": "dana.ruiz", "on": "2026-09-14"},
            "incumbent": "big",
            "candidates": ["good"],
            "mix": {"channel": {"mail": 0.5, "chat": 0.5}},
            "request": {"max_output_tokens": 8, "temperature": 0, "seed": 1},
            "latency": {
                "p95_s": 30,
                "ttft_p95_s": 30,
                "p99_s": 60,
                "deadline_s": 60,
                "concurrency": 8,
            },
            "traffic": {
                "requests_per_month": 1000000,
                "input_tokens": 80,
                "output_tokens": 2,
                "cached_share": 0.1,
                "cache_written_share": 0.1,
                "retry_rate": 0.01,
                "growth_per_month": 0.02,
                "source": "logs",
            },
            "timeout_s": 60,
            "error_cost_usd": 0.9,
            "migration_usd": 100,
        },
    ),
    "evalsets/tickets/evalset.yaml": (
        EvalSetConfig,
        {
            "source": {"kind": "written"},
            "primary": {"scorer": "label", "labels": ["billing", "technical"]},
            "guardrails": [{"scorer": "format", "margin": 5}],
            "slices": {"channel": {"mail": {"margin": 30}}},
            "tune": 2,
            "repeats": 1,
            "bar": 50,
        },
    ),
}
NOT_HERE = {
    # Of models that answer no chat, and of checks by what they tell: in tests of decision models.
    "limits.choices",
    "limits.levels",
    "limits.input_bytes",
    "cascades.*.accept_when.probability",
    # What starts processes of ours on GPUs: those who run it refuse it by themselves.
    "serve.gpus",
    "serve.ready_s",
    "serve.ttl_s",
    "serve.offline.replicas",
    # A feature that is a program has no prompt and no request; each of its numbers has an end.
    "program.instances",
    "program.max_calls",
    "program.timeout_s",
}
IN_NO_REVIEW = "spend"
"""Limits that no review reads: tests/harness/conduct/test_spend_checks.py has their extremes."""
VALUES = ("-1e30", "-1", "0", "1e-300", "0.000001", "99999999", "1e12", "1e300", "1e999")
MORE = ("1" + "0" * 400, ".nan", "1000000000000")


def paths(annotation: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The key paths of all numbers under an annotation; `*` is any key or place."""
    origin = get_origin(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            yield from paths(field.annotation, (*at, field.alias or name))
    elif annotation in {int, float, Decimal}:
        yield at
    elif origin is Annotated:
        yield from paths(get_args(annotation)[0], at)
    elif origin in {Union, types.UnionType}:
        for each in get_args(annotation):
            yield from paths(each, at)
    elif origin in {tuple, dict}:
        yield from paths(get_args(annotation)[0 if origin is tuple else 1], (*at, "*"))


def stated(value: object, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The key paths of all numbers of a file's value."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from stated(inner, (*at, key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from stated(inner, (*at, place))
    elif isinstance(value, int | float):
        yield at


def pattern(path: tuple[str | int, ...], known: set[tuple[str, ...]]) -> tuple[str, ...]:
    """The path as `paths` writes it."""
    return next(
        each
        for each in known
        if len(each) == len(path)
        and all(key in {"*", step} for key, step in zip(each, path, strict=True))
    )


@pytest.mark.parametrize("file", FILES)
def test_every_number_is_stated_below(file: str) -> None:
    model, value = FILES[file]
    known = {path for path in paths(model) if path and ".".join(path) not in NOT_HERE}
    known = {path for path in known if path[0] != IN_NO_REVIEW}
    assert {pattern(path, known) for path in stated(value)} == known


NUMBERS = [(file, path) for file, (_, value) in FILES.items() for path in stated(value)]


class Raw(str):
    """A number as it stands in a file."""

    __slots__ = ()


def yaml(value: object) -> str:
    """One line of YAML, its raw numbers as they are."""
    if isinstance(value, Raw):
        return value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {yaml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(yaml, value)) + "]"
    return json.dumps(value) if not isinstance(value, str) or ":" in value else value


def changed(value: Any, path: tuple[str | int, ...], raw: str) -> Any:
    """The value with a raw number at a path."""
    if not path:
        return Raw(raw)
    copy = value.copy()
    copy[path[0]] = changed(value[path[0]], path[1:], raw)
    return copy


def write_all(root: Path, port: int, over: Mapping[str, object] | None = None) -> Path:
    values = {file: value for file, (_, value) in FILES.items()} | dict(over or {})
    for file, value in values.items():
        if file == "models/all.yaml":
            big = {**value, "base_url": f"http://127.0.0.1:{port}/v1"}
            good = {**big, "price": [{**PRICE, "input": 0.5, "output": 1, "tiers": []}]}
            value = {"big": big, "good": good}  # noqa: PLW2901
        if "latency" in value and not any(
            isinstance(each, Raw) for each in value["latency"].values()
        ):
            # Hundreds of live requests, which only their own numbers need.
            value = {key: inner for key, inner in value.items() if key != "latency"}  # noqa: PLW2901
        lines = [f"{key}: {yaml(inner)}" for key, inner in value.items()]
        write(root / file, "\n".join(lines) + "\n")
    cases = [
        {
            "id": f"t-{number}",
            "input": f"Ticket number {number}",
            "target": right_answer(number),
            "metadata": {"channel": "mail" if number % 2 else "chat"},
        }
        for number in range(1, CASES + 1)
    ]
    write(root / "evalsets/tickets/cases.jsonl", "".join(json.dumps(c) + "\n" for c in cases))
    write(root / "prompts/tickets/default.j2", "Topic of: {{ input }}\n")
    return root


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with inline_cluster() as made:
        yield made


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with OpenAIServer(answers) as server:
        yield server.port


@pytest.mark.slow
@pytest.mark.no_cover
@pytest.mark.parametrize(("file", "path"), NUMBERS, ids=str)
def test_a_number_at_its_extremes(
    tmp_path: Path, cluster: Cluster, port: int, file: str, path: tuple[str | int, ...]
) -> None:
    accepted: list[str] = []
    for number, raw in enumerate((*VALUES, *MORE)):
        root = tmp_path / str(number)
        write_all(root, port, {file: changed(FILES[file][1], path, raw)})
        report = check_workspace(root, has_price=priced_on(NOW.date()), on=NOW.date())
        for problem in report.errors:
            assert "\n" not in str(problem)
            assert problem.file == file
            at = problem.key.removeprefix("big.").removeprefix("good.")
            assert dotted(path).startswith(at), problem
        if not report.errors:
            accepted.append(str(number))
    for number in {*accepted[:1], *accepted[-1:]}:
        root = tmp_path / number
        try:
            records = run_review(root, cluster, wanted=Selection())
        except BudgetRefusedError:
            assert path[0] in {"max_spend_usd", "price"}
            continue
        write_records(records, root / "reviews" / CYCLE)
        assert publish(records, root / "reviews" / CYCLE, now=NOW).written
