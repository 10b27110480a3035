"""Walks a source tree for texts that name a model; tells production from tests and documentation.

A text names a model by a known id, with or without a vendor before it or a version after it.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path, PurePosixPath

import yaml

from harness.workspace.scan.python_source import python_words
from harness.workspace.scan.texts import (
    Kind,
    Scan,
    UnreadFile,
    Use,
    Word,
    hash_words,
    pair_words,
    source_words,
    toml_words,
    yaml_words,
)

_TOKEN = re.compile(r"[A-Za-z0-9@~][A-Za-z0-9@~._/:-]*")
_REGION = re.compile(r"^(?:us|eu|apac|global|us-gov)\.")
_VENDOR = re.compile(r"^(?:anthropic|amazon|meta|mistral|cohere|google|openai|deepseek)\.")
_VERSION = re.compile(
    r"(?:[-@]20\d{6}|-20\d{2}-\d{2}-\d{2}|[-@]latest|@default|-v\d+(?::\d+)?|-\d{3})$"
)
_MODEL_WORDS = ("model", "llm", "engine", "deployment")
_SHORT = 3


def model_named(text: str, key: str, ids: Collection[str]) -> str | None:
    """The id that a text names, None when it names none.

    An id that is also a plain word (`command`) or very short (`o1`) counts only under a key that
    speaks of a model.
    """
    if "://" in text:
        return None
    found = next((form for form in _forms(text.strip().strip("/:")) if form in ids), None)
    if found is None or (_is_plain(found) and not _speaks_of_a_model(key)):
        return None
    return found


_ESCAPE = re.compile(
    r"\\(?:u\{0{0,4}(?P<a>[0-9a-fA-F]{2})\}|u00(?P<b>[0-9a-fA-F]{2})|x(?P<c>[0-9a-fA-F]{2})"
    r"|U000000(?P<d>[0-9a-fA-F]{2}))|&#x0{0,4}(?P<e>[0-9a-fA-F]{2});|&#0{0,4}(?P<f>\d{2,3});"
)


def unescaped(text: str) -> str:
    r"""A text with the escapes of JSON, YAML, code and markup read, where they are of an id.

    >>> unescaped(r"\u0067pt\x2d5 &#103; \u0022")
    'gpt-5 g \\u0022'
    """
    return _ESCAPE.sub(_letter, text) if "\\" in text or "&#" in text else text


def _letter(match: re.Match[str]) -> str:
    hexadecimal = next((match[name] for name in "abcde" if match[name]), None)
    found = chr(int(match["f"]) if hexadecimal is None else int(hexadecimal, 16))
    return found if found in _OF_AN_ID else match[0]


_OF_AN_ID = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@~._/:-")


def may_name_a_model(text: str, ids: Collection[str]) -> bool:
    """A quick look: whether any word of a file could be an id."""
    words = {word.strip(".:/-") for word in _TOKEN.findall(unescaped(text))}
    return any(form in ids for word in words for form in _forms(word))


def _forms(text: str) -> Iterator[str]:
    """The text, without a vendor before it, and without a version behind it."""
    yield text
    bare = text
    for separator in ("/", ":"):
        head, found, tail = bare.rpartition(separator)
        if found and head and not tail.isdigit():
            bare = tail
            yield bare
    bare = _VENDOR.sub("", _REGION.sub("", bare))
    yield bare
    while (shorter := _VERSION.sub("", bare)) != bare:
        bare = shorter
        yield bare


def _is_plain(model_id: str) -> bool:
    return len(model_id) <= _SHORT or model_id.isalpha()


def _speaks_of_a_model(key: str) -> bool:
    lower = key.lower()
    return any(word in lower for word in _MODEL_WORDS)


LARGEST_BYTES = 2_000_000

_SKIPPED_FOLDERS = frozenset(
    {
        "__pycache__",
        "bower_components",
        "build",
        "coverage",
        "dist",
        "htmlcov",
        "node_modules",
        "out",
        "site-packages",
        "target",
        "third_party",
        "vendor",
    }
)
_TEST_FOLDERS = frozenset(
    {
        "__mocks__",
        "__snapshots__",
        "__tests__",
        "benchmarks",
        "cassettes",
        "e2e",
        "evals",
        "fixtures",
        "mocks",
        "spec",
        "specs",
        "test",
        "testdata",
        "testing",
        "tests",
    }
)
_DOC_FOLDERS = frozenset({"doc", "docs", "documentation", "examples", "example", "samples"})
_DOC_SUFFIXES = frozenset({".md", ".mdx", ".rst", ".txt", ".adoc", ".html", ".ipynb"})
_DOC_NAME = re.compile(r"(?:^|[._-])(?:example|sample|dist)s?(?:[._-]|$)|^\.env\.template$")
_TEST_NAME = re.compile(
    r"^\.env\.(?:test|ci)|^test_|_test\.\w+$|\.(?:test|spec|stories)\.\w+$|^conftest\.py$|Tests?\.(?:java|kt|cs)$"
)
_NOT_WRITTEN_BY_HAND = re.compile(
    r"(?:^|[.-])lock(?:\.|$)|^package(?:-lock)?\.json$|\.min\.js$|\.map$"
)

_C_LIKE = (
    *(".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs", ".vue", ".svelte"),
    *(".java", ".kt", ".scala", ".go", ".cs", ".php", ".rs", ".swift"),
)
_READERS: dict[str, Callable[[str], Iterable[Word]]] = {
    ".py": python_words,
    ".toml": toml_words,
    ".yaml": yaml_words,
    ".yml": yaml_words,
    ".json": yaml_words,
    ".jsonc": yaml_words,
    ".json5": source_words,
    ".env": pair_words,
    ".ini": pair_words,
    ".cfg": pair_words,
    ".conf": pair_words,
    ".properties": pair_words,
    ".rb": hash_words,
    ".sh": pair_words,
    ".tf": hash_words,
    ".tfvars": hash_words,
    ".hcl": hash_words,
    **dict.fromkeys(_C_LIKE, source_words),
    **dict.fromkeys(_DOC_SUFFIXES, hash_words),
}


class _UnreadError(Exception):
    """Why a file is not looked into."""


def scan_tree(root: Path, ids: Collection[str]) -> Scan:
    """Find every use of the given model ids under a folder.

    Folders of dependencies and build products, hidden folders, lock files and links are not
    looked into; a file that cannot be read is listed.
    """
    uses: list[Use] = []
    unread: list[UnreadFile] = []
    files = 0
    for path in _files(root):
        shown = path.relative_to(root).as_posix()
        try:
            text = _text(path)
        except _UnreadError as error:
            unread.append(UnreadFile(path=shown, reason=str(error)))
            continue
        files += 1
        uses += _uses(shown, text, ids)
    return Scan(files=files, uses=tuple(uses), unread=tuple(unread))


def words_of(path: str, text: str) -> tuple[Word, ...]:
    """The text values of one file, each with what it is called there."""
    return tuple(_words(path, text))


def has_reader(path: str) -> bool:
    """Whether a file's own grammar is known, by its name."""
    return _reader(PurePosixPath(path).name) is not None


