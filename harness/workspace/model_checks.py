"""Checks of a model's entry, and of the judges that an eval set names.

An entry must be one that a provider can be asked with; a judge must be known, priced and permitted
like any model of the feature.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from evalsets.cases import Case, EvalSet
from evalsets.loading import CONFIG_FILE
from evalsets.source import KeyPath, read_text, read_yaml
from evalsets.validation import suggestion
from harness.errors import Problem
from harness.wording import listed
from harness.workspace.feature_checks import evalset_folder
from harness.workspace.model_file import ModelConfig, split_option
from harness.workspace.reading import ParsedFile, Reading, is_environment_name, problem_of
from providers.addresses import check_base_url
from providers.provider import DECISION_APIS

_APIS = {
    "anthropic": ("messages",),
    "openai": ("responses", "chat", "decisions"),
    "google": ("generate-content",),
    "openai-compatible": ("chat", "completions", "decisions", "systemone"),
    "command": ("lines",),
}
_BATCHES = ("anthropic", "openai", "google")
_CLOUDS = {
    "azure": {"anthropic": ("base_url", "key"), "openai": ("base_url", "key")},
    "bedrock": {"anthropic": ("region",), "openai": ("region",)},
    "vertex": {"anthropic": ("project", "region"), "google": ("project", "region")},
}
"""By cloud: whose models it has, and the keys that a model's entry must then state."""
_AZURE_V1 = "/openai/v1"


def model_problems(reading: Reading) -> Iterator[Problem]:
    """Every problem of the models that could be read."""
    for entry in reading.models.values():
        yield from _address(entry)
        yield from _key(entry)
        yield from _command(entry)
        yield from _wire(entry)
        yield from _decision(entry)
        yield from _batch(entry)
        yield from _offline(entry)
        yield from _long_cache(entry)
        yield from _another_model(entry)
        yield from _platform(entry)
        yield from _gpu(reading, entry)
        yield from _capacity(reading, entry)
        yield from _effort(entry)
        yield from _prices(entry)


def _capacity(reading: Reading, entry: ParsedFile[ModelConfig]) -> Iterator[Problem]:
    """Freed units go to features that there are."""
    capacity = entry.config.capacity
    for at, name in enumerate(capacity.freed_for if capacity else ()):
        if name not in reading.features:
            message = f"{name} is no feature{suggestion(name, reading.features)}"
            yield entry.problem(("capacity", "freed_for", at), message)


def _address(entry: ParsedFile[ModelConfig]) -> Iterator[Problem]:
    config = entry.config
    if config.base_url is not None and (why := check_base_url(config.base_url)) is not None:
        yield entry.problem(("base_url",), why)
    if config.base_url is not None and config.serve is not None:
        yield entry.problem(("serve",), "states `base_url` too; attach to a server or start one")
    if config.provider == "openai-compatible" and config.base_url is None and config.serve is None:
        message = "an openai-compatible model needs `base_url` (attach) or `serve` (start it)"
        yield entry.problem(("provider",), message)


def _key(entry: ParsedFile[ModelConfig]) -> Iterator[Problem]:
    if entry.config.key is not None and not is_environment_name(entry.config.key):
        message = "must be the NAME of an environment variable (capitals, digits, _), not a key"
        yield entry.problem(("key",), message)


_NOT_A_PROGRAMS = ("key", "base_url", "serve", "platform", "gpu", "efforts", "effort")


def _command(entry: ParsedFile[ModelConfig]) -> Iterator[Problem]:
    """A program is started by its command, and by nothing else."""
    config = entry.config
    if config.provider != "command":
        if config.command:
            message = "is for `provider: command`; a server that we start has `serve: {command}`"
            yield entry.problem(("command",), message)
        return
    if not config.command:
        message = "a program needs `command: [python, -m, our_encoder]`"
        yield entry.problem(("provider",), message)
    for name in _NOT_A_PROGRAMS:
        if getattr(config, name):
            yield entry.problem((name,), "says nothing about a program; leave it out")


