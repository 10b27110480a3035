"""inspect_ai's logs to answers: `.eval` (a zip of JSON) and `.json`.

A sample's grade is its first score's value: C is 1, P 0.5, I and N 0, true 1, a number in [0, 1]
itself; further scorers are told. A sample that ended in an error, or at a limit without an answer,
has no score. Some versions count cached tokens beside `input_tokens`, others inside: the total
tells. Ours contain them. An epoch is a repeat. Where the model answered several times in a sample
(an agent's run), usage is that of all its calls, and time the sample's own: its working time, which
leaves out waiting for a turn, else its total. Tokens of further models are told, not counted.

An `.eval` file is a zip whose members are JSON, deflated or by Zstandard. Zstandard is method 93,
which the standard library of Python 3.11 lists but cannot read. A log cut short has lost the zip's
table of contents, and inspect_ai's own reader refuses it as well.
"""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from evalsets.cases import Case, Turn
from harness.bring.intake.inspect_messages import MessageReader, ToolsSeen, calls_of, text_of
from harness.bring.intake.values import (
    ImportedAnswer,
    ImportedAnswers,
    Object,
    a_count,
    a_duration,
    a_list,
    a_moment,
    a_score,
    a_text,
    an_object,
    as_json,
    usage,
    warning,
    whole_texts,
)
from harness.errors import Problem, UsageError
from harness.wording import plural
from providers.completion import TokenUsage

_ZSTANDARD = 93
_LARGEST = 512 * 1024 * 1024
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")
_SAMPLE = re.compile(r"samples/.+\.json")


def is_archive(data: bytes) -> bool:
    """Whether the bytes begin as a zip does."""
    return data.startswith(b"PK")


def read_archive(
    data: bytes, *, file: str
) -> tuple[Object, list[tuple[str, object]], list[Problem]]:
    """The header, the samples by member name, and a problem for each member that is broken.

    Raises:
        UsageError: the file is no whole zip, or has no header.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, NotImplementedError, struct.error, ValueError, OSError):
        raise UsageError(f"{file}: the log is cut short or no .eval file") from None
    samples: list[tuple[str, object]] = []
    problems: list[Problem] = []
    header: Object | None = None
    for member in archive.infolist():
        wanted = member.filename in {"header.json", "_journal/start.json"}
        if not wanted and not _SAMPLE.fullmatch(member.filename):
            continue
        value = _value(data, member, file, problems)
        if value is None:
            continue
        if not wanted:
            samples.append((member.filename, value))
        elif header is None or member.filename == "header.json":
            header = an_object(value)
    if header is None:
        raise UsageError(f"{file}: the .eval file has no header; the run never started")
    return header, samples, problems


def _value(data: bytes, member: zipfile.ZipInfo, file: str, problems: list[Problem]) -> Any:  # noqa: ANN401
    try:
        return whole_texts(json.loads(_content(data, member)))
    except (ValueError, RecursionError, zipfile.BadZipFile, zlib.error, struct.error) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        problems.append(warning(file, None, member.filename, f"cannot be read: {reason}"))
        return None


def _content(data: bytes, member: zipfile.ZipInfo) -> bytes:
    if member.file_size > _LARGEST:
        raise ValueError(f"{member.file_size} bytes are too many")
    raw = _raw(data, member)
    if member.compress_type == zipfile.ZIP_STORED:
        content = raw
    elif member.compress_type == zipfile.ZIP_DEFLATED:
        content = zlib.decompressobj(-15).decompress(raw, member.file_size + 1)
    elif member.compress_type == _ZSTANDARD:
        content = _unzstandard(raw, member.file_size)
    else:
        raise ValueError(f"compressed by method {member.compress_type}")
    if len(content) != member.file_size or zlib.crc32(content) != member.CRC:
        raise ValueError("the bytes are damaged")
    return content


def _raw(data: bytes, member: zipfile.ZipInfo) -> bytes:
    """The member's compressed bytes, behind its local header."""
    fields = _LOCAL_HEADER.unpack_from(data, member.header_offset)
    if fields[0] != b"PK\x03\x04":
        raise zipfile.BadZipFile("no member where the table of contents says")
    start = member.header_offset + _LOCAL_HEADER.size + fields[-2] + fields[-1]
    return data[start : start + member.compress_size]


def _unzstandard(raw: bytes, size: int) -> bytes:
    try:
        import zstandard  # noqa: PLC0415  # only for logs that need it
    except ImportError:
        raise UsageError(
            "this .eval file needs Zstandard: pip install model-rightsizing[review]"
        ) from None
    try:
        return zstandard.ZstdDecompressor().stream_reader(raw).read(size + 1)
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from None