def kind_of(path: str) -> Kind:
    """What a file is for, by its path.

    >>> kind_of("app/settings.py"), kind_of("tests/test_app.py"), kind_of("README.md")
    ('production', 'test', 'docs')
    """
    place = PurePosixPath(path)
    folders = {part.lower() for part in place.parts[:-1]}
    if folders & _TEST_FOLDERS or _TEST_NAME.search(place.name):
        return "test"
    if folders & _DOC_FOLDERS or place.suffix in _DOC_SUFFIXES or _DOC_NAME.search(place.name):
        return "docs"
    return "production"


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if _is_entered(Path(folder), name))
        for name in sorted(names):
            path = Path(folder) / name
            if (
                _reader(name) is not None
                and not _NOT_WRITTEN_BY_HAND.search(name)
                and not path.is_symlink()
            ):
                yield path


def _is_entered(parent: Path, name: str) -> bool:
    """Not a hidden folder, not dependencies, and not a workspace of ours."""
    folder = parent / name
    if name.startswith(".") or name in _SKIPPED_FOLDERS or (folder / "pyvenv.cfg").is_file():
        return False
    return not ((folder / "policy.yaml").is_file() and (folder / "features").is_dir())


def _reader(name: str) -> Callable[[str], Iterable[Word]] | None:
    if name == ".env" or name.startswith((".env.", "Dockerfile")):
        return pair_words
    return _READERS.get(PurePosixPath(name).suffix.lower())


def _text(path: Path) -> str:
    """The file's text.

    Raises:
        _UnreadError: it is too large to be written by hand, no plain file, or cannot be read.
    """
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise _UnreadError("no plain file")
        if facts.st_size > LARGEST_BYTES:
            raise _UnreadError(f"{facts.st_size:,} bytes; not looked into")
        data = path.read_bytes()
    except OSError as error:
        raise _UnreadError(error.strerror or "unreadable") from None
    return as_text(data)


def as_text(data: bytes) -> str:
    """A file's text in whichever encoding; ids are ASCII, so that they can be read in any."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    return data.decode("utf-8-sig", errors="replace")


def _uses(path: str, text: str, ids: Collection[str]) -> list[Use]:
    if not may_name_a_model(text, ids):
        return []
    return uses_of(path, kind_of(path), _words(path, text), ids)


def uses_of(path: str, kind: Kind, words: Iterable[Word], ids: Collection[str]) -> list[Use]:
    """The words of a file that name a model."""
    found: list[Use] = []
    for word in words:
        for part in _parts(word.text):
            model_id = model_named(part, word.key, ids)
            if model_id is not None:
                use = Use(
                    path=path,
                    line=word.line,
                    key=word.key,
                    written=part,
                    model_id=model_id,
                    kind=kind,
                    listed=word.listed,
                )
                found.append(use)
    return found


def _words(path: str, text: str) -> list[Word]:
    """By the file's own grammar; what does not follow it, line by line."""
    reader = _reader(PurePosixPath(path).name) or hash_words
    try:
        return list(reader(text))
    except (SyntaxError, ValueError, RecursionError, yaml.YAMLError):
        if path.endswith((".json", ".jsonc")):
            return list(source_words(text))
        both = {(word.line, word.text): word for word in (*pair_words(text), *hash_words(text))}
        return list(both.values())


def _parts(text: str) -> list[str]:
    """A text that is one id, or a list of ids with commas; prose is neither."""
    parts = [part.strip() for part in text.split(",")]
    return [] if any(" " in part or "\n" in part for part in parts) else parts
