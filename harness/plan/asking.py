"""Turns a case and an option into a trial."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from functools import cache, lru_cache
from mimetypes import guess_type
from pathlib import Path
from typing import Any, cast

from evalsets.cases import Case, Turn
from evalsets.documents import decoded
from evalsets.prompts import PromptError, render_prompt
from harness.errors import UsageError
from harness.journal.trials import Purpose, Trial
from harness.money.prices.attempts import upper_bound
from harness.money.prices.document_rates import document_bound
from harness.money.prices.image_rates import image_bound
from harness.money.prices.image_sizes import image_kind
from harness.money.prices.rates import batch_rates
from harness.plan.decisions.questions import (
    case_turns,
    decides,
    longest_answer,
    question,
    question_text,
)
from harness.plan.planned_options import PlannedOption
from harness.plan.programs import PlannedProgram, line_of, longest_of
from harness.workspace.feature_file import FeatureConfig
from harness.workspace.fingerprints import fingerprint, without_absent
from harness.workspace.model_file import known_to_refuse
from harness.workspace.patterns import time_limit
from harness.workspace.prompts import PromptFile
from providers.request import DocumentPart, ImagePart, Message, ModelRequest, Tool, ToolCall

SHORTEST_WAIT_S, LONGEST_WAIT_S = 120.0, 900.0
SLOWEST_TOKENS_PER_S = 20
"""An answer that is not streamed arrives after its last token. The time-out allows for a slow
model's longest answer; otherwise every attempt at it would be paid for and thrown away."""

_WIRE_ONLY = ("timeout_s", "deadline_s", "stream", "passed")
"""Request fields that do not change the answer; left out of the fingerprint."""
_LATER = ("question", "logprobs")
"""Fields that came later: who states none keeps the fingerprint."""


def asked_facts(request: ModelRequest) -> dict[str, object]:
    """What of a request determines its answer, for a fingerprint."""
    stated = {
        name: value
        for name in _names(ModelRequest)
        if name not in _WIRE_ONLY and name != "messages"
        if (value := _plain(getattr(request, name))) or name not in _LATER
    }
    stated["messages"] = _message_facts(request)
    return stated


def _message_facts(request: ModelRequest) -> list[dict[str, object]]:
    return [without_absent(_facts(each)) for each in request.messages]


@cache
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind))


def _facts(value: object) -> dict[str, object]:
    """As `dataclasses.asdict` has it, which copies every text and takes thrice as long."""
    return {name: _plain(getattr(value, name)) for name in _names(type(value))}


