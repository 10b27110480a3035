"""Notes, in every Python process of a review, the functions entered with one case in hand.

Python loads this file by its name where its folder stands on PYTHONPATH. A case is in hand where an
argument is its text or holds it within `STEPS` fields or items: `alone` when that argument holds no
other case, else `among`. Each is appended at once, for workers are killed and do not end.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Iterator
from inspect import CO_OPTIMIZED, CO_VARARGS, CO_VARKEYWORDS
from pathlib import Path
from types import CodeType, FrameType

PACKAGES = ("harness", "evalsets", "providers", "reports")
STEPS = 3
ITEMS = 300
"""Of a container, the first that are looked at; more than there are cases."""
CASE = re.compile(r"case\d+mark")
NO_OTHER, OTHERS = 1, 2
"""Bits: the case is there; another one is."""


class Tracer:
    """Notes functions of the product at `root` to the open file `out`."""

    def __init__(self, root: str, out: int, case: str) -> None:
        self.root, self.out, self.case = f"{root}/", out, case
        self.done: set[CodeType] = set()
        self.among: set[CodeType] = set()

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        code = frame.f_code
        if event != "call" or code in self.done:
            return
        place = code.co_filename.removeprefix(self.root)
        # Bodies of modules and classes have names, no arguments.
        is_function = bool(code.co_flags & CO_OPTIMIZED)
        if place == code.co_filename or not place.startswith(PACKAGES) or not is_function:
            self.done.add(code)
            return
        seen = [self.held(value, STEPS) for value in arguments(frame)]
        if NO_OTHER in seen:
            self.done.add(code)
            self.note("alone", place, code)
        elif code not in self.among and NO_OTHER | OTHERS in seen:
            self.among.add(code)
            self.note("among", place, code)

    def note(self, kind: str, place: str, code: CodeType) -> None:
        os.write(self.out, f"{kind}\t{place}\t{code.co_qualname}\n".encode())

    def held(self, value: object, steps: int) -> int:
        """Which cases a value holds, in bits."""
        if isinstance(value, str | bytes):
            text = value if isinstance(value, str) else value.decode("utf-8", "replace")
            words = set(CASE.findall(text))
            return (NO_OTHER if self.case in words else 0) | (OTHERS if words - {self.case} else 0)
        found = 0
        for part in parts(value) if steps else ():
            found |= self.held(part, steps - 1)
            if found == NO_OTHER | OTHERS:
                break
        return found


def arguments(frame: FrameType) -> Iterator[object]:
    """The values that a function was called with."""
    code = frame.f_code
    stars = bool(code.co_flags & CO_VARARGS) + bool(code.co_flags & CO_VARKEYWORDS)
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + stars]
    held = frame.f_locals
    return (held.get(name) for name in names)


def parts(value: object) -> Iterator[object]:
    """Items of a container, fields of an object of ours; of anything else nothing."""
    if isinstance(value, dict):
        for key, item in list(value.items())[:ITEMS]:
            yield key
            yield item
    elif isinstance(value, list | tuple | set | frozenset):
        yield from list(value)[:ITEMS]
    elif type(value).__module__.partition(".")[0] in PACKAGES:
        yield from fields(value)


def fields(value: object) -> Iterator[object]:
    """What an object holds, without running any code of it."""
    yield from list(getattr(value, "__dict__", {}).values())
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            try:
                yield object.__getattribute__(value, name)
            except AttributeError:
                continue


if os.environ.get("HOUSE_OUT"):
    opened = os.open(Path(os.environ["HOUSE_OUT"]), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    tracer = Tracer(os.environ["HOUSE_ROOT"], opened, os.environ["HOUSE_CASE"])
    threading.setprofile(tracer)
    sys.setprofile(tracer)
