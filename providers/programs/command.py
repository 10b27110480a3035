"""A program as a model: it is kept running, and asked one JSON line at a time.

In: `{"id", "input", "messages": [{"role", "content"}]}`, where `input` is the last message. Out, on
one line: `{"id", "answer"}`, or `{"id", "error"}` where the program cannot answer the case: that is
its own fault. A program that ends, says something else, or takes longer than it may is started
anew, and the same request may be asked again. Its stderr is read and thrown away: it may quote a
case. It sees no variable of our environment that could hold a key.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import Mapping
from typing import Any, cast

from providers.completion import Completion, Timing, TokenUsage
from providers.errors import (
    BadRequestError,
    BrokenBodyError,
    ConnectionFailedError,
    ModelNotFoundError,
    TimedOutError,
)
from providers.provider import Endpoint, Provider
from providers.request import ModelRequest

_SEEN = (
    "PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TZ", "USER", "VIRTUAL_ENV",
    "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "HF_HOME",
    "SYSTEMROOT", "OMP_NUM_THREADS",
)  # fmt: skip
_LONGEST_LINE = 16 * 1024 * 1024
_CLOSE_S = 2.0
NO_TOKENS = TokenUsage(input_tokens=0, output_tokens=0)
"""A program reads and writes no tokens: its price is per request."""


class CommandProvider:
    """One running program. Requests wait for each other: it answers one at a time."""

    def __init__(self, endpoint: Endpoint, environ: Mapping[str, str]) -> None:
        self._command = endpoint.command
        self._folder = endpoint.folder
        self._environ = {name: environ[name] for name in _SEEN if name in environ}
        self._process: asyncio.subprocess.Process | None = None
        self._drain: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._asked = 0

    async def complete(self, request: ModelRequest) -> Completion:
        """Ask once."""
        if request.tools or any(message.images for message in request.messages):
            raise BadRequestError("a program is given no tools and no images", billable=False)
        async with self._turn:
            self._asked += 1
            began = time.monotonic()
            try:
                async with asyncio.timeout(request.timeout_s):
                    reply = await self._reply(str(self._asked), request)
            except TimeoutError:
                await self._end()
                raise TimedOutError("no answer in time", total_s=_since(began)) from None
            except BaseException:
                # Half an answer may be left in the pipe; the next request gets a new process.
                await self._end()
                raise
            return _completion(reply, _since(began))

    async def aclose(self) -> None:
        """End the program."""
        await self._end()

    async def _reply(self, name: str, request: ModelRequest) -> dict[str, Any]:
        process = await self._started()
        line = json.dumps({"id": name, **_asked(request)}) + "\n"
        try:
            _pipe(process.stdin).write(line.encode())
            await _pipe(process.stdin).drain()
            said = await _pipe(process.stdout).readline()
        except (ConnectionError, BrokenPipeError):
            said = b""
        except ValueError:
            raise BrokenBodyError(f"a line of more than {_LONGEST_LINE} bytes") from None
        if not said:
            raise ConnectionFailedError("the program ended without an answer")
        return _read(said, name)

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        await self._end()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=self._folder,
                env=self._environ,
                limit=_LONGEST_LINE,
                start_new_session=True,
            )
        except OSError as error:
            why = error.strerror or "it cannot be started"
            raise ModelNotFoundError(f"{self._command[0]}: {why}", billable=False) from None
        self._drain = asyncio.create_task(_thrown_away(_pipe(self._process.stderr)))
        return self._process

    async def _end(self) -> None:
        """End the program, and all that it started; nothing where none runs."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        if process.returncode is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_S if self._asked else 0):
                    await process.wait()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        if self._drain is not None:
            self._drain.cancel()


def _pipe(stream: Any) -> Any:  # noqa: ANN401  # a process made with pipes has them
    return stream


def _since(began: float) -> float:
    return time.monotonic() - began


async def _thrown_away(stream: asyncio.StreamReader) -> None:
    while await stream.read(65_536):
        pass


def _asked(request: ModelRequest) -> dict[str, object]:
    messages = [{"role": each.role, "content": each.text} for each in request.messages]
    return {"input": messages[-1]["content"] if messages else "", "messages": messages}


def _read(said: bytes, name: str) -> dict[str, Any]:
    """The program's line; anything but an answer to this request is told as broken."""
    try:
        value: object = json.loads(said)
    except (ValueError, RecursionError):
        raise BrokenBodyError("the program said something that is no JSON line") from None
    reply = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    kinds = [key for key in ("answer", "error") if isinstance(reply.get(key), str)]
    if str(reply.get("id")) != name or len(kinds) != 1:
        raise BrokenBodyError("the program's line is no {id, answer} or {id, error} of the request")
    return reply


def _completion(reply: dict[str, Any], total_s: float) -> Completion:
    answered = isinstance(reply.get("answer"), str)
    return Completion(
        text=reply["answer"] if answered else "",
        finish="stop" if answered else "refusal",
        served_model=None,
        request_id=None,
        usage=NO_TOKENS,
        timing=Timing(total_s=total_s),
    )


def open_command(endpoint: Endpoint, *, key: str | None) -> Provider:
    """Open a program; it starts with the first request.

    Raises:
        BadRequestError: it is given a key, or no command.
    """
    if key is not None or not endpoint.command:
        raise BadRequestError("a program needs `command:` and is given no key", billable=False)
    return CommandProvider(endpoint, os.environ)
