"""One line of a case file to a `Case`. The keys are inspect_ai's `Sample` keys, and `context`.

`id`, `input` (a text, or chat messages), `target` (a text, or several right ones), `choices` and
`metadata` are read, and the passages that were found for the case; `sandbox`, `files` and `setup`
ask for a machine that replay does not have.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal, cast

from evalsets.cases import Case, FoundText, Turn
from evalsets.documents import decoded, refused_unread
from evalsets.jsonl import JsonLine, canonical
from evalsets.source import NOT_FETCHED, Fault, is_pointer_file
from evalsets.validation import shown, suggestion

KEYS = ("id", "input", "target", "choices", "context", "metadata", "sandbox", "files", "setup")
_NEEDS_MACHINE = ("sandbox", "files", "setup")
_INLINE_IMAGE = re.compile(r"data:image/[a-z0-9.+-]+;base64,[A-Za-z0-9+/=]+\Z")
_INLINE_PDF = re.compile(r"data:application/pdf;base64,[A-Za-z0-9+/=]+\Z")
_LONGEST_NAME = 255
_ROLES = ("system", "user", "assistant", "tool")


class CaseReader:
    """Reads the rows of one case file; faults gather in `faults`."""

    def __init__(self, *, file: str, folder: Path) -> None:
        self.file = file
        self.folder = folder
        self.faults: list[Fault] = []
        self._images: dict[str, str] = {}
        self._documents: dict[str, str] = {}

    def case(self, row: JsonLine, *, number: int | None) -> Case | None:
        """The row's case, None when it has faults. `number` is its id where no row has one."""
        before = len(self.faults)
        self._unknown_keys(row)
        identity = self._id(row) if number is None else str(number)
        content = self._input(row)
        right = self._target(row)
        metadata = self._metadata(row)
        choices = self._choices(row)
        context = self._context(row)
        if len(self.faults) > before:
            return None
        return Case(
            id=identity,
            input=content,
            target=right[0] if right else None,
            also_right=right[1:],
            choices=choices,
            context=context,
            metadata=metadata,
        )

    def _fault(self, row: JsonLine, key: str, message: str) -> None:
        self.faults.append(Fault(file=self.file, line=row.line, key=key, message=message))

    def _unknown_keys(self, row: JsonLine) -> None:
        for key, value in row.data.items():
            if key not in KEYS:
                self._fault(row, key, f"unknown key{suggestion(key, KEYS)}")
            elif key in _NEEDS_MACHINE and value:
                self._fault(row, key, "needs a sandbox, which replay does not have; remove it")

    def _id(self, row: JsonLine) -> str:
        value = row.data.get("id")
        if isinstance(value, str) and value.strip():
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        what = "is required and missing" if value is None else f"must be a text, got {shown(value)}"
        self._fault(row, "id", what)
        return ""

    def _input(self, row: JsonLine) -> str | tuple[Turn, ...]:
        match row.data.get("input"):
            case None:
                self._fault(row, "input", "is required and missing")
            case str(text) if text.strip():
                return text
            case str() | []:
                self._fault(row, "input", "is empty")
            case list():
                return self._turns(row, cast("list[object]", row.data["input"]))
            case other:
                self._fault(row, "input", f"must be a text or chat messages, got {shown(other)}")
        return ""

    def _turns(self, row: JsonLine, items: list[object]) -> tuple[Turn, ...]:
        turns = [self._turn(row, item, f"input[{at}]") for at, item in enumerate(items)]
        return tuple(turn for turn in turns if turn is not None)

    def _turn(self, row: JsonLine, item: object, key: str) -> Turn | None:
        message = cast("dict[str, object]", item) if isinstance(item, dict) else None
        if message is None or message.get("role") not in _ROLES:
            self._fault(row, key, f"must be a message with a role of {', '.join(_ROLES)}")
            return None
        content, images, documents = self._content(row, message.get("content"), f"{key}.content")
        call_id = message.get("tool_call_id")
        return Turn(
            role=cast("Literal['system', 'user', 'assistant', 'tool']", message["role"]),
            content=content,
            images=images,
            image_sha256=tuple(self._images[image] for image in images if image in self._images),
            documents=documents,
            document_sha256=tuple(self._documents[each] for each in documents),
            tool_calls=self._tool_calls(row, message.get("tool_calls"), f"{key}.tool_calls"),
            tool_call_id=str(call_id) if call_id is not None else None,
        )

    def _tool_calls(self, row: JsonLine, value: object, key: str) -> str | None:
        """Frozen calls as JSON text: a list of {id, name, arguments (JSON text)}."""
        if not value:
            return None
        calls = (
            [tool_call(item) for item in cast("list[object]", value)]
            if isinstance(value, list)
            else [None]
        )
        if all(call is not None for call in calls):
            return canonical(calls)
        self._fault(row, key, "must be a list of calls with id, function and arguments")
        return None

    def _content(
        self, row: JsonLine, value: object, key: str
    ) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        """Text, images and documents of a message's content: a text, or a list of parts."""
        if isinstance(value, str):
            return value, (), ()
        if not isinstance(value, list):
            self._fault(row, key, f"must be a text or a list of parts, got {shown(value)}")
            return "", (), ()
        parts = cast("list[object]", value)
        texts: list[str] = []
        images: list[str] = []
        documents: list[str] = []
        for at, part in enumerate(parts):
            match part:
                case {"type": "text", "text": str(text)}:
                    texts.append(text)
                case {"type": "image", "image": str(image)} if self._image(row, key, image):
                    images.append(image)
                case {"type": "document", "document": str(name)} if self._document(row, key, name):
                    documents.append(name)
                case {"type": "image", "image": str()} | {"type": "document", "document": str()}:
                    pass
                case _:
                    what = "must be a part of type text, image or document"
                    self._fault(row, f"{key}[{at}]", what)
        return "\n".join(texts), tuple(images), tuple(documents)

    def _image(self, row: JsonLine, key: str, image: str) -> bool:
        """Whether the image is there; its bytes count in the fingerprint of the inputs."""
        if image in self._images:
            return True
        if _INLINE_IMAGE.match(image) is not None:
            self._images[image] = hashlib.sha256(image.encode()).hexdigest()
            return True
        data = self._file(row, key, f"the image {shown(image)}", image)
        if data is not None:
            self._images[image] = hashlib.sha256(data).hexdigest()
        return image in self._images

    def _document(self, row: JsonLine, key: str, name: str) -> bool:
        """Whether the PDF is there and may be one; `check` looks into it."""
        if name in self._documents:
            return True
        inline = _INLINE_PDF.match(name)
        if name.startswith("data:") and inline is None:
            self._fault(row, key, f"the document {shown(name)} must be application/pdf in base64")
            return False
        told = f"the document {shown(name)}"
        data = decoded(name) if inline else self._file(row, key, told, name)
        if data is None:
            return False
        why = refused_unread(data)
        if why is not None:
            self._fault(row, key, f"{told} {why}")
            return False
        self._documents[name] = hashlib.sha256(data).hexdigest()
        return True

    def _file(self, row: JsonLine, key: str, told: str, name: str) -> bytes | None:
        """The bytes of a file that a case names; None where it is not there, which is told."""
        path = inside(self.folder, name)
        if path is None:
            self._fault(row, key, f"{told} must lie in the eval set's folder")
        elif not path.is_file():
            self._fault(row, key, f"{told} is missing")
        elif is_pointer_file(path):
            self._fault(row, key, f"{told} is {NOT_FETCHED}")
        else:
            try:
                return path.read_bytes()
            except OSError as error:
                self._fault(row, key, f"{told} cannot be read: {error.strerror}")
        return None

    def _target(self, row: JsonLine) -> tuple[str, ...]:
        """The right answers; none for a case that is to be labelled."""
        value = row.data.get("target")
        if "target" in row.data and value is None:
            self._fault(
                row, "target", "is null; leave the key out of a case that is to be labelled"
            )
        if value is None or isinstance(value, str):
            return () if value is None else (value,)
        return _as_json(value) or self._texts(row, "target", value)

    def _choices(self, row: JsonLine) -> tuple[str, ...]:
        value = row.data.get("choices")
        return () if value is None else self._texts(row, "choices", value)

    def _context(self, row: JsonLine) -> tuple[FoundText, ...] | None:
        """The passages: a list of texts, or of objects with `text` and perhaps `id`."""
        value = row.data.get("context")
        if value is None:
            return None
        if not isinstance(value, list):
            self._fault(row, "context", f"must be a list of passages, got {shown(value)}")
            return None
        found = [
            self._passage(row, each, f"context[{at}]")
            for at, each in enumerate(cast("list[object]", value))
        ]
        sound = tuple(each for each in found if each is not None)
        ids = [each.id.casefold() for each in sound if each.id is not None]
        twice = next((name for name in ids if ids.count(name) > 1), None)
        if twice is not None:
            self._fault(row, "context", f"two passages have the id {shown(twice)}")
        return sound

    def _passage(self, row: JsonLine, value: object, key: str) -> FoundText | None:
        if isinstance(value, str):
            return FoundText(text=value)
        facts = cast("dict[str, object]", value) if isinstance(value, dict) else {}
        text, name = facts.get("text"), facts.get("id")
        if isinstance(text, str) and set(facts) <= {"id", "text"} and _names(name):
            return FoundText(text=text, id=None if name is None else str(name))
        self._fault(row, key, "must be a text, or an object with `text` and perhaps `id`")
        return None

    def _texts(self, row: JsonLine, key: str, value: object) -> tuple[str, ...]:
        items = cast("list[object]", value) if isinstance(value, list) else []
        if items and all(isinstance(item, str) for item in items):
            return tuple(cast("list[str]", items))
        wanted = "a text or a list of texts" if key == "target" else "a list of texts"
        self._fault(row, key, f"must be {wanted}, got {shown(row.data[key])}")
        return ()

    def _metadata(self, row: JsonLine) -> tuple[tuple[str, str], ...]:
        value = row.data.get("metadata")
        if value is None:
            return ()
        if isinstance(value, dict):
            pairs = cast("dict[str, object]", value).items()
            return tuple(sorted((key, as_text(item)) for key, item in pairs if item is not None))
        self._fault(row, "metadata", f"must be keys with values, got {shown(value)}")
        return ()


