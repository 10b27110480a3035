"""`probe`: a feature's prompts against one of its models, as fast as it serves them in time."""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import urlsplit

from harness.ask.probe.metrics import fetch_metrics, open_meter
from harness.ask.probe.probed_requests import (
    RateRun,
    Slo,
    mean_of,
    rate_entry,
    slowest_limit,
)
from harness.ask.probe.probing import ALONE, Found, ProbePlan, Probing, Replica
from harness.ask.probe.probing import probe as over_the_wire
from harness.ask.probe.search import Goodput, SearchPlan
from harness.ask.serving.gpus import Need, check_team_quotas
from harness.ask.serving.server_lifecycle import serve_models
from harness.conduct.listening import Listener, Quiet
from harness.conduct.loads import free_here, room_of
from harness.conduct.model_hosts import Local
from harness.conduct.opening import utc_now
from harness.errors import UsageError
from harness.judge.scoring.tools.schemas import read_tools
from harness.plan.asking import Asker
from harness.plan.decisions.questions import decides, labels_of
from harness.plan.planned_options import plan_option
from harness.record.base import Reason
from harness.wording import percent
from harness.workspace.model_file import ModelConfig
from harness.workspace.probe_file import (
    EngineEntry,
    GoodputEntry,
    ProbeResult,
    SloEntry,
    probe_path,
    write_probe,
)
from harness.workspace.state import logs_folder
from harness.workspace.workspace import Workspace, load_workspace
from providers.opening import open_provider
from providers.request import ModelRequest

LATE = 0.1
"""Of the slowest limit: so much later than due is late."""
LATE_SHARE = 0.01
"""Of the requests, late: more is worth a note."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What was measured, for the file."""

    model: str
    feature: str
    source: str
    measured_at: datetime
    engine: EngineEntry
    load_s: float | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a model answers."""

    base_url: str
    key: str | None = field(default=None, repr=False)
    gpus: tuple[str, ...] = ()
    """Which of this machine's GPUs it has; empty: nobody knows, all are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaToProbe:
    """One model under one feature's prompts and limits."""

    root: Path
    """Folder of the workspace."""
    model: str
    feature: str
    load_s: float | None = None
    """Start to first answer, where that is not measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSettings:
    """How a probe is made."""

    search: SearchPlan = field(default_factory=SearchPlan)
    seed: int = 1
    """Of arrivals and prompts."""
    seconds: float | None = None
    """Length of one run; by the feature's limits without."""
    least_requests: int = 400
    """Of one run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What a probe found, and where it is written."""

    result: ProbeResult
    path: Path


def probe(
    asked: ReplicaToProbe,
    how: ProbeSettings | None = None,
    *,
    listener: Listener | None = None,
    clock: Callable[[], datetime] = utc_now,
    measure: Probing = over_the_wire,
) -> Probed:
    """Measure how many requests a second one replica serves within a feature's limits.

    Raises:
        WorkspaceError: a fault of the workspace.
        UsageError: no such model or feature, a feature without limits, a vendor's model, or one
            that may not see the feature's data.
        NoGpuError: the model fits on no GPU, or is above its team's quota.
        NoGoodputError: no rate is good enough, or none is too high.
    """
    found, settings, told = opened(asked), how or ProbeSettings(), listener or Quiet()
    plan = ProbePlan(
        slo=slo_of(found, asked.feature), search=settings.search, seed=settings.seed,
        seconds=settings.seconds, least_requests=settings.least_requests,
    )  # fmt: skip
    subject, done = _measured(
        found, asked, lambda target: measure(target, plan, _progress(plan, told)), told, clock
    )
    return written(asked, found, to_result(found, subject, done, plan.search))


def opened(asked: ReplicaToProbe) -> Workspace:
    """The workspace, which has that model and that feature.

    Raises:
        WorkspaceError: a fault of the workspace.
        UsageError: no such model or feature.
    """
    found = load_workspace(asked.root)
    for option, name, known in (
        ("MODEL", asked.model, found.models),
        ("--feature", asked.feature, found.features),
    ):
        if name not in known:
            raise UsageError(f"{option} {name}: not in the workspace; known: {', '.join(known)}")
    return found


def written(asked: ReplicaToProbe, found: Workspace, result: ProbeResult) -> Probed:
    """Write a result where `plan` looks for it."""
    if asked.load_s is not None:
        result = result.model_copy(update={"load_s": asked.load_s})
    path = probe_path(found.root, asked.model, asked.feature)
    write_probe(result, path)
    return Probed(result=result, path=path)