_LETTERS = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
_MODEL_FAULTS = {
    "content_filter": "content filter",
    "max_tokens": "length",
    "model_length": "length",
}


def read_log(data: bytes, *, file: str) -> ImportedAnswers:
    """Read one log, whichever its format.

    Raises:
        UsageError: the file is no log of inspect_ai, or no sample of it can be read.
    """
    if is_archive(data):
        header, samples, problems = read_archive(data, file=file)
    else:
        header = an_object(as_json(data, file=file))
        samples = [(f"samples[{i}]", s) for i, s in enumerate(a_list(header.get("samples")))]
        problems = []
    model = _model(an_object(header.get("eval")))
    if model is None:
        raise UsageError(f"{file}: no log of inspect_ai (it names no model under `eval`)")
    reader = _Reader(file=file, model=model, problems=problems)
    if header.get("status") != "success":
        reader.tell("status", f"the run ended as {header.get('status')!r}, not success")
    reader.read(samples)
    reader.tell_rest()
    return ImportedAnswers(
        tool="inspect_ai",
        grader="inspect_ai: " + (", ".join(sorted(reader.scorers)) or "no scorer"),
        answers=tuple(reader.answers),
        cases=tuple(reader.cases.values()),
        problems=tuple(reader.problems),
        tools=reader.tools.text() if reader.called or reader.single else None,
    )


@dataclass(slots=True, kw_only=True)
class _Reader:
    file: str
    model: str
    problems: list[Problem]
    answers: list[ImportedAnswer] = field(default_factory=list[ImportedAnswer])
    cases: dict[str, Case] = field(default_factory=dict[str, Case])
    scorers: set[str] = field(default_factory=set[str])
    seen: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])
    several: bool = False
    messages: MessageReader = field(default_factory=MessageReader)
    tools: ToolsSeen = field(default_factory=ToolsSeen)
    called: int = 0
    """Samples whose answer is a tool call."""
    single: int = 0
    """Samples of one call of the model: what it was asked with is what the feature is asked."""
    others: Counter[str] = field(default_factory=Counter[str])
    """By further model that a sample used, the samples."""

    def read(self, samples: Iterable[tuple[str, object]]) -> None:
        """Read every sample; raises `UsageError` when not one can be read."""
        for where, sample in samples:
            self.take(where, an_object(sample))
        if not self.answers:
            reason = f"; first: {self.problems[0].message}" if self.problems else ""
            raise UsageError(f"{self.file}: no sample could be read{reason}")

    def take(self, where: str, data: Object) -> None:
        identity, epoch = data.get("id"), a_count(data.get("epoch", 1))
        content = self.messages.input(data)
        named = isinstance(identity, int) or (isinstance(identity, str) and identity.strip())
        if not named or not epoch or content is None:
            self.tell(where, "no id, epoch or input: not a sample of inspect_ai")
            return
        key = (str(identity), epoch - 1)
        if key in self.seen:
            self.tell(where, f"sample {key[0]!r} stands twice in epoch {epoch}")
            return
        case = _case(key[0], content, data)
        if self.cases.setdefault(case.id, case) != case:
            self.tell(where, f"sample {case.id!r} has another input or target than before")
            return
        self.seen.add(key)
        self.answers.append(self.answer(where, data, key))

    def answer(self, where: str, data: Object, key: tuple[str, int]) -> ImportedAnswer:
        output = an_object(data.get("output"))
        text, calls, fault, broken = _ending(data, output)
        self.tools.take(data)
        self.called += calls is not None
        several = _turns_of(data) > 1
        self.single += not several
        used = an_object(data.get("model_usage"))
        self.others.update(str(name) for name in used if name != self.model and used[name])
        score = None if fault or broken else self.score(where, data)
        ungraded = text is None and calls is None and score is None and not fault
        return ImportedAnswer(
            case_id=key[0],
            model=self.model,
            repeat=key[1],
            ending="failed" if fault else "missing" if broken or ungraded else "answered",
            text=text,
            tool_calls=calls,
            score=score,
            reason=fault or broken or ("neither an answer nor a score" if ungraded else None),
            usage=_usage(self.counts(data, output, several=several)),
            seconds=_seconds(data, output, several=several),
            served_model=a_text(output.get("model")),
            at=a_moment(data.get("started_at")),
        )

    def score(self, where: str, data: Object) -> float | None:
        scores = an_object(data.get("scores"))
        if not scores:
            return None
        name, first = next(iter(scores.items()))
        self.scorers.add(str(name))
        if len(scores) > 1 and not self.several:
            self.several = True
            others = ", ".join(str(each) for each in list(scores)[1:])
            self.tell("scores", f"the grade is that of {name}; {others}: not read")
        value = an_object(first).get("value")
        found = _LETTERS.get(value) if isinstance(value, str) else a_score(value)
        if found is None:
            self.tell(where, f"score {json.dumps(value)[:40]} of {name} is not in [0, 1]")
        return found

    def counts(self, data: Object, output: Object, *, several: bool) -> Object:
        """The tokens of all the model's calls in the sample; of its one call where it made one."""
        whole = an_object(an_object(data.get("model_usage")).get(self.model))
        return whole if whole and several else an_object(output.get("usage")) or whole

    def tell_rest(self) -> None:
        """Tell what the cases and the costs do not hold."""
        for what, count in sorted(self.messages.lost.items()):
            self.tell("input", f"{what}: not kept, in {plural(count, 'sample')}")
        for name, count in sorted(self.others.items()):
            message = f"{plural(count, 'sample')} used {name}, too: its tokens are not in the costs"
            self.tell("model_usage", message)
        for name in sorted(self.tools.differing):
            self.tell("tools", f"{name} is declared differently in some samples; the first counts")
        if self.called and not self.tools.by_name:
            self.tell("tools", "the log does not say how the tools that were called are declared")

    def tell(self, where: str, message: str) -> None:
        self.problems.append(warning(self.file, None, where, message))


