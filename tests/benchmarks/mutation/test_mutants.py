"""The mistakes are those that are told, and they take effect wherever the code was imported."""

from __future__ import annotations

import ast
import sys
from functools import cache
from types import ModuleType

import pytest

from tests.benchmarks.mutation.mutants import mutants_of
from tests.benchmarks.mutation.transplant import transplant

SOURCE = """\
LIMITS = {"a", "b"}


class Shop:
    most: int = 3

    def fits(self, amount, limits=2):
        self.seen = amount
        return amount <= limits and not self.closed


def cost(rates, tokens):
    rates.check(tokens)
    return max(rate * tokens for rate in rates if rate > 0)
"""


def unparsed() -> dict[str, str]:
    return {f"{one.line}: {one.what}": ast.unparse(one.statement) for one in mutants_of(SOURCE)}


@pytest.mark.parametrize(
    ("mistake", "text"),
    [
        ("1: `{'a', 'b'}`: without `'b'`", "LIMITS = {'a'}"),
        ("5: `3`: `4`", "most: int = 4"),
        ("7: `2`: `3`", "limits=3"),
        ("8: `self.seen = amount`: left out", "self.seen = self.seen"),
        ("9: `amount <= limits`: `amount < limits`", "amount < limits and"),
        (
            "9: `amount <= limits and (not self.closed)`: `amount <= limits or not self.closed`",
            "amount <= limits or not self.closed",
        ),
        ("13: `rates.check(tokens)`: left out", "None\n"),
        ("14: `rate * tokens`: `rate / tokens`", "max((rate / tokens for"),
        ("14: ` for rate in rates if rate > 0`: ` for rate in rates`", "for rate in rates))"),
    ],
)
def test_one_mistake_is_made_at_a_time(mistake: str, text: str) -> None:
    assert text in unparsed()[mistake]


def test_nothing_but_the_mistake_differs() -> None:
    whole = [ast.unparse(one) for one in ast.parse(SOURCE).body]
    for text in unparsed().values():
        assert text not in whole
        assert min(abs(len(text) - len(one)) for one in whole) <= len("rates.check(tokens)")


def a_module(source: str, name: str = "harness.made_up") -> ModuleType:
    module = ModuleType(name)
    module.__dict__["cache"] = cache
    exec(source, vars(module))  # noqa: S102  # a module of this test
    return module


def changed(source: str) -> ast.stmt:
    (statement,) = ast.parse(source).body
    return statement


def test_who_imported_a_function_finds_the_new_code_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = "@cache\ndef double(n, by=2):\n    return n * by\n"
    module = a_module(f"{source}@cache\ndef more(n):\n    return double(n) + 1\n")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    held, above = module.double, module.more
    assert (held(3), above(3)) == (6, 7)
    transplant(module, changed(source.replace("by=2", "by=3")))
    assert (held(3), above(3)) == (9, 10)


def test_a_class_keeps_its_name_and_gets_new_methods_and_properties() -> None:
    source = "class A:\n    @property\n    def n(self): return 1\n    def m(self): return 1\n"
    module = a_module(source)
    held = module.A()
    transplant(module, changed(source.replace("return 1", "return 2")))
    assert (held.n, held.m()) == (2, 2)
    assert type(held) is module.A


def test_a_value_is_replaced_wherever_it_was_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    owner, user = a_module("MOST = (1, 2)"), a_module("", "harness.made_up_too")
    user.__dict__["MOST"], user.__dict__["OTHER"] = owner.MOST, owner.MOST
    monkeypatch.setitem(sys.modules, owner.__name__, owner)
    monkeypatch.setitem(sys.modules, user.__name__, user)
    transplant(owner, changed("MOST = (1, 3)"))
    assert (owner.MOST, user.MOST) == ((1, 3), (1, 3))
    assert user.OTHER == (1, 2)
