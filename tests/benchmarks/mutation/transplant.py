"""Puts a changed statement into a module that is already imported, for this process alone."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from types import FunctionType, ModuleType


def transplant(module: ModuleType, statement: ast.stmt) -> None:
    """Run a top-level statement of `module` anew and let its code, or its values, take effect.

    Whoever imported a function or a class keeps it, and finds the new code inside; a value is
    replaced wherever our modules hold the old one.
    """
    fresh = dict(vars(module))
    tree = ast.Module(body=[statement], type_ignores=[])
    exec(compile(tree, module.__name__, "exec", dont_inherit=True, flags=_FUTURE), fresh)  # noqa: S102
    for name, new in fresh.items():
        old = vars(module).get(name)
        if old is new:
            continue
        if isinstance(new, type):
            _renew_class(old, new)
        elif isinstance(_function_of(new), FunctionType):
            _renew(old, new)
        else:
            _replace(name, old, new)
    forget()


def forget() -> None:
    """Empty every cache of ours: what was worked out before knows nothing of the mistake."""
    for module in _ours():
        for value in list(vars(module).values()):
            clear = getattr(value, "cache_clear", None)
            if callable(clear):
                clear()


_FUTURE = 0x1000000
"""`from __future__ import annotations`."""


def _renew_class(old: object, new: type) -> None:
    held = vars(old)
    for name, value in vars(new).items():
        if isinstance(_function_of(value), FunctionType) and name in held:
            _renew(held[name], value)


def _renew(old: object, new: object) -> None:
    for was, becomes in zip(_layers(old), _layers(new), strict=True):
        if isinstance(was, FunctionType) and isinstance(becomes, FunctionType):
            was.__code__ = becomes.__code__
            was.__defaults__, was.__kwdefaults__ = becomes.__defaults__, becomes.__kwdefaults__


def _layers(value: object) -> Iterator[object]:
    """A function under everything that wraps it: properties, caches, context managers."""
    while value is not None:
        yield value
        inner = (getattr(value, name, None) for name in ("fget", "func", "__func__", "__wrapped__"))
        value = next((one for one in inner if callable(one)), None)


def _function_of(value: object) -> object:
    *_, last = _layers(value) if value is not None else (None,)
    return last


def _replace(name: str, old: object, new: object) -> None:
    for module in _ours():
        for held, value in list(vars(module).items()):
            if value is old and held.lstrip("_") == name.lstrip("_"):
                setattr(module, held, new)


def _ours() -> list[ModuleType]:
    named = [(getattr(one, "__name__", ""), one) for one in list(sys.modules.values())]
    return [module for name, module in named if name.partition(".")[0] in OURS]


OURS = {"harness", "evalsets", "providers", "reports", "tests"}
"""A test that imports the value that it checks is no test of it: it sees the new one, too."""
