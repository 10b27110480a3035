"""The worker's side: instances of programs, one trial at a time each, behind one gateway."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import socket
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path

from harness.ask.programs.gateway import Asked, Gateway
from harness.ask.programs.instance import Instance, Line, Service
from harness.ask.programs.protocol import (
    Begin,
    Drop,
    Given,
    Happened,
    LeftCall,
    Listen,
    MadeCall,
    MissingPrograms,
    Over,
    ProgramCall,
    ProgramCheck,
    ProgramPlace,
)
from harness.ask.programs.translation.passage import passage
from harness.ask.programs.wires import ReadCall, RefusedCallError, read_call
from harness.journal.trials import FaultKind
from harness.workspace.programs.digests import (
    ProgramFolderError,
    UnknownOutsideError,
    program_outside,
    program_sha256,
)

LONGEST_SAID = 200
_ERROR = re.compile(
    r"(?P<name>(?:[a-z_]\w{0,39}\.){0,6}[A-Z]\w{0,59}(?:Error|Exception|Exit|Interrupt))(?::|$)"
)
"""An exception's class as Python's last line begins with it; what follows is its message."""


class Session:
    """One trial in an instance."""

    def __init__(self, begin: Begin) -> None:
        self.begin = begin
        self.refused: FaultKind | None = None
        """Why its program was refused a call: it cannot end well."""
        self.refusal = ""
        """Our own words about it."""
        self._happened: asyncio.Queue[MadeCall | LeftCall | Over] = asyncio.Queue()
        self._waiting: dict[int, asyncio.Future[Given]] = {}
        self._left: dict[str, int] = {}
        """Calls that the program hung up on, by what it asked: asked again, it gets that reply."""
        self._calls = 0
        self.clock = OwnTime(begin.place.timeout_s)
        self.task: asyncio.Task[None] | None = None
        self.stopped = asyncio.Event()
        """Its instance is to be ended before its answer."""
        self.is_closed = False
        """Its instance has answered, or is being ended."""

    async def ask(self, asked: Asked) -> tuple[ReadCall, Given]:
        """See `OpenTrial.ask`."""
        try:
            call = read_call(asked.path, asked.query, asked.body)
            return call, await self._ask(call, asked)
        except RefusedCallError as error:
            self.refused = self.refused or FaultKind.CALL_REFUSED
            self.refusal = self.refusal or str(error)[:LONGEST_SAID]
            raise

    async def _ask(self, call: ReadCall, asked: Asked) -> Given:
        names = next((one for one in self.begin.models if call.model in one.names), None)
        if names is None:
            known = ", ".join(sorted(name for one in self.begin.models for name in one.names))
            raise RefusedCallError(
                f"{call.model[:80]!r} is not among the models that `roles` names ({known})"
            )
        way = passage(call, asked, names)
        key = json.dumps([asdict(call), asked.body, asked.headers], sort_keys=True)
        number = self._again(key) or self._made(way.made)
        began = asyncio.get_running_loop().time()
        self.clock.stand_still()
        try:
            given = await asyncio.shield(self._waiting[number])
        except asyncio.CancelledError:
            # Its client waits no longer, as by a time-out of its own; the call goes on.
            self._left[key] = number
            waited_s = asyncio.get_running_loop().time() - began
            if not self.is_closed:
                self._happened.put_nowait(LeftCall(call=number, after_s=waited_s))
            raise
        finally:
            self.clock.call_ended()
        self._waiting.pop(number, None)
        return way.told(given)

    def _again(self, key: str) -> int | None:
        """The call that the program hung up on and asks again."""
        number = self._left.pop(key, None)
        if number is not None:
            self._happened.put_nowait(LeftCall(call=number, after_s=None))
        return number

    def _made(self, made: MadeCall) -> int:
        """Have the driver make a call; its number."""
        self._calls += 1
        if self._calls > self.begin.place.max_calls:
            self.refused = FaultKind.TOO_MANY_CALLS
            self.stopped.set()
            raise RefusedCallError(f"more than `max_calls: {self.begin.place.max_calls}`")
        number = self._calls
        self._waiting[number] = asyncio.get_running_loop().create_future()
        self._happened.put_nowait(replace(made, call=number))
        return number

    def give(self, given: Given) -> None:
        """Hand a reply to the program."""
        waiting = self._waiting.get(given.call)
        if waiting is not None and not waiting.done():
            waiting.set_result(given)

    def end(self, over: Over) -> None:
        """The trial ended: calls that are open get no reply."""
        for call in list(self._waiting):
            self.give(Given(session=self.begin.session, call=call, document=None, status=400))
        self._happened.put_nowait(over)

    async def happened(self) -> Happened:
        """Wait for what happens, and tell all of it."""
        events = [await self._happened.get()]
        while not self._happened.empty():
            events.append(self._happened.get_nowait())
        return Happened(events=tuple(events))


class ProgramHost:
    """Answers the driver; instances are kept running between trials."""

    def __init__(
        self,
        *,
        environ: Mapping[str, str],
        utc_now: Callable[[], str],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._environ = environ
        self._utc_now = utc_now
        self._monotonic = monotonic
        self._gateway = Gateway()
        self._sessions: dict[str, Session] = {}
        self._idle: defaultdict[ProgramPlace, list[Instance]] = defaultdict(list)
        self._started: list[Instance] = []

    async def answer(self, payload: ProgramCall) -> Happened | MissingPrograms | None:
        """Do what the driver asks."""
        match payload:
            case Begin():
                return await self._begin(payload)
            case Listen():
                return await self._listen(payload.session)
            case Given():
                session = self._sessions.get(payload.session)
                return None if session is None else session.give(payload)
            case Drop():
                session = self._sessions.pop(payload.session, None)
                return None if session is None else session.stopped.set()
            case ProgramCheck():
                return missing_here(payload, self._environ)

    async def aclose(self) -> None:
        """End every instance, and listen no more."""
        tasks = [session.task for session in self._sessions.values() if session.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(instance.aclose() for instance in self._started))
        await self._gateway.aclose()

    async def _listen(self, name: str) -> Happened:
        happened = await self._sessions[name].happened()
        if any(isinstance(event, Over) for event in happened.events):
            self._sessions.pop(name, None)
        return happened

    async def _begin(self, begin: Begin) -> Happened:
        session = self._sessions[begin.session] = Session(begin)
        session.task = asyncio.create_task(self._run(session))
        return await self._listen(begin.session)

    async def _run(self, session: Session) -> None:
        """One trial, to its end."""
        started_at, began = self._utc_now(), self._monotonic()
        try:
            line, said = await self._worked_on(session)
        except asyncio.CancelledError:
            raise
        except OSError as error:
            line = Line(fault=FaultKind.PROGRAM_ENDED)
            said = error.strerror or type(error).__name__
        except Exception as error:  # noqa: BLE001  # an error in our own code ends one trial without a score
            line, said = Line(fault=FaultKind.UNEXPECTED), type(error).__name__
        session.end(
            Over(
                text=line.text,
                fault=session.refused or line.fault,
                said=session.refusal or said,
                started_at=started_at,
                total_s=self._monotonic() - began,
            )
        )

    async def _worked_on(self, session: Session) -> tuple[Line, str]:
        """How an instance ended a trial, and its last words where it is ended, too.

        One that had answered before, and ended without a look at this case, is followed by a new
        one: some programs end after each answer.
        """
        place = session.begin.place
        instance = await self._instance(place)
        was_new = instance.is_new
        if was_new:
            session.clock.let_start()
        sound, has_read, looked = False, True, True
        try:
            line = await self._answered(session, instance)
            sound = line.fault is None
            if sound:
                if isinstance(instance, Instance):
                    self._idle[place].append(instance)
                return line, ""
        finally:
            if not sound:
                has_read, looked = instance.has_read, was_new or instance.has_read_last
                instance.kill()
        if line.fault is FaultKind.PROGRAM_ENDED and not looked and not session.stopped.is_set():
            return await self._worked_on(session)
        words = await instance.last_words()
        return line, told(words, has_read=has_read, code=await instance.exit_code())

    async def _answered(self, session: Session, instance: Instance | Service) -> Line:
        """The instance's answer; a fault where its own time is over, or it is to be ended."""
        begin = session.begin
        session.is_closed = False
        self._gateway.let_in(instance.token, session)
        answer = asyncio.create_task(instance.ask(begin.line, begin.case_id))
        stopped = asyncio.create_task(session.stopped.wait())
        over = asyncio.create_task(session.clock.run_out())
        try:
            await asyncio.wait({answer, stopped, over}, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return await answer
            ended = FaultKind.PROGRAM_ENDED if stopped.done() else FaultKind.PROGRAM_TIMED_OUT
            return Line(fault=ended)
        finally:
            session.is_closed = True
            self._gateway.shut_out(instance.token)
            for task in (answer, stopped, over):
                task.cancel()

    async def _instance(self, place: ProgramPlace) -> Instance | Service:
        while self._idle[place]:
            instance = self._idle[place].pop()
            if instance.is_quiet:
                return instance
            instance.kill()
        await self._gateway.open()
        token = secrets.token_urlsafe(32)
        if place.url is not None:
            return Service(place.url, token=token, gateway=self._gateway.origin)
        instance = await Instance.start(
            place, token=token, gateway=self._gateway.environment(token), environ=self._environ
        )
        self._started = [one for one in self._started if not one.is_gone]
        self._started.append(instance)
        return instance


def told(words: str, *, has_read: bool, code: int) -> str:
    """How a program ended, without a word that can come from a case or an answer.

    Its last line is shown whole only where it had read no case.
    """
    if not has_read:
        return words[:LONGEST_SAID]
    error = _ERROR.match(words)
    if error is not None:
        return error["name"]
    return f"its exit code was {code}" if code else ""


def missing_here(check: ProgramCheck, environ: Mapping[str, str]) -> MissingPrograms:
    """The programs whose folder is missing on this machine, or that differ from the driver's."""
    folders = [
        place.folder for place in check.places if not (place.url or _is_here(place, environ))
    ]
    return MissingPrograms(host=socket.gethostname(), folders=tuple(folders))


def _is_here(place: ProgramPlace, environ: Mapping[str, str]) -> bool:
    folder = Path(place.folder)
    try:
        same = program_sha256(folder, place.command) == place.sha256
        return same and program_outside(place, folder, environ).runs == place.outside
    except (ProgramFolderError, UnknownOutsideError):
        return False


START_S = 60.0
"""Seconds more for an instance's first case, while it starts and loads its libraries."""
STEP_S = 0.25
LONGEST_STEP_S = 2 * STEP_S
"""The most seconds that one step adds; a longer gap was our own delay or a sleeping machine."""


class OwnTime:
    """Counts a program's time by steps; while a call is open it stands still.

    Whatever a call waits for (a quota, the cap, another attempt, the model) is in the call.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._grace_s = 0.0
        self._open = 0
        self._mark: float | None = None
        """When it was last counted; None before it begins."""
        self._used_s = 0.0

    async def run_out(self) -> None:
        """Return when the time is over."""
        self._mark = self._now()
        while (left_s := self._limit_s + self._grace_s - self._used_s) > 0:
            await asyncio.sleep(min(STEP_S, left_s))
            if self._open == 0:
                self._count()

    def let_start(self) -> None:
        """Give a program that was just started more time for its first call or answer."""
        self._grace_s = START_S

    def stand_still(self) -> None:
        """A call was made."""
        self._open += 1
        if self._open == 1:
            self._count()
            self._used_s = max(self._used_s - self._grace_s, 0.0)
            self._grace_s = 0.0

    def call_ended(self) -> None:
        """A call got its reply, or its client hung up."""
        self._open -= 1
        if self._open == 0:
            self._mark = self._now()

    def _count(self) -> None:
        now = self._now()
        if self._mark is not None:
            self._used_s += min(now - self._mark, LONGEST_STEP_S)
        self._mark = now

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