def _measured(
    found: Workspace,
    asked: ReplicaToProbe,
    measure: Callable[[Replica], Found],
    told: Listener,
    clock: Callable[[], datetime],
) -> tuple[Subject, Found]:
    now, model = clock(), asked.model
    config = found.models[model]
    key = os.environ.get(config.key) if config.key else None
    with ExitStack() as stack:
        base_url, load_s, gpus = config.base_url, None, ()
        if config.serve is not None:
            team = found.features[asked.feature].team
            need = Need(model=model, gpus=config.serve.gpus, teams=frozenset({team}))
            check_team_quotas(need, room_of(found, (), now))
            models = {model: config}
            local = Local(workspace=found, models=models, say=told.note, clock=clock)
            served = stack.enter_context(
                serve_models(
                    local.specs(),
                    logs=logs_folder(found.root),
                    environ=os.environ,
                    teams={model: (team,)},
                    gpus=lambda _: free_here(found.root, clock()),
                )
            )[model]
            base_url, load_s, gpus = served.base_url, served.load_s, served.gpus
        if base_url is None:
            raise UsageError(
                f"{model}: neither `serve` nor `base_url`: a vendor's API is not probed"
            )
        at = Address(base_url=base_url, key=key, gpus=gpus)
        target = target_of(found, asked.feature, model, at, on=now.date())
        unseen = unseen_gpus(config, target)
        ready = "" if load_s is None else f", ready after {load_s:.1f} s"
        first = f"{ALONE} requests one by one, then a line after each run"
        for line in (*unseen, f"{model} at {base_url}{ready}; {first}"):
            told.note(line)
        subject = Subject(
            model=model, feature=asked.feature, source="probe", measured_at=now, notes=unseen,
            engine=engine_of(found, model, base_url), load_s=load_s,
        )  # fmt: skip
        return subject, measure(target)


def _progress(plan: ProbePlan, told: Listener) -> Callable[[RateRun, float], None]:
    def say(run: RateRun, share: float) -> None:
        cut = ", ended early" if run.cut else ""
        rough = run.repeat == plan.search.rough_repeat
        told.note(
            f"{'search' if rough else f'repeat {run.repeat + 1}'}: {run.rate_per_s:.3g}/s, "
            f"{len(run.samples)} requests, {percent(share, 1)} good{cut}"
        )

    return say


def slo_of(workspace: Workspace, feature_id: str) -> Slo:
    """The feature's own limits, as limits on each request.

    Raises:
        UsageError: the feature states none.
    """
    latency = workspace.features[feature_id].latency
    total_s = None if latency is None else latency.p95_s or latency.deadline_s or latency.p99_s
    first_s = None if latency is None else latency.ttft_p95_s
    if total_s is None and first_s is None:
        raise UsageError(
            f"features/{feature_id}.yaml: latency: states no limit, so every rate would be good; "
            "add `latency: {p95_s: ...}` or `{ttft_p95_s: ...}`"
        )
    return Slo(first_token_s=first_s, total_s=total_s)


def requests_of(
    workspace: Workspace, feature_id: str, model: str, *, on: date
) -> tuple[ModelRequest, ...]:
    """Every case of the feature as this model would be asked.

    Raises:
        UsageError: the model may not see the feature's data, or decides and cannot answer its
            cases, or a prompt cannot be filled in.
    """
    rung = plan_option(workspace, feature_id, model, on=on)
    unable = decides(rung.config) and rung.excluded is Reason.CAPABILITY_GAP
    if rung.excluded is Reason.DATA_NOT_PERMITTED or unable:
        raise UsageError(f"{model}: {rung.note}; no case is sent to it")
    config = workspace.features[feature_id]
    folder = workspace.evalset_folder(feature_id)
    asked = config.request
    asker = Asker(
        feature=feature_id,
        config=config,
        folder=folder,
        schema=(folder / asked.json_schema).read_text("utf-8-sig") if asked.json_schema else None,
        tools=read_tools((folder / asked.tools).read_text("utf-8-sig")) if asked.tools else (),
        labels=labels_of(workspace.evalsets[feature_id].primary),
    )
    cases = workspace.evalsets[feature_id].cases
    return tuple(asker.request(rung, case, "latency") for case in cases)


