"""Opens the provider of an endpoint, and asks it once to see whether key and address work.

A vendor's module is imported when it is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from typing import cast

from providers.addresses import check_base_url
from providers.batch import (
    BatchAnswered,
    BatchFailed,
    BatchItem,
    BatchOutcome,
    BatchProvider,
    BatchStatus,
)
from providers.completion import Completion
from providers.errors import (
    BadRequestError,
    BrokenBodyError,
    ProviderError,
    SdkMissingError,
)
from providers.provider import Endpoint, Provider
from providers.request import Message, ModelRequest, TypedQuestion
from providers.wire.secret import Secret

OPENERS: Mapping[str, str] = {
    "anthropic": "providers.anthropic:open_anthropic",
    "command": "providers.command:open_command",
    "google": "providers.google:open_google",
    "google-generativeai": "providers.google_generativeai:open_generativeai",
    "openai": "providers.openai:open_openai",
    "openai-compatible": "providers.openai:open_openai",
}

BATCH_OPENERS: Mapping[str, str] = {
    "anthropic": "providers.anthropic:open_anthropic_batch",
    "google": "providers.google:open_google_batch",
    "openai": "providers.openai:open_openai_batch",
}

SDKS: Mapping[str, tuple[str, str]] = {
    "anthropic": ("anthropic", "anthropic"),
    "command": ("asyncio", "review"),
    "google": ("google.genai", "google"),
    "google-generativeai": ("google.generativeai", "google-generativeai"),
    "openai": ("openai", "openai"),
    "openai-compatible": ("openai", "openai"),
}
"""Each vendor's SDK, and the extra that brings it."""


def open_provider(endpoint: Endpoint, *, key: str | None) -> Provider:
    """Open the endpoint with the key that was read where the call is made.

    Raises:
        BadRequestError: the address is refused, or the endpoint's API is not the vendor's.
        SdkMissingError: the vendor's SDK is not installed.
    """
    _check_sdk(endpoint)
    _check_address(endpoint)
    opener = cast("Callable[..., Provider]", _load(OPENERS[endpoint.sdk or endpoint.vendor]))
    opened = opener(endpoint, key=key)
    return opened if key is None else KeyMaskingProvider(opened, key)


class KeyMaskingProvider:
    """A provider that masks its key in what the server says."""

    def __init__(self, inner: Provider, key: str) -> None:
        self._inner = inner
        self._secret = Secret(key)

    async def complete(self, request: ModelRequest) -> Completion:
        """Ask once."""
        try:
            return self._secret.reply(await self._inner.complete(request))
        except ProviderError as error:
            self._secret.error(error)
            raise

    async def aclose(self) -> None:
        """Close connections."""
        await self._inner.aclose()


class KeyMaskingBatch:
    """The same for batches."""

    def __init__(self, inner: BatchProvider, key: str) -> None:
        self._inner = inner
        self._secret = Secret(key)

    async def submit(self, items: Sequence[BatchItem]) -> str:
        """Send all items; a batch whose id is the key can be named nowhere, so it is lost."""
        try:
            batch = await self._inner.submit(items)
        except ProviderError as error:
            self._secret.error(error)
            raise
        if self._secret.is_in(batch):
            raise BrokenBodyError("the server sent the key as the id of a batch")
        return batch

    async def poll(self, batch_id: str) -> BatchStatus:
        """Ask where the batch stands."""
        try:
            status = await self._inner.poll(batch_id)
        except ProviderError as error:
            self._secret.error(error)
            raise
        return replace(status, reason=self._secret.fact(status.reason))

    async def fetch(self, batch_id: str) -> tuple[BatchOutcome, ...]:
        """Read the results."""
        try:
            return tuple(self._ended(one) for one in await self._inner.fetch(batch_id))
        except ProviderError as error:
            self._secret.error(error)
            raise

    async def aclose(self) -> None:
        """Close connections."""
        await self._inner.aclose()

    def _ended(self, one: BatchOutcome) -> BatchOutcome:
        named = self._secret.fact(one.id) or ""
        if isinstance(one, BatchAnswered):
            return BatchAnswered(id=named, answer=self._secret.reply(one.answer))
        return BatchFailed(id=named, error=self._secret.error(one.error))


def open_batch_provider(endpoint: Endpoint, *, key: str | None) -> BatchProvider:
    """Open the endpoint's batches.

    Raises:
        BadRequestError: the address is refused, or the vendor has no batches.
        SdkMissingError: the vendor's SDK is not installed.
    """
    _check_sdk(endpoint)
    _check_address(endpoint)
    name = BATCH_OPENERS.get(endpoint.vendor)
    if name is None:
        raise BadRequestError(f"{endpoint.vendor} has no batches; ask live", billable=False)
    opener = cast("Callable[..., BatchProvider]", _load(name))
    opened = opener(endpoint, key=key)
    return opened if key is None else KeyMaskingBatch(opened, key)


def missing_sdk(endpoint: Endpoint, find: Callable[[str], object] = find_spec) -> str | None:
    """Say how to install the endpoint's SDK where it is not; None where it is.

    `find` looks a module up without loading it, as `importlib.util.find_spec` does.
    """
    module, extra = SDKS[endpoint.sdk or endpoint.vendor]
    try:
        here = find(module) is not None
    except ModuleNotFoundError:
        here = False  # the package around it is not there either
    return None if here else f"{module} is not installed: pip install 'model-rightsizing[{extra}]'"


def _check_sdk(endpoint: Endpoint) -> None:
    problem = missing_sdk(endpoint)
    if problem is not None:
        raise SdkMissingError(problem, billable=False)


def _check_address(endpoint: Endpoint) -> None:
    problem = None if endpoint.base_url is None else check_base_url(endpoint.base_url)
    if problem is not None:
        raise BadRequestError(f"base_url: {problem}", billable=False)


def _load(name: str) -> object:
    module, _, function = name.partition(":")
    return cast("object", getattr(import_module(module), function))


TIMEOUT_S = 30.0
# Some vendors take no less.
MAX_OUTPUT_TOKENS = 16


_DECIDED = TypedQuestion(kind="predicate", instructions="The input says ok.", options=("yes", "no"))


async def ping(
    provider: Provider,
    model: str,
    *,
    effort: str | None = None,
    temperature: float | None = None,
    decides: bool = False,
) -> ProviderError | None:
    """Ask a model for a word, once; None when it answered, else why not. Closes the provider.

    `decides`: it answers typed questions, and is asked one.
    """
    request = ModelRequest(
        model=model,
        messages=(Message(role="user", text="Say ok."),),
        max_output_tokens=MAX_OUTPUT_TOKENS,
        effort=effort,
        temperature=None if decides else temperature,
        timeout_s=TIMEOUT_S,
        question=_DECIDED if decides else None,
    )
    try:
        await provider.complete(request)
    except ProviderError as error:
        return error
    finally:
        await provider.aclose()
    return None
