"""What is to be served: a model entry's `serve` block, with its weights found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.config.model_file import ModelConfig, ServeConfig

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
