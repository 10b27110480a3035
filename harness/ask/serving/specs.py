"""How a model's server is started: its `serve` entry, the command line, the environment."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from harness.ask.serving.gpus import VISIBLE
from harness.errors import UsageError
from harness.workspace.model_file import ModelConfig, ServeConfig

Engine: TypeAlias = Literal["vllm", "llama-cpp", "command"]
Wire: TypeAlias = Literal["chat", "completions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeSpec:
    """One server. Entries with equal specs share one process, whatever wire each is asked on."""

    engine: Engine
    weights: Path | None
    model: str | None = None
    """Name in the request, where the engine insists on it; None: any name, or the entry's own."""
    args: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    python: str | None = None
    """Python of the environment that has the engine; None: ours."""
    gpus: int = 0
    key_name: str | None = None
    """Environment variable with the key that the server asks for."""
    ready_s: float = field(default=600.0, compare=False)
    ttl_s: float = field(default=4 * 3600.0, compare=False)
    wire: Wire = field(default="chat", compare=False)
    offline_replicas: int = field(default=0, compare=False)
    """Most processes that answer the quality pass without a server; 0: the server answers it."""
    offline_command: tuple[str, ...] = field(default=(), compare=False)
    """Of engine `command`: what each of them runs."""


def serve_specs(
    models: Mapping[str, ModelConfig], weights: Mapping[str, Path], *, workspace: Path
) -> dict[str, ServeSpec]:
    """Specs of the models that have a `serve` block; `weights` by the block's `weights` text.

    Words of a command, and a `python`, that begin with `./` or `../` are files of the workspace:
    servers are started from a neutral folder.
    """
    return {
        name: _spec(name, model, model.serve, weights, workspace)
        for name, model in models.items()
        if model.serve is not None
    }


def _spec(
    name: str,
    model: ModelConfig,
    serve: ServeConfig,
    weights: Mapping[str, Path],
    workspace: Path,
) -> ServeSpec:
    if serve.weights is not None and serve.weights not in weights:
        raise UsageError(f"{name}: serve.weights: no file or name {serve.weights!r} was found")
    return ServeSpec(
        engine=serve.engine,
        model=None if serve.engine == "llama-cpp" else model.version or name,
        weights=None if serve.weights is None else weights[serve.weights],
        args=serve.args,
        command=_found(serve.command, workspace),
        python=None if serve.python is None else _found((serve.python,), workspace)[0],
        gpus=serve.gpus,
        key_name=model.key,
        ready_s=serve.ready_s,
        ttl_s=serve.ttl_s,
        wire="completions" if model.api == "completions" else "chat",
        offline_replicas=serve.offline.replicas if serve.offline else 0,
        offline_command=_found(serve.offline.command, workspace) if serve.offline else (),
    )


def _found(command: tuple[str, ...], workspace: Path) -> tuple[str, ...]:
    return tuple(
        str(workspace.resolve() / word) if word.startswith(("./", "../")) else word
        for word in command
    )


LLAMA_CHILD = Path(__file__).with_name("llama_child.py")


def served_name(model: str, spec: ServeSpec) -> str:
    """Name under which the server answers.

    llama.cpp answers every name and calls itself what we say: its weights' name, never their path.
    Other engines answer the name in the request.
    """
    if spec.engine == "llama-cpp" and spec.weights is not None:
        return spec.weights.stem
    return spec.model or model


def command_line(model: str, spec: ServeSpec, port: int) -> list[str]:
    """Command that serves `spec` on 127.0.0.1 and `port`."""
    _require_weights(model, spec)
    match spec.engine:
        case "llama-cpp":
            return _llama(model, spec, port)
        case "vllm":
            listen = ("--host", "127.0.0.1", "--port", str(port))
            return _vllm(model, spec, "serve", _weights(model, spec), *listen)
        case "command":
            return _own(model, spec, port)


def offline_line(model: str, spec: ServeSpec, folder: Path) -> list[str]:
    """Command that answers `requests.jsonl` of the folder into its `results.jsonl`.

    Raises:
        UsageError: the engine has no such command, or the weights are not there.
    """
    _require_weights(model, spec)
    requests, results = str(folder / "requests.jsonl"), str(folder / "results.jsonl")
    if spec.engine == "vllm":
        files = ("-i", requests, "-o", results)
        return _vllm(model, spec, "run-batch", *files, "--model", _weights(model, spec))
    if not spec.offline_command:
        raise UsageError(f"{model}: serve.offline: engine {spec.engine} needs `command`")
    weights = "" if spec.weights is None else str(spec.weights)
    words = {"{input}": requests, "{output}": results, "{folder}": str(folder)}
    return [_filled(word, {**words, "{weights}": weights}) for word in spec.offline_command]


def _llama(model: str, spec: ServeSpec, port: int) -> list[str]:
    return [
        spec.python or sys.executable, "-I", str(LLAMA_CHILD),
        "--weights", _weights(model, spec), "--port", str(port),
        "--name", served_name(model, spec), *spec.args,
    ]  # fmt: skip


def _vllm(model: str, spec: ServeSpec, *words: str) -> list[str]:
    tensor_parallel = ["--tensor-parallel-size", str(spec.gpus)] if spec.gpus > 1 else []
    return [
        spec.python or sys.executable, "-I", "-m", "vllm.entrypoints.cli.main", *words,
        "--served-model-name", served_name(model, spec), *tensor_parallel, *spec.args,
    ]  # fmt: skip


def _own(model: str, spec: ServeSpec, port: int) -> list[str]:
    if not any("{port}" in word for word in spec.command):
        raise UsageError(f"{model}: serve.command: needs {{port}}, the port that it shall open")
    weights = "" if spec.weights is None else str(spec.weights)
    words = {"{port}": str(port), "{weights}": weights}
    return [_filled(word, words) for word in spec.command] + list(spec.args)


def _filled(word: str, words: Mapping[str, str]) -> str:
    for name, text in words.items():
        word = word.replace(name, text)
    return word


def _require_weights(model: str, spec: ServeSpec) -> None:
    if spec.weights is not None and not spec.weights.exists():
        raise UsageError(f"{model}: serve.weights: {spec.weights} does not exist")


def _weights(model: str, spec: ServeSpec) -> str:
    if spec.weights is None:
        raise UsageError(f"{model}: serve.weights: engine {spec.engine} needs weights")
    return str(spec.weights)


SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL", re.IGNORECASE)


def require_key(model: str, spec: ServeSpec, environ: Mapping[str, str]) -> None:
    """Refuse a spec whose key is not in the environment."""
    if spec.key_name and not environ.get(spec.key_name):
        raise UsageError(f"{model}: key: the environment has no {spec.key_name}")


def child_environment(
    spec: ServeSpec, environ: Mapping[str, str], gpus: tuple[str, ...]
) -> dict[str, str]:
    """The environment without other services' keys, with this server's key and GPUs."""
    own = {name: value for name, value in environ.items() if not SECRET.search(name)}
    if spec.key_name:
        own[spec.key_name] = environ[spec.key_name]
        if spec.engine == "vllm":
            own["VLLM_API_KEY"] = environ[spec.key_name]
    if gpus:
        own[VISIBLE] = ",".join(gpus)
    return own