def _plain(value: object) -> object:
    if value is None or isinstance(value, str | float | int):
        return value
    if isinstance(value, tuple):
        return tuple(_plain(each) for each in cast("tuple[object, ...]", value))
    return _facts(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wire:
    """What one option's requests have in common."""

    rung: PlannedOption
    stated: dict[str, Any]
    facts: dict[str, object]
    """As `asked_facts` has them, without a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Makes the trials of one feature.

    `folder` is the eval set's, for images, schemas and tools; `schema` and `tools` are their texts.
    """

    feature: str
    config: FeatureConfig
    folder: Path
    schema: str | None
    tools: tuple[Tool, ...]
    program: PlannedProgram | None = None
    """The program that asks the models; None: the engine asks."""
    labels: tuple[str, ...] = ()
    """The closed list of answers, which a decision model is asked to choose from."""
    _wires: dict[tuple[int, Purpose], _Wire] = field(
        default_factory=dict[tuple[int, Purpose], "_Wire"], init=False, repr=False, compare=False
    )

    def request(self, rung: PlannedOption, case: Case, purpose: Purpose) -> ModelRequest:
        """What is sent for one case.

        Raises:
            UsageError: the rung's prompt cannot be filled in for this case.
        """
        if self.program is not None:
            return _handed_over(rung, case)
        if decides(rung.config):
            return self._decision(rung, case, purpose)
        return ModelRequest(messages=self._messages(rung, case), **self._wire(rung, purpose).stated)

    def _wire(self, rung: PlannedOption, purpose: Purpose) -> _Wire:
        known = self._wires.get((id(rung), purpose))
        if known is None or known.rung is not rung:
            stated = self._stated(rung, purpose)
            facts = asked_facts(ModelRequest(messages=(), **stated))
            known = _Wire(rung=rung, stated=stated, facts=facts)
            self._wires[id(rung), purpose] = known
        return known

    def _stated(self, rung: PlannedOption, purpose: Purpose) -> dict[str, Any]:
        """The fields of a request that are the same for every case."""
        asked = self.config.request
        latency = self.config.latency
        without = self._left_out(rung)
        return {
            "model": rung.version,
            "max_output_tokens": rung.longest(self.config),
            "temperature": None if "temperature" in without else asked.temperature,
            "seed": None if "seed" in without else asked.seed,
            "stop": () if "stop" in without else asked.stop,
            "schema": self.schema if rung.sends_schema else None,
            "tools": self.tools,
            "effort": rung.effort,
            "service_tier": None if "service_tier" in without else asked.service_tier,
            "stream": purpose == "latency",
            "timeout_s": self._patience_s(rung),
            "deadline_s": latency.deadline_s if latency else None,
            "extra_body": json.dumps(rung.config.extra_body) if rung.config.extra_body else None,
            "logprobs": any(one.sure and one.first == rung.name for one in self.config.cascades),
        }

    def trial(
        self, rung: PlannedOption, case: Case, repeat: int, purpose: Purpose, *, batch: bool = False
    ) -> Trial:
        """The trial of one case, with its fingerprint and the most that one attempt may cost.

        `batch`: it is sent in a vendor's batch; the fingerprint is that of the live trial.
        """
        request = self.request(rung, case, purpose)
        # Each call of a program sets its own bound aside.
        usd = reserve(rung, request, batch=batch) if self.program is None else Decimal(0)
        return self._trial(rung, request, (case.id, repeat, purpose), reserve_usd=usd, batch=batch)

    def answered_trial(self, rung: PlannedOption, case: Case, repeat: int) -> Trial:
        """The trial that an answer at hand is of: nothing is sent, so that no price is needed."""
        request = self.request(rung, case, "quality")
        return self._trial(rung, request, (case.id, repeat, "quality"), reserve_usd=Decimal(0))

    def _trial(
        self,
        rung: PlannedOption,
        request: ModelRequest,
        of: tuple[str, int, Purpose],
        *,
        reserve_usd: Decimal,
        batch: bool = False,
    ) -> Trial:
        (case_id, repeat, purpose), program = of, self.program
        return Trial(
            fingerprint=fingerprint(
                {
                    "served": rung.served_identity(),
                    "request": self._asked_facts(rung, request, purpose),
                    "case": case_id,
                    "repeat": repeat,
                    "purpose": purpose,
                    **({"program": program.identity(rung)} if program else {}),
                }
            ),
            feature=self.feature,
            option=rung.name,
            case_id=case_id,
            repeat=repeat,
            purpose=purpose,
            endpoint=rung.endpoint,
            request=request,
            reserve_usd=reserve_usd,
            batch=batch,
            program=program.asked_with(rung, self.config) if program else None,
        )

    def _asked_facts(
        self, rung: PlannedOption, request: ModelRequest, purpose: Purpose
    ) -> dict[str, object]:
        """As the function of this name; what all of an option's requests share is known."""
        if self.program is not None or decides(rung.config):
            return asked_facts(request)
        return self._wire(rung, purpose).facts | {"messages": _message_facts(request)}

    def served(self, addresses: Mapping[str, str]) -> Asker:
        """The same with a program's other models at the addresses where they were started."""
        if self.program is None:
            return self
        return replace(self, program=self.program.served(addresses))

    def _left_out(self, rung: PlannedOption) -> frozenset[str]:
        """Parameters that the model refuses; an answer that came by a file was asked elsewhere."""
        stated = frozenset(rung.config.omit)
        if self.config.answers == "imported":
            return stated
        return stated | known_to_refuse(rung.config.provider, rung.version)

    def _patience_s(self, rung: PlannedOption) -> float:
        """Time-out for the next byte, seconds: what is stated, the shorter of both."""
        stated = [one for one in (self.config.timeout_s, rung.config.timeout_s) if one is not None]
        longest = rung.longest(self.config) / SLOWEST_TOKENS_PER_S
        return min(stated, default=min(max(SHORTEST_WAIT_S, longest), LONGEST_WAIT_S))

    def _decision(self, rung: PlannedOption, case: Case, purpose: Purpose) -> ModelRequest:
        """One typed question about the case; what steers a text (a seed, `stop`) has no place."""
        latency = self.config.latency
        with _filling_in(rung.prompt, case):
            asked = question(self.labels, rung.prompt.text, case)
        return ModelRequest(
            model=rung.version,
            messages=tuple(message_of(turn, self.folder) for turn in case_turns(case)),
            max_output_tokens=max(self.config.request.max_output_tokens, longest_answer(asked)),
            stream=purpose == "latency",
            timeout_s=self._patience_s(rung),
            deadline_s=latency.deadline_s if latency else None,
            extra_body=json.dumps(rung.config.extra_body) if rung.config.extra_body else None,
            question=asked,
        )

    def _messages(self, rung: PlannedOption, case: Case) -> tuple[Message, ...]:
        turns = _filled_in(rung.prompt, case)
        messages = tuple(message_of(turn, self.folder) for turn in turns)
        if self.config.request.cache_prompt and len(messages) > 1:
            marked = replace(messages[-2], cache=True)
            messages = (*messages[:-2], marked, messages[-1])
        return messages


@lru_cache(maxsize=64)
def _filled_in(prompt: PromptFile, case: Case) -> tuple[Turn, ...]:
    """What a case makes of a prompt; the next option asks the same, as a rule."""
    with _filling_in(prompt, case):
        return render_prompt(prompt.text, case)


@contextmanager
def _filling_in(prompt: PromptFile, case: Case) -> Generator[None]:
    try:
        with time_limit(f"{prompt.path}: case {case.id}"):
            yield
    except PromptError as error:
        raise UsageError(f"{prompt.path}: case {case.id}: {error}") from error


BYTES_PER_TOKEN = 4
"""Of English text under common tokenizers; for estimates of the bill, never for bounds."""


def likely_input(rung: PlannedOption, request: ModelRequest) -> int:
    """Expected tokens of a request: four bytes a token, documents by pages, images by size."""
    files = document_bound(rung.config, request, likely=True)
    files += image_bound(rung.config, request, likely=True)
    return input_bytes(request) // BYTES_PER_TOKEN + 1 + files


def _handed_over(rung: PlannedOption, case: Case) -> ModelRequest:
    """What a program is given, as the request of its trial."""
    return ModelRequest(
        model=rung.version,
        messages=(Message(role="user", text=line_of(case)),),
        max_output_tokens=longest_of(rung),
    )


def reserve(rung: PlannedOption, request: ModelRequest, *, batch: bool = False) -> Decimal:
    """The most that one attempt at a request may cost, USD."""
    return most_usd(rung, most_input(rung, request), request.max_output_tokens, batch=batch)


def most_input(rung: PlannedOption, request: ModelRequest) -> int:
    """An upper bound of a request's input tokens, without what the vendor adds."""
    files = document_bound(rung.config, request) + image_bound(rung.config, request)
    return input_bytes(request) + files


def most_usd(
    rung: PlannedOption, input_tokens: int, output_tokens: int, *, batch: bool = False
) -> Decimal:
    """The most that one attempt may cost with so many tokens, USD."""
    return upper_bound(
        input_bytes=input_tokens,
        max_output_tokens=output_tokens,
        rates=batch_rates(rung.priced()) if batch else rung.priced(),
        max_input_tokens=rung.config.max_input_tokens,
    )


def input_bytes(request: ModelRequest) -> int:
    """UTF-8 bytes of a request's texts: an upper bound of their tokens."""
    texts = [request.schema or "", request.extra_body or ""]
    texts += [f"{tool.name}{tool.description}{tool.parameters}" for tool in request.tools]
    texts += [question_text(request.question)] if request.question else []
    for message in request.messages:
        texts += [message.text, *(f"{call.name}{call.arguments}" for call in message.tool_calls)]
    return sum(len(text) if text.isascii() else len(text.encode()) for text in texts)


def message_of(turn: Turn, folder: Path) -> Message:
    """A turn as it is sent, its files read from the eval set's folder."""
    if not (turn.images or turn.documents or turn.tool_calls):
        return Message(role=turn.role, text=turn.content, tool_call_id=turn.tool_call_id)
    calls: list[Mapping[str, str]] = json.loads(turn.tool_calls) if turn.tool_calls else []
    return Message(
        role=turn.role,
        text=turn.content,
        images=tuple(_image(folder, name) for name in turn.images),
        documents=tuple(_document(folder, name) for name in turn.documents),
        tool_calls=tuple(
            ToolCall(id=call["id"], name=call["name"], arguments=call["arguments"])
            for call in calls
        ),
        tool_call_id=turn.tool_call_id,
    )


def _image(folder: Path, name: str) -> ImagePart:
    """An image file of the eval set's folder, or a `data:` URI of the case.

    Its kind is what its bytes say: vendors refuse a file that is called another.
    """
    if name.startswith("data:"):
        called, _, data = name.removeprefix("data:").partition(";base64,")
        return ImagePart(media_type=image_kind(decoded(name)) or called, data=data)
    read = (folder / name).read_bytes()
    called = guess_type(name)[0] or "application/octet-stream"
    return ImagePart(media_type=image_kind(read) or called, data=b64encode(read).decode())


def _document(folder: Path, name: str) -> DocumentPart:
    """A PDF of the eval set's folder, or of the case itself."""
    if name.startswith("data:"):
        return DocumentPart(data=name.partition(";base64,")[2])
    return DocumentPart(data=b64encode((folder / name).read_bytes()).decode())
