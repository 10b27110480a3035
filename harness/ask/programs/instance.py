"""One running instance of a program, or a service in its place: it answers one case at a time.

A guard stands between it and us, so that it ends with everything that it started when we end it,
when we die, and when it leaves its process group. It sees no variable of ours but those that any
program needs and those that its feature names.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import sys
import termios
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from harness.ask.programs.protocol import ProgramPlace
from harness.ask.serving import guard
from harness.journal.trials import FaultKind

LONGEST_ANSWER = 2**20
"""Bytes of a line that an instance may write; more ends it."""
MOST_UNREAD = 4
TAIL = 4096
GRACE_S = 2.0
END_S = 15.0
LIFE_S = 7 * 24 * 3600.0
USUAL = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "TEMP", "TMP", "USER")
"""Variables that every program may see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """How an instance ended a case: the answer's text, or a fault."""

    text: str = ""
    fault: FaultKind | None = None


class Instance:
    """A running program; `start` makes one."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        stdin: asyncio.WriteTransport,
        reader: int,
        token: str,
    ) -> None:
        self.token = token
        self.is_new = True
        """It was given no case yet."""
        self._process = process
        self._stdin = stdin
        self._reader = reader
        """Our end of its standard input, kept open to see how much it has read."""
        self._given: list[int] = []
        """Bytes of each case that it was given."""
        self._tail = b""
        self._lines: asyncio.Queue[bytes | None] = asyncio.Queue(MOST_UNREAD)
        """Lines that it wrote and that are not handled yet; None: a line over the limit."""
        self._errors = asyncio.create_task(self._read_errors())
        self._output = asyncio.create_task(self._read_lines())
        self._ended: asyncio.Task[None] | None = None

    @classmethod
    async def start(
        cls,
        place: ProgramPlace,
        *,
        token: str,
        gateway: Mapping[str, str],
        environ: Mapping[str, str],
    ) -> Instance:
        """Start the program in its folder, with the gateway's variables."""
        seen = {name: environ[name] for name in (*USUAL, *place.environment) if name in environ}
        reader, writer = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", str(Path(guard.__file__))),
                *("--ttl", str(LIFE_S), "--parent", str(os.getpid())),
                *("--input", str(reader), "--grace", str(GRACE_S), "--", *place.command),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                pass_fds=(reader,),
                cwd=place.folder,
                env={**seen, **gateway, "PYTHONDONTWRITEBYTECODE": "1"},
                limit=LONGEST_ANSWER,
            )
        except BaseException:
            os.close(writer)
            os.close(reader)
            raise
        loop = asyncio.get_running_loop()
        stdin, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, os.fdopen(writer, "wb"))
        return cls(process, stdin, reader, token)

    async def ask(self, line: str, case_id: str) -> Line:
        """Hand a case over and wait for its answer, however long that takes."""
        self.is_new = False
        raw_case = line.encode() + b"\n"
        self._given.append(len(raw_case))
        self._stdin.write(raw_case)
        raw = await self._lines.get()
        if raw is None:
            return Line(fault=FaultKind.PROGRAM_BABBLED)
        if not raw.endswith(b"\n"):
            return Line(fault=FaultKind.PROGRAM_BABBLED if raw else FaultKind.PROGRAM_ENDED)
        return read_line(raw, case_id)

    @property
    def is_quiet(self) -> bool:
        """Whether it is running, and has written nothing unasked."""
        return self._lines.empty() and not self._output.done() and not self.is_gone

    @property
    def is_gone(self) -> bool:
        """Whether its guard, and with it every process of the program, has ended."""
        return self._process.returncode is not None

    @property
    def has_read(self) -> bool:
        """Whether it read anything of a case; asked before it is ended."""
        return len(self._given) > 1 or self.has_read_last

    @property
    def has_read_last(self) -> bool:
        """Whether it has read the last case."""
        if not self._given:
            return False
        waiting = fcntl.ioctl(self._reader, termios.FIONREAD, bytes(4))
        unread = int.from_bytes(waiting, sys.byteorder) + self._stdin.get_write_buffer_size()
        return unread < self._given[-1]

    async def exit_code(self) -> int:
        """The code by which it ended in error of itself; 0 where it did not, or none is known."""
        if self._ended is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._ended), END_S)
        return max(self._process.returncode or 0, 0)

    async def last_words(self) -> str:
        """The last line that it wrote to its standard error, once that is at its end."""
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._errors), END_S)
        lines = self._tail.decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def kill(self) -> None:
        """End it and all that it started; it goes on in the background."""
        if self._ended is None:
            self._ended = asyncio.create_task(self._end())

    async def aclose(self) -> None:
        """End it, and wait until it is gone."""
        self.kill()
        if self._ended is not None:
            await self._ended
        self._errors.cancel()

    async def _end(self) -> None:
        if not self._stdin.is_closing():
            self._stdin.abort()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._output.cancel()
        draining = asyncio.create_task(self._drain())
        try:
            await asyncio.wait_for(self._process.wait(), END_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        finally:
            draining.cancel()
            os.close(self._reader)

    async def _drain(self) -> None:
        """Discard what it still writes, so that a full pipe cannot keep it from ending."""
        stdout = self._process.stdout
        while stdout is not None and await stdout.read(2**16):
            pass

    async def _read_lines(self) -> None:
        stdout = self._process.stdout
        while stdout is not None:
            try:
                raw = await stdout.readline()
            except ValueError:
                await self._lines.put(None)
                return
            await self._lines.put(raw)
            if not raw.endswith(b"\n"):
                return

    async def _read_errors(self) -> None:
        stderr = self._process.stderr
        while stderr is not None and (chunk := await stderr.read(2**16)):
            self._tail = (self._tail + chunk)[-TAIL:]


def read_line(raw: bytes, case_id: str) -> Line:
    """The answer in a line: `{"id", "answer"}` or `{"id", "error"}`, and nothing else."""
    try:
        value: object = json.loads(raw)
    except (ValueError, RecursionError):
        return Line(fault=FaultKind.PROGRAM_BABBLED)
    found = cast("dict[str, object]", value) if isinstance(value, dict) else {}
    if found.get("id") == case_id and set(found) == {"id", "error"}:
        return Line(fault=FaultKind.PROGRAM_GAVE_UP)
    if found.get("id") != case_id or set(found) != {"id", "answer"}:
        return Line(fault=FaultKind.PROGRAM_BABBLED)
    answer = found["answer"]
    return Line(text=answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False))