def _wire(entry: ParsedFile[ModelConfig]) -> Iterator[Problem]:
    config = entry.config
    known = _APIS[config.provider]
    if config.api is not None and config.api not in known:
        message = f"{config.provider} has no API {config.api!r}; it has {listed(known)}"
        yield entry.problem(("api",), message)
    if config.sdk is not None and config.provider != "google":
        yield entry.problem(("sdk",), f"{config.sdk} is an SDK of google, not of {config.provider}")


_NOT_A_DECISIONS = ("batch", "platform", "effort", "efforts", "omit")


def _decision(entry: ParsedFile[ModelConfig]) -> Iterator[Problem]:
    """A decision model writes no text: what steers one says nothing about it."""
    config = entry.config
    if config.api not in DECISION_APIS:
        if config.limits is not None:
            message = "is for decision models (`api: decisions` or `systemone`); leave it out"
            yield entry.problem(("limits",), message)
        return
    for name in _NOT_A_DECISIONS:
        if getattr(config, name):
            message = f"says nothing about a decision model (`api: {config.api}`); leave it out"
            yield entry.problem((name,), message)
    if config.serve is not None and config.serve.offline is not None:
        message = f"no engine reads `{config.api}` requests from a file; leave `offline:` out"
        yield entry.problem(("serve", "offline"), message)
    unable = sorted({"schema", "tools", "seed"} & set(config.capabilities or ()))
    if unable:
        message = f"a decision model has no {' or '.join(unable)}; `images` is all it may state"
        yield entry.problem(("capabilities",), message)


def _batch(entry: ParsedFile[ModelConfig]) -> Iterator[Problem]:
    config = entry.config
    if not config.batch:
        return
    if config.provider not in _BATCHES:
        message = f"{config.provider} has no batch API; {', '.join(_BATCHES)} have"
        yield entry.problem(("batch",), message)
    elif config.platform is not None or config.sdk is not None:
        what = config.platform or config.sdk
        yield entry.problem(("batch",), f"there are no batches on {what}; leave `batch:` out")


def _offline(entry: ParsedFile[ModelConfig]) -> Iterator[Problem]:
    """An engine reads requests from a file only where it has, or is given, a command for it."""
    serve = entry.config.serve
    if serve is None or serve.offline is None:
        return
    at, words = ("serve", "offline"), " ".join(serve.offline.command)
    if serve.engine == "llama-cpp":
        yield entry.problem(at, "llama-cpp answers through its server only; leave `offline:` out")
    elif serve.engine == "vllm" and serve.offline.command:
        yield entry.problem((*at, "command"), "vllm has its own; leave `command:` out")
    elif serve.engine == "vllm" and entry.config.api == "completions":
        message = "vllm reads no `completions` requests from a file; leave `offline:` out"
        yield entry.problem(at, message)
    elif serve.engine == "command" and not all(name in words for name in ("{input}", "{output}")):
        message = "needs `command:` with {input} and {output}: the files to read and to write"
        yield entry.problem(at, message)


def _long_cache(entry: ParsedFile[ModelConfig]) -> Iterator[Problem]:
    """A cache that lives 12 hours is written at a price that no catalogue states."""
    caching = (entry.config.extra_body or {}).get("prompt_cache_options")
    if isinstance(caching, dict) and "12h" in caching.values():
        message = "writes to a 12-hour cache have no known price; leave `ttl` out"
        yield entry.problem(("extra_body",), message)


def _another_model(entry: ParsedFile[ModelConfig]) -> Iterator[Problem]:
    """A body that names a model asks another one than the entry does."""
    for name in sorted({"model", "models", "deployment"} & (entry.config.extra_body or {}).keys()):
        message = f"names another model under {name!r}; give it an entry of its own (`version:`)"
        yield entry.problem(("extra_body",), message)


def _platform(entry: ParsedFile[ModelConfig]) -> Iterator[Problem]:
    """What a cloud must be told; found here, or by the first call of a review."""
    config = entry.config
    if config.platform is None:
        return
    known = _CLOUDS[config.platform]
    if config.provider not in known:
        message = f"{config.platform} has the models of {' and '.join(known)} only"
        yield entry.problem(("platform",), message)
        return
    for name in known[config.provider]:
        if getattr(config, name) is None:
            yield entry.problem(("platform",), f"{config.platform} needs `{name}:`")
    old_azure = config.platform == "azure" and config.provider == "openai"
    modern = (config.base_url or "").rstrip("/").endswith(_AZURE_V1)
    if old_azure and config.base_url is not None and config.api_version is None and not modern:
        message = f"azure needs `api_version:`, or a `base_url` that ends with {_AZURE_V1}"
        yield entry.problem(("base_url",), message)


