"""Text values of a Python file, by its own grammar: no comments, no docstrings, no comparisons."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Sequence

from harness.workspace.scan.texts import Word

MANY = 3
"""More texts than this in one list are a catalogue, not a choice."""
_LOOKS_ONLY = frozenset(
    {"startswith", "endswith", "removeprefix", "count", "find", "index", "replace", "match"}
)
_LITERAL = "Literal"


def python_words(text: str) -> Iterator[Word]:
    """The text values of a module with the names they are given.

    Raises:
        SyntaxError: the text is not Python of this version.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a stray escape in somebody's text is not our business
        tree = ast.parse(text)
    reader = _Reader()
    reader.visit(tree)
    yield from reader.words


class _Reader(ast.NodeVisitor):
    """Walks the tree with the names around each value."""

    def __init__(self) -> None:
        self.words: list[Word] = []
        self._names: list[str] = []
        self._listed = False

    def visit_ClassDef(self, node: ast.ClassDef) -> None:  # ast's own name
        self._under(node.name, [*node.keywords, *node.body])

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        self._under(_name_of(node.targets[0]), [node.value])

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._under(_name_of(node.target), [node.value])

    def visit_keyword(self, node: ast.keyword) -> None:
        self._under(node.arg or "", [node.value])

    def visit_Dict(self, node: ast.Dict) -> None:
        for key, value in zip(node.keys, node.values, strict=True):
            self._under(_name_of(key), [value])

    def visit_Compare(self, node: ast.Compare) -> None:
        """A comparison looks at a model; it chooses none."""

    def visit_MatchValue(self, node: ast.MatchValue) -> None:
        """Nor does a pattern."""

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):
            self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if _name_of(node.value).rpartition(".")[2] != _LITERAL:
            self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        if _name_of(node.func).rpartition(".")[2] in _LOOKS_ONLY:
            self.visit(node.func)
        else:
            self.generic_visit(node)

    def visit_List(self, node: ast.List) -> None:
        self._several(node.elts)

    def visit_Tuple(self, node: ast.Tuple) -> None:
        self._several(node.elts)

    def visit_Set(self, node: ast.Set) -> None:
        self._several(node.elts)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str | bytes):
            key = ".".join(name for name in self._names if name)
            said = node.value
            text = said if isinstance(said, str) else said.decode("utf-8", errors="replace")
            word = Word(line=node.lineno, key=key, text=text, listed=self._listed)
            self.words.append(word)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        arguments = node.args
        positional = [*arguments.posonlyargs, *arguments.args]
        defaults = list(zip(reversed(positional), reversed(arguments.defaults), strict=False))
        defaults += [
            (argument, default)
            for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
            if default is not None
        ]
        for argument, default in defaults:
            self._under(f"{node.name}.{argument.arg}", [default])
        for decorator in node.decorator_list:
            self.visit(decorator)
        self._under(node.name, node.body)

    def _under(self, name: str, nodes: Sequence[ast.AST]) -> None:
        self._names.append(name)
        for node in nodes:
            self.visit(node)
        self._names.pop()

    def _several(self, items: Sequence[ast.expr]) -> None:
        before = self._listed
        texts = [item for item in items if isinstance(item, ast.Constant)]
        self._listed = before or len(texts) > MANY
        for item in items:
            self.visit(item)
        self._listed = before


def _name_of(node: ast.AST | None) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(attr=name):
            return name
        case ast.Constant(value=str(name)):
            return name
        case ast.Subscript(slice=inner):
            return _name_of(inner)
        case _:
            return ""
