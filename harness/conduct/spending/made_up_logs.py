"""Made-up logs and counters of a small company, by a seed: what `demo --showback` shows.

Each row stands for 500 calls, and says so (`share`). Things go wrong in them on purpose: retries at
night, inputs that grow, a caller that nobody placed, a model that was swapped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TypeAlias

SHARE = 0.002
COLUMNS_YAML = """\
time: at
request: id
model: model
caller: caller
cohort: tenant
environment: environment
tags: tags
input: tokens_in
cached: tokens_cached
output: tokens_out
error: error
asked: asked
sampled: share
"""
POLICY_YAML = """\
max_spend_usd: 25
risk: {low: {margin: 10}, medium: {margin: 5}, high: {margin: 2}}
spend:
  budget_usd: 16000
  untagged_share: 0.05
  retry_rate: 0.02
  teams: {support: {budget_usd: 6000}}
  owners: {research: noor.haddad@example.com}
"""
ATTRIBUTION_YAML = """\
- {when: {tag: "app:triage"}, feature: ticket-triage, team: support, owner: ada.okoro@example.com}
- {when: {tag: "app:answers"}, feature: help-answers, team: support, owner: ada.okoro@example.com}
- {when: {tag: "app:contracts"}, feature: contract-clauses, team: legal, owner: li.wei@example.com}
- {when: {tag: "app:search"}, feature: product-search, team: storefront}
- {when: {tag: "app:summaries"}, feature: call-summaries, team: sales, owner: tom.reyes@example.com}
- {when: {key_alias: "lab-*"}, feature: prototypes, team: research}
"""
_HEAD = (
    "at,id,model,caller,tenant,environment,tags,tokens_in,tokens_cached,tokens_out,error,asked,"
    "share"
)
_DAY = (1, 1, 1, 1, 1, 2, 4, 7, 11, 14, 15, 14, 13, 14, 15, 14, 12, 9, 6, 5, 4, 3, 2, 1)
"""Calls by hour of a working day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeUpUse:
    """One use of a model: rows of a working day at its busiest hour, and tokens of a call."""

    tag: str
    caller: str
    model: str
    busy: float
    asked: int
    answered: int
    cached: float = 0
    tenants: tuple[str, ...] = ("",)
    environment: str = "production"


USES: tuple[MadeUpUse, ...] = (
    MadeUpUse(
        tag="app:triage", caller="svc-triage", model="gpt-5", busy=3, asked=1800, answered=90
    ),
    MadeUpUse(
        tag="app:answers",
        caller="svc-help",
        model="claude-sonnet-4-5",
        busy=4,
        asked=5200,
        answered=420,
        cached=0.6,
        tenants=("acme", "acme", "acme", "borealis", "cantor"),
    ),
    MadeUpUse(
        tag="app:contracts", caller="svc-legal", model="claude-opus-4-5", busy=0.9, asked=14000,
        answered=900,
    ),
    MadeUpUse(
        tag="app:search", caller="svc-shop", model="gpt-5-mini", busy=8, asked=900, answered=60
    ),
    MadeUpUse(
        tag="app:summaries", caller="svc-calls", model="gpt-5", busy=1.5, asked=7000, answered=500
    ),
    MadeUpUse(
        tag="", caller="lab-7", model="gpt-5", busy=0.6, asked=3000, answered=800,
        environment="development",
    ),
)  # fmt: skip


Line: TypeAlias = tuple[datetime, str, str]
"""When, the fields of a call, and what was asked where it is asked again, else empty."""


def made_up_logs(end: datetime, weeks: int = 9, seed: int = 7) -> Iterator[str]:
    """Lines of the log: a header, then calls of whole weeks up to a Monday, by a seed."""
    chance = Random(seed)  # noqa: S311  # made-up numbers
    yield _HEAD
    start, last = end - timedelta(weeks=weeks), end - timedelta(weeks=1)
    hours = (start + timedelta(hours=hour) for hour in range(weeks * 168))
    lines = (
        line
        for at in hours
        for use in (*USES, *_late(at, last))
        for line in _hour(use, at, last, chance)
    )
    for number, (at, fields, asked) in enumerate(lines):
        yield f"{at:%Y-%m-%dT%H:%M:%SZ},r{number},{fields},{asked or f'q{number}'},{SHARE}"


def _late(at: datetime, last: datetime) -> Iterator[MadeUpUse]:
    """A caller that nobody placed begins ten days before the end."""
    if at >= last - timedelta(days=3):
        yield MadeUpUse(
            tag="", caller="svc-new-assistant", model="gpt-5", busy=1.2, asked=6000, answered=700
        )


