"""`review --otlp`: where the calls of a review go as spans, a file or a collector."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from harness.errors import UsageError
from harness.workspace.state import open_private
from providers.addresses import check_base_url, is_on_loopback

_TIMEOUT_S = 30
_MOST_REPLY = 64 * 1024
"""Bytes of a collector's reply that are read; nothing in it is needed."""


@dataclass(frozen=True, slots=True)
class SpanTarget:
    """A file, or the address of a collector: https, or http on loopback."""

    text: str

    def __post_init__(self) -> None:
        """Refuse, before anything is asked, what takes no spans.

        Raises:
            UsageError: an address that is neither, or a file that cannot be written.
        """
        if self.is_address:
            _check_address(self.text)
            return
        path = Path(self.text)
        if path.is_dir() or not path.parent.is_dir():
            raise UsageError(f"--otlp {self.text}: no file that can be written")
        if path.exists() and not os.access(path, os.W_OK):
            raise UsageError(f"--otlp {self.text}: cannot be written")

    @property
    def is_address(self) -> bool:
        """Whether it is a collector's."""
        return "://" in self.text

    def send(self, requests: Iterable[str]) -> int:
        """Write or post export requests; returns how many.

        Raises:
            UsageError: the file cannot be written, or the collector does not take them.
        """
        return self._post(requests) if self.is_address else self._write(requests)

    def _write(self, requests: Iterable[str]) -> int:
        count = 0
        try:
            with os.fdopen(open_private(Path(self.text)), "w", encoding="utf-8") as handle:
                handle.truncate()
                for line in requests:
                    handle.write(line + "\n")
                    count += 1
        except OSError as error:
            raise UsageError(f"--otlp {self.text}: cannot be written ({error.strerror})") from None
        return count

    def _post(self, requests: Iterable[str]) -> int:
        count = 0
        opener = _opener(self.text)
        for body in requests:
            request = urllib.request.Request(  # noqa: S310  # https or loopback, checked above
                self.text,
                data=body.encode(),
                headers={"Content-Type": "application/json"},
                method="POST",
            )
            try:
                with opener.open(request, timeout=_TIMEOUT_S) as answer:
                    answer.read(_MOST_REPLY)
                    count += 1
            except urllib.error.HTTPError as error:
                error.close()
                raise UsageError(f"--otlp {self.text}: answered {error.code}") from None
            except (OSError, ValueError, HTTPException) as error:
                why = getattr(error, "reason", None) or type(error).__name__
                raise UsageError(f"--otlp {self.text}: cannot be reached ({why})") from None
        return count


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A collector that sends elsewhere is not followed: the address was checked, no other."""

    def http_error_302(self, *_: object, **__: object) -> None:
        """Leave it as the error that it is."""

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def _opener(address: str) -> urllib.request.OpenerDirector:
    """A loopback address is asked directly: a proxy of the environment's is another machine."""
    if is_on_loopback(address):
        return urllib.request.build_opener(_NoRedirect(), urllib.request.ProxyHandler({}))
    return urllib.request.build_opener(_NoRedirect())


def _check_address(text: str) -> None:
    why = check_base_url(text)
    if why is not None:
        raise UsageError(f"--otlp: {why}")