def _gpu(reading: Reading, entry: ParsedFile[ModelConfig]) -> Iterator[Problem]:
    gpu = entry.config.gpu
    if gpu is None or reading.policy is None or gpu in reading.policy.config.gpus:
        return
    rows = reading.policy.config.gpus
    yield entry.problem(("gpu",), f"policy.yaml has no gpu {gpu!r}{suggestion(gpu, rows)}")


def _effort(entry: ParsedFile[ModelConfig]) -> Iterator[Problem]:
    effort, efforts = entry.config.effort, entry.config.efforts
    if effort is not None and efforts and effort not in efforts:
        message = f"{effort!r} is not among `efforts`{suggestion(effort, efforts)}"
        yield entry.problem(("effort",), message)


def _prices(entry: ParsedFile[ModelConfig]) -> Iterator[Problem]:
    seen: set[object] = set()
    for at, price in enumerate(entry.config.price):
        if price.input is None and entry.config.provider != "command":
            message = "needs `input` and `output`; state 0 where tokens really cost nothing"
            yield entry.problem(("price", at, "input"), message)
        kind = (price.valid_from, price.service_tier)
        if kind in seen:
            message = f"a price from {price.valid_from} is stated twice"
            yield entry.problem(("price", at, "from"), message)
        seen.add(kind)


JUDGE = "judge"
"""The scorer's name in an `evalset.yaml`."""


def judge_problems(reading: Reading, evalsets: Mapping[str, EvalSet]) -> Iterator[Problem]:
    """Every judge that cannot be asked, and every case that tells a judge nothing."""
    for name, evalset in evalsets.items():
        for key, options in _judges(evalset):
            for message in _messages(reading, name, options):
                yield _at(reading, name, (*key, "model"), message)
            lacking = _without_wanted(evalset.cases, options) if key == ("primary",) else []
            if lacking:
                message = (
                    f"{len(lacking)} cases have no metadata {options['requirement']!r} "
                    f"(first: {lacking[0]!r}), and no `rubric` says what is wanted of them"
                )
                yield _at(reading, name, (*key, "requirement"), message)


def _judges(evalset: EvalSet) -> Iterator[tuple[KeyPath, dict[str, Any]]]:
    keyed: list[tuple[KeyPath, Any]] = [(("primary",), evalset.primary)]
    keyed += [(("guardrails", at), each.scorer) for at, each in enumerate(evalset.guardrails)]
    for key, spec in keyed:
        if spec.scorer == JUDGE:
            yield key, cast("dict[str, Any]", json.loads(spec.options))


def _messages(reading: Reading, feature: str, options: Mapping[str, Any]) -> Iterator[str]:
    model, _ = split_option(str(options.get("model", "")))
    entry = reading.models.get(model)
    if entry is None:
        if model not in reading.model_names and reading.all_models_named:
            yield f"unknown judge {model!r}{suggestion(model, reading.model_names)}"
        return
    data = reading.features[feature].config.data
    if data not in entry.config.may_see:
        allowed = ", ".join(entry.config.may_see) or "nothing"
        yield (
            f"the judge {model} may not see {data} data (may_see: {allowed}); name another judge, "
            "or correct `may_see` of the model"
        )


def _without_wanted(cases: tuple[Case, ...], options: Mapping[str, Any]) -> list[str]:
    key = options.get("requirement")
    if not isinstance(key, str) or options.get("rubric"):
        return []
    return [case.id for case in cases if not case.meta(key)]


def _at(reading: Reading, feature: str, key: KeyPath, message: str) -> Problem:
    folder = evalset_folder(reading.root, feature, reading.features[feature].config)
    shown = f"evalsets/{folder.name}/{CONFIG_FILE}"
    source = read_yaml(read_text(folder / CONFIG_FILE, shown=shown), file=shown)
    return problem_of(source.fault(key, message))