def _hour(use: MadeUpUse, at: datetime, last: datetime, chance: Random) -> Iterator[Line]:
    """A use's calls of an hour."""
    weekend = 0.3 if at.weekday() > 4 else 1.0  # noqa: PLR2004
    now = at >= last
    grown = 1.5 if use.tag == "app:contracts" and now else 1
    model = "gpt-5-mini" if use.tag == "app:summaries" and now else use.model
    for _ in range(_poisson(use.busy * weekend * _DAY[at.hour] / max(_DAY), chance)):
        asked = round(use.asked * grown * chance.lognormvariate(0, 0.25))
        answered = round(use.answered * chance.lognormvariate(0, 0.3))
        tenant, failed = chance.choice(use.tenants), chance.random() < 0.02  # noqa: PLR2004
        fields = _fields(use, model, tenant, (asked, answered), failed=failed)
        yield at + timedelta(seconds=chance.randrange(3000)), fields, ""
    if use.tag == "app:triage" and timedelta(hours=27) <= at - last < timedelta(hours=31):
        yield from _storm(use, at)


def _storm(use: MadeUpUse, at: datetime) -> Iterator[Line]:
    """An hour in which requests fail and are asked again."""
    for second in range(0, 3600, 90):
        same = f"s{at.hour}-{second}"
        for again in (False, True):
            fields = _fields(use, use.model, "", (use.asked, use.answered), failed=not again)
            yield at + timedelta(seconds=second + 20 * again), fields, same


def _fields(
    use: MadeUpUse, model: str, tenant: str, tokens: tuple[int, int], *, failed: bool
) -> str:
    asked, answered = tokens
    names = (model, use.caller, tenant, use.environment, use.tag)
    counts = (asked, round(asked * use.cached), answered)
    return ",".join([*names, *map(str, counts), "failed" if failed else ""])


def _poisson(mean: float, chance: Random) -> int:
    """How many, by Knuth's product of uniforms; the means here are small."""
    limit, product, found = 2.718281828459045**-mean, chance.random(), 0
    while product > limit:
        product *= chance.random()
        found += 1
    return found


def write_made_up(root: Path, now: datetime) -> tuple[Path, Path]:
    """Write a workspace of the made-up company; returns its log and the log's columns."""
    monday = datetime.combine(now.date() - timedelta(days=now.weekday()), datetime.min.time(), UTC)
    root.mkdir(parents=True, exist_ok=True)
    for name, text in (
        ("policy.yaml", POLICY_YAML + GPUS_YAML),
        ("attribution.yaml", ATTRIBUTION_YAML + PLACED_YAML),
        ("columns.yaml", COLUMNS_YAML),
        ("made-up-logs.csv", "\n".join(made_up_logs(monday)) + "\n"),
    ):
        (root / name).write_text(text, encoding="utf-8")
    write_made_up_metrics(root, monday)
    return root / "made-up-logs.csv", root / "columns.yaml"


MODELS_YAML = """\
help-llama:
  provider: openai-compatible
  gpu: h100
  serve: {engine: vllm, weights: help-llama, gpus: 2}
  may_see: [internal]
contracts-llama:
  provider: openai-compatible
  gpu: h100
  serve: {engine: vllm, weights: contracts-llama, gpus: 1}
  may_see: [internal]
"""
GPUS_YAML = """\
gpus: {h100: {on_demand: 3.90, as_of: 2026-10-01, source: made up}}
"""
PLACED_YAML = """\
- {when: {model: help-llama}, team: support}
- {when: {model: contracts-llama}, team: legal}
"""
METRICS_FILE = "made-up-metrics.txt"
_HOUR = timedelta(hours=1)
_WEEK_HOURS = 168
_WORKING = range(7, 19)
_LAST_ASKED = 58
"""Hour of the week, Wednesday 10:00, from which on nobody asks the second server."""


def made_up_metrics(end: datetime) -> Iterator[str]:
    """Counters of vLLM over the week before a Monday, one sample an hour."""
    start = end - _WEEK_HOURS * _HOUR
    for model, tokens in (("help-llama", (2200, 300)), ("contracts-llama", (14_000, 900))):
        asked = 0
        for hour in range(_WEEK_HOURS + 1):
            asked += _asked(model, hour - 1) if hour else 0
            at = round((start + hour * _HOUR).timestamp() * 1000)
            for name, value in (
                ("request_success_total", asked),
                ("prompt_tokens_total", asked * tokens[0]),
                ("generation_tokens_total", asked * tokens[1]),
            ):
                yield f'vllm:{name}{{model_name="{model}"}} {value} {at}'


def _asked(model: str, hour: int) -> int:
    """Requests in an hour of the week."""
    weekday, works = hour // 24, hour % 24 in _WORKING
    if model == "help-llama":
        return (600 if works else 40) // (1 if weekday < 5 else 4)  # noqa: PLR2004
    return 25 if works and hour < _LAST_ASKED else 0


def write_made_up_metrics(root: Path, end: datetime) -> Path:
    """Write the servers and their counters into the made-up company's workspace."""
    (root / "models").mkdir(exist_ok=True)
    (root / "models" / "self-hosted.yaml").write_text(MODELS_YAML, encoding="utf-8")
    path = root / METRICS_FILE
    path.write_text("\n".join(made_up_metrics(end)) + "\n", encoding="utf-8")
    return path
