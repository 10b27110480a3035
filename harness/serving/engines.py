"""How each engine is started: a spec and a port become a command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.serving.specs import ServeSpec

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