GATEWAY_HEADER, TOKEN_HEADER = "rightsize-gateway", "rightsize-token"
OK = 200


class Service:
    """One trial at a service that runs already: it is asked, and never ended.

    It learns from each request's headers where the gateway is and this trial's own token: no two
    trials share one, and after the trial it opens nothing.
    """

    is_new = False
    has_read_last = True
    """No other one follows it."""
    is_quiet = False
    """It is asked once: each trial has a token of its own."""
    is_gone = True

    def __init__(self, url: str, *, token: str, gateway: str) -> None:
        self.token = token
        self.has_read = False
        self._url = url
        self._gateway = gateway
        self._words = ""

    async def ask(self, line: str, case_id: str) -> Line:
        """Hand a case over and wait for its answer, however long that takes."""
        import aiohttp  # noqa: PLC0415  # only where a program runs

        headers = {
            "content-type": "application/json",
            GATEWAY_HEADER: self._gateway,
            TOKEN_HEADER: self.token,
        }
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session,
                session.post(
                    self._url, data=line.encode(), headers=headers, allow_redirects=False
                ) as reply,
            ):
                self.has_read = True
                if reply.status != OK:
                    self._words = f"status {reply.status}"
                    return Line(fault=FaultKind.PROGRAM_ENDED)
                raw = b""
                async for chunk in reply.content.iter_any():
                    raw += chunk
                    if len(raw) > LONGEST_ANSWER:
                        return Line(fault=FaultKind.PROGRAM_BABBLED)
        except (aiohttp.ClientError, OSError) as error:
            self._words = type(error).__name__
            return Line(fault=FaultKind.PROGRAM_ENDED)
        return read_line(raw, case_id)

    async def last_words(self) -> str:
        """How it ended, without any text of a case."""
        return self._words

    async def exit_code(self) -> int:
        """It has none."""
        return 0

    def kill(self) -> None:
        """Do nothing: closing the connection is all that we can do to a service."""

    async def aclose(self) -> None:
        """Nothing of it is ours."""
