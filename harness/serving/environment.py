"""What a server's process may know of our environment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.serving.gpus import VISIBLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.serving.specs import ServeSpec

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