_Ending: TypeAlias = "tuple[str | None, str | None, str | None, str | None]"


def _ending(data: Object, output: Object) -> _Ending:
    """The answer's text; its tool calls; why the model is at fault; why the world is."""
    choices = a_list(output.get("choices"))
    text = a_text(output.get("completion"))
    message = an_object(an_object(choices[0]).get("message")) if choices else {}
    if text is None:
        text = text_of(message.get("content"))
    calls = calls_of(message)
    stop = a_text(an_object(choices[0]).get("stop_reason")) if choices else None
    if data.get("error") or output.get("error") or stop == "error":
        return None, None, None, "error in inspect_ai"
    fault = _MODEL_FAULTS.get(stop or "")
    if fault:
        return text, calls, fault, None
    return text, calls, None, None if choices or text else "no answer"


def _case(identity: str, content: str | tuple[Turn, ...], data: Object) -> Case:
    target = data.get("target")
    right = [target] if isinstance(target, str) else [t for t in a_list(target) if t]
    texts = [str(each) for each in right if each != ""]
    metadata = an_object(data.get("metadata"))
    return Case(
        id=identity,
        input=content,
        target=texts[0] if texts else None,
        also_right=tuple(texts[1:]),
        choices=tuple(str(each) for each in a_list(data.get("choices"))),
        metadata=tuple(
            sorted(
                (str(k), v if isinstance(v, str) else json.dumps(v)) for k, v in metadata.items()
            )
        ),
    )


def _turns_of(data: Object) -> int:
    """How often the model answered in a sample; answers that its input holds do not count."""
    counted = [
        sum(an_object(turn).get("role") == "assistant" for turn in a_list(data.get(key)))
        for key in ("messages", "input")
    ]
    return counted[0] - counted[1]


def _seconds(data: Object, output: Object, *, several: bool) -> float | None:
    """The time of the model's one call; of several, the sample's."""
    if not several:
        return a_duration(output.get("time"))
    working = a_duration(data.get("working_time"))
    return a_duration(data.get("total_time")) if working is None else working


_NO_MODEL = "none/none"


def _model(run: Object) -> str | None:
    """The model that was evaluated; where roles alone name one, that one."""
    named = a_text(run.get("model"))
    if named != _NO_MODEL:
        return named
    roles = list(an_object(run.get("model_roles")).values())
    found = [a_text(each) or a_text(an_object(each).get("model")) for each in roles]
    return found[0] if len(found) == 1 and found[0] else named


def _usage(counts: Object) -> TokenUsage | None:
    given, made = a_count(counts.get("input_tokens")), a_count(counts.get("output_tokens"))
    read = a_count(counts.get("input_tokens_cache_read")) or 0
    written = a_count(counts.get("input_tokens_cache_write")) or 0
    total = a_count(counts.get("total_tokens"))
    if given is None or made is None:
        return None
    beside = given + read + written
    if total is not None and total not in {given + made, beside + made}:
        # Counts that no reading brings to their total tell nothing.
        return None
    return usage(
        {
            "input_tokens": given if total == given + made else beside,
            "output_tokens": made,
            "cache_read_tokens": read,
            "cache_write_tokens": written,
            "reasoning_tokens": a_count(counts.get("reasoning_tokens")),
        }
    )