def target_of(
    workspace: Workspace, feature_id: str, model: str, at: Address, *, on: date
) -> Replica:
    """The model at an address, with the feature's prompts, its metrics and this machine's GPUs.

    Raises:
        UsageError: the model may not see the feature's data, or a prompt cannot be filled in.
    """
    endpoint = replace(
        plan_option(workspace, feature_id, model, on=on).endpoint, base_url=at.base_url
    )
    address = urlsplit(at.base_url)
    local = address.hostname in {"127.0.0.1", "localhost", "::1"} and address.port is not None
    meter = open_meter(only=at.gpus) if local else "the server is on another machine"
    return Replica(
        open=lambda: open_provider(endpoint, key=at.key),
        requests=requests_of(workspace, feature_id, model, on=on),
        metrics=partial(fetch_metrics, str(address.hostname), address.port or 0) if local else None,
        meter=None if isinstance(meter, str) else meter,
        no_meter=meter if isinstance(meter, str) else None,
    )


def unseen_gpus(config: ModelConfig, target: Replica) -> tuple[str, ...]:
    """A line of warning for a model whose GPUs cannot be measured."""
    has_gpus = config.gpu is not None or (config.serve is not None and config.serve.gpus > 0)
    if not has_gpus or target.no_meter is None:
        return ()
    return (f"GPU utilisation, memory and power were not seen: {target.no_meter}",)


def engine_of(workspace: Workspace, model: str, base_url: str) -> EngineEntry:
    """What serves the model, its version as it says itself, and its flags."""
    serve = workspace.models[model].serve
    if serve is None:
        return EngineEntry(name="attached", version=_says(base_url, "/version").get("version"))
    if serve.engine == "llama-cpp":
        return EngineEntry(name=serve.engine, version=_installed("xllamacpp"), args=serve.args)
    said = _says(base_url, "/version").get("version")
    return EngineEntry(name=serve.engine, version=said, args=(*serve.command, *serve.args))


def to_result(
    workspace: Workspace,
    subject: Subject,
    found: tuple[Goodput, Sequence[RateRun]],
    search: SearchPlan,
) -> ProbeResult:
    """Write down what was measured.

    Raises:
        UsageError: the feature states no limit.
    """
    goodput, runs = found
    config = workspace.models[subject.model]
    slo = slo_of(workspace, subject.feature)
    samples = [sample for run in runs for sample in run.settled]
    return ProbeResult.model_validate(
        {
            "source": subject.source,
            "model": subject.model,
            "feature": subject.feature,
            "measured_at": subject.measured_at.isoformat(),
            "engine": subject.engine,
            "gpus_per_replica": config.serve.gpus if config.serve else 1,
            "gpu": config.gpu,
            "load_s": subject.load_s,
            "slo": SloEntry(**asdict(slo)),
            "goodput": GoodputEntry(
                per_s=goodput.per_s,
                lower_per_s=goodput.lower_per_s,
                upper_per_s=goodput.upper_per_s,
                level=search.level,
                good_share=search.good_share,
                repeats=search.repeats,
            ),
            "input_tokens_mean": mean_of([sample.input_tokens for sample in samples]),
            "output_tokens_mean": mean_of([sample.output_tokens for sample in samples]),
            "rates": tuple(rate_entry(run, slo) for run in runs),
            "notes": (*subject.notes, *_notes(workspace, subject, runs)),
        }
    )


def _notes(workspace: Workspace, subject: Subject, runs: Sequence[RateRun]) -> tuple[str, ...]:
    if subject.source != "probe":
        return ()
    samples = [sample for run in runs for sample in run.settled]
    cases = len(workspace.evalsets[subject.feature].cases)
    notes: list[str] = []
    if len(samples) > cases:
        notes.append(
            f"each of the {cases} prompts was sent {len(samples) / cases:.0f} times: a prefix "
            "cache may hit more often than in production (see prefix_hit_share)"
        )
    slack_s = LATE * slowest_limit(slo_of(workspace, subject.feature))
    late = sum(sample.late_s > slack_s for sample in samples)
    if late > LATE_SHARE * len(samples):
        notes.append(
            f"{percent(late / len(samples))} of the requests were sent more than {slack_s:.2g} s "
            "late: this machine was busy, and the model looks slower than it is"
        )
    return tuple(notes)


def _says(base_url: str, path: str) -> Mapping[str, str]:
    address = urlsplit(base_url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=2)
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        text = reply.read()
        content: object = json.loads(text) if reply.status == http.client.OK else {}
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    finally:
        connection.close()
    return content if isinstance(content, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
