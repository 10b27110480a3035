"""One case and one rung become one trial."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import asdict, dataclass, replace
from mimetypes import guess_type
from typing import TYPE_CHECKING

from evalsets.prompts import PromptError, render_prompt
from harness.config.fingerprints import fingerprint
from harness.costing.attempts import upper_bound
from harness.costing.batch_rates import batch_rates
from harness.errors import UsageError
from harness.trials import Trial
from providers.request import ImagePart, Message, ModelRequest, ToolCall

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal
    from pathlib import Path

    from evalsets.cases import Case, Turn
    from harness.config.files import FeatureConfig
    from harness.plan.ladder import Rung
    from harness.trials import Purpose
    from providers.request import Tool

SHORTEST_WAIT_S, LONGEST_WAIT_S = 120.0, 900.0
SLOWEST_TOKENS_PER_S = 20
"""An answer that is not streamed comes in one piece, after its last token: a slow model's longest
answer is waited for, or every attempt at it would be paid and thrown away."""

WIRE_ONLY = ("timeout_s", "deadline_s", "stream")
"""Fields of a request that do not determine its answer."""


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

    def request(self, rung: Rung, case: Case, purpose: Purpose) -> ModelRequest:
        """What is sent for one case.

        Raises:
            UsageError: the rung's prompt cannot be filled in for this case.
        """
        asked = self.config.request
        latency = self.config.latency
        return ModelRequest(
            model=rung.version,
            messages=self._messages(rung, case),
            max_output_tokens=asked.max_output_tokens,
            temperature=asked.temperature,
            seed=asked.seed,
            stop=asked.stop,
            schema=self.schema if rung.sends_schema else None,
            tools=self.tools,
            effort=rung.effort,
            service_tier=asked.service_tier,
            stream=purpose == "latency",
            timeout_s=_patience_s(asked.max_output_tokens),
            deadline_s=latency.deadline_s if latency else None,
            extra_body=json.dumps(rung.config.extra_body) if rung.config.extra_body else None,
        )

    def trial(
        self, rung: Rung, case: Case, repeat: int, purpose: Purpose, *, batch: bool = False
    ) -> Trial:
        """The trial of one case, with its fingerprint and the most that one attempt may cost.

        `batch`: it goes with a batch of the vendor's. The same trial live has its fingerprint.
        """
        request = self.request(rung, case, purpose)
        return Trial(
            fingerprint=fingerprint(
                {
                    "served": rung.served_identity(),
                    "request": {k: v for k, v in asdict(request).items() if k not in WIRE_ONLY},
                    "case": case.id,
                    "repeat": repeat,
                    "purpose": purpose,
                }
            ),
            feature=self.feature,
            option=rung.option,
            case_id=case.id,
            repeat=repeat,
            purpose=purpose,
            endpoint=rung.endpoint,
            request=request,
            reserve_usd=reserve(rung, request, batch=batch),
            batch=batch,
        )

    def _messages(self, rung: Rung, case: Case) -> tuple[Message, ...]:
        try:
            turns = render_prompt(rung.prompt.text, case)
        except PromptError as error:
            raise UsageError(f"{rung.prompt.path}: case {case.id}: {error}") from error
        messages = tuple(_message(turn, self.folder) for turn in turns)
        if self.config.request.cache_prompt and len(messages) > 1:
            marked = replace(messages[-2], cache=True)
            messages = (*messages[:-2], marked, messages[-1])
        return messages


def reserve(rung: Rung, request: ModelRequest, *, batch: bool = False) -> Decimal:
    """The most that one attempt at a request may cost, USD."""
    return upper_bound(
        input_bytes=input_bytes(request),
        max_output_tokens=request.max_output_tokens,
        rates=batch_rates(rung.priced()) if batch else rung.priced(),
        max_input_tokens=rung.config.max_input_tokens,
    )


def input_bytes(request: ModelRequest) -> int:
    """UTF-8 bytes of all that a request carries: at least as many as its tokens."""
    texts = [request.schema or "", request.extra_body or ""]
    texts += [f"{tool.name}{tool.description}{tool.parameters}" for tool in request.tools]
    for message in request.messages:
        texts += [message.text, *(image.data for image in message.images)]
        texts += [f"{call.name}{call.arguments}" for call in message.tool_calls]
    return sum(len(text.encode()) for text in texts)


def _patience_s(max_output_tokens: int) -> float:
    """Seconds to wait for the next byte."""
    longest = max_output_tokens / SLOWEST_TOKENS_PER_S
    return min(max(SHORTEST_WAIT_S, longest), LONGEST_WAIT_S)


def _message(turn: Turn, folder: Path) -> Message:
    calls: list[Mapping[str, str]] = json.loads(turn.tool_calls) if turn.tool_calls else []
    return Message(
        role=turn.role,
        text=turn.content,
        images=tuple(_image(folder, name) for name in turn.images),
        tool_calls=tuple(
            ToolCall(id=call["id"], name=call["name"], arguments=call["arguments"])
            for call in calls
        ),
        tool_call_id=turn.tool_call_id,
    )


def _image(folder: Path, name: str) -> ImagePart:
    """An image of the eval set's folder, or one that stands in the case itself (`data:`)."""
    if name.startswith("data:"):
        media_type, _, data = name.removeprefix("data:").partition(";base64,")
        return ImagePart(media_type=media_type, data=data)
    path = folder / name
    media_type = guess_type(path.name)[0] or "application/octet-stream"
    return ImagePart(media_type=media_type, data=b64encode(path.read_bytes()).decode())
