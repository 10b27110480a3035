"""A service of the team's in the place of an instance: a case by POST, its answer in the reply."""

from __future__ import annotations

from harness.ask.programs.instance import LONGEST_ANSWER, Line, read_line
from harness.journal.trials import FaultKind

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
