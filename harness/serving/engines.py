"""How each engine is started: a spec and a port become a command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError

if TYPE_CHECKING:
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
    if spec.weights is not None and not spec.weights.exists():
        raise UsageError(f"{model}: serve.weights: {spec.weights} does not exist")
    match spec.engine:
        case "llama-cpp":
            return _llama(model, spec, port)
        case "vllm":
            return _vllm(model, spec, port)
        case "command":
            return _own(model, spec, port)


def _llama(model: str, spec: ServeSpec, port: int) -> list[str]:
    return [
        spec.python or sys.executable, "-I", str(LLAMA_CHILD),
        "--weights", _weights(model, spec), "--port", str(port),
        "--name", served_name(model, spec), *spec.args,
    ]  # fmt: skip


def _vllm(model: str, spec: ServeSpec, port: int) -> list[str]:
    tensor_parallel = ["--tensor-parallel-size", str(spec.gpus)] if spec.gpus > 1 else []
    return [
        spec.python or sys.executable, "-I", "-m", "vllm.entrypoints.cli.main",
        "serve", _weights(model, spec), "--host", "127.0.0.1", "--port", str(port),
        "--served-model-name", served_name(model, spec), *tensor_parallel, *spec.args,
    ]  # fmt: skip


def _own(model: str, spec: ServeSpec, port: int) -> list[str]:
    if not any("{port}" in word for word in spec.command):
        raise UsageError(f"{model}: serve.command: needs {{port}}, the port that it shall open")
    weights = "" if spec.weights is None else str(spec.weights)
    return [
        word.replace("{port}", str(port)).replace("{weights}", weights) for word in spec.command
    ] + list(spec.args)


def _weights(model: str, spec: ServeSpec) -> str:
    if spec.weights is None:
        raise UsageError(f"{model}: serve.weights: engine {spec.engine} needs weights")
    return str(spec.weights)
