"""A program as a model: it is kept running, and asked one JSON line at a time.

In: `{"id", "input", "messages": [{"role", "content"}]}`, where `input` is the last message. Out, on
one line: `{"id", "answer"}`, or `{"id", "error"}` where the program cannot answer the case: that is
its own fault. So it is where a program that has read a request ends, says something else, or takes
longer than it may: it is started anew for the next one. Where it read nothing of the request, it
did not come up, and the same request may be asked again. Its stderr is read and thrown away: it may
quote a case. It sees no variable of our environment that could hold a key.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import sys
import termios
import time
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from providers.completion import Completion, Timing, TokenUsage
from providers.errors import (
    BadRequestError,
    BrokenBodyError,
    ConnectionFailedError,
    ModelNotFoundError,
    ProgramFailedError,
    TimedOutError,
)
from providers.provider import Endpoint, Provider
from providers.request import ModelRequest

T = TypeVar("T")
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
        self._stdin: asyncio.WriteTransport | None = None
        self._reader = -1
        """Our end of its standard input, kept open to see how much it has read."""
        self._drain: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._asked = self._given = 0
        """Requests so far, and the bytes of the last one."""

    async def complete(self, request: ModelRequest) -> Completion:
        """Ask once."""
        shown = (message.images or message.documents for message in request.messages)
        if request.tools or any(shown):
            message = "a program is given no tools, no images and no documents"
            raise BadRequestError(message, billable=False)
        async with self._turn:
            self._asked += 1
            began = time.monotonic()
            try:
                async with asyncio.timeout(request.timeout_s):
                    reply = await self._reply(str(self._asked), request)
            except BaseException as error:
                # Half an answer may be left in the pipe; the next request gets a new process.
                told = self._fault(error, _since(began))
                await self._end()
                if told is error:
                    raise
                raise told from None
            return _completion(reply, _since(began))

    async def aclose(self) -> None:
        """End the program."""
        await self._end()

    def _fault(self, error: BaseException, total_s: float) -> BaseException:
        """What an error of the exchange is: the program's own where it had read the request."""
        if not isinstance(error, TimeoutError | _SilentError | BrokenBodyError):
            return error
        if self._has_read():
            return ProgramFailedError(str(error) or "no answer in time", total_s=total_s)
        if isinstance(error, TimeoutError):
            return TimedOutError("no answer in time", total_s=total_s)
        return ConnectionFailedError(str(error)) if isinstance(error, _SilentError) else error

    def _has_read(self) -> bool:
        """Whether it has read anything of the last request; asked before it is ended."""
        if self._process is None or self._stdin is None:
            return False
        waiting = fcntl.ioctl(self._reader, termios.FIONREAD, bytes(4))
        unread = int.from_bytes(waiting, sys.byteorder) + self._stdin.get_write_buffer_size()
        return unread < self._given

    async def _reply(self, name: str, request: ModelRequest) -> dict[str, Any]:
        process = await self._started()
        line = (json.dumps({"id": name, **_asked(request)}) + "\n").encode()
        self._given = len(line)
        _there(self._stdin).write(line)
        try:
            said = await _there(process.stdout).readline()
        except ValueError:
            raise BrokenBodyError(f"a line of more than {_LONGEST_LINE} bytes") from None
        if not said:
            raise _SilentError("the program ended without an answer")
        return _read(said, name)

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        await self._end()
        self._reader, writer = os.pipe()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=self._reader,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=self._folder,
                env=self._environ,
                limit=_LONGEST_LINE,
                start_new_session=True,
            )
        except OSError as error:
            os.close(writer)
            os.close(self._reader)
            why = error.strerror or "it cannot be started"
            raise ModelNotFoundError(f"{self._command[0]}: {why}", billable=False) from None
        loop = asyncio.get_running_loop()
        self._stdin, _ = await loop.connect_write_pipe(
            asyncio.BaseProtocol, os.fdopen(writer, "wb")
        )
        self._drain = asyncio.create_task(_thrown_away(_there(self._process.stderr)))
        return self._process

    async def _end(self) -> None:
        """End the program, and all that it started; nothing where none runs."""
        process, self._process = self._process, None
        stdin, self._stdin = self._stdin, None
        if process is None:
            return
        if stdin is not None:
            stdin.abort()
        os.close(self._reader)
        # What it still writes is read: a full pipe would keep it, or our wait for it, from ending.
        draining = asyncio.create_task(_thrown_away(_there(process.stdout)))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _CLOSE_S)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _CLOSE_S)
        draining.cancel()
        if self._drain is not None:
            self._drain.cancel()
        # A child that left its group may hold the pipes: nothing of them is waited for.
        cast("Any", process)._transport.close()  # noqa: SLF001  # no public way closes them


class _SilentError(Exception):
    """The program ended and wrote nothing to standard error."""


def _there(stream: T | None) -> T:
    if stream is None:
        raise ValueError("a process made with pipes has them")
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