def _names(value: object) -> bool:
    """Whether it can be an id: a text with letters in it, or a number; none is one, too."""
    if isinstance(value, str):
        return bool(value.strip())
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def _as_json(value: object) -> tuple[str, ...]:
    """A target that is JSON itself, as text: an object, a list of calls, or several such lists."""
    listed = cast("list[object]", value) if isinstance(value, list) else [value]
    if listed and all(isinstance(each, dict) for each in listed):
        return (canonical(cast("object", value)),)
    if listed and all(map(_are_objects, listed)):
        return tuple(map(canonical, listed))
    return ()


def _are_objects(value: object) -> bool:
    items = cast("list[object]", value) if isinstance(value, list) else [None]
    return all(isinstance(each, dict) for each in items)


def tool_call(item: object) -> dict[str, str] | None:
    """One frozen call in one form, from inspect_ai's or from the chat API's; None when neither."""
    call = cast("dict[str, object]", item) if isinstance(item, dict) else {}
    function = call.get("function")
    inner = cast("dict[str, object]", function) if isinstance(function, dict) else call
    call_id, arguments = call.get("id"), inner.get("arguments")
    name = inner.get("name", call.get("function"))
    if not isinstance(call_id, str) or not isinstance(name, str) or arguments is None:
        return None
    return {"id": call_id, "name": name, "arguments": as_text(arguments)}


def as_text(value: object) -> str:
    """A metadata value as text: a text as it is, everything else as canonical JSON."""
    return value if isinstance(value, str) else canonical(value)


def inside(folder: Path, name: str) -> Path | None:
    """The file `name` under `folder`; None when it would lie elsewhere, or is no file's name."""
    if any(len(part.encode(errors="replace")) > _LONGEST_NAME for part in name.split("/")):
        return None
    try:
        path = (folder / name).resolve()
    except (OSError, ValueError):
        # A loop of links, or a NUL character.
        return None
    return path if path.is_relative_to(folder.resolve()) else None


def ids_of(rows: tuple[JsonLine, ...]) -> Callable[[int], int | None]:
    """Numbers for rows without ids: inspect_ai counts from 1 when no sample has an id."""
    numbered = not any("id" in row.data for row in rows)
    return lambda position: position + 1 if numbered else None
