"""A program's call as a trial of its own, and that trial's outcome as a reply."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from harness.ask.programs.protocol import Given, MadeCall, ModelNames, ProgramPlace
from harness.ask.programs.wires import VENDOR_WIRES
from harness.journal.trials import Answered, CallingProgram, FaultKind, Outcome, RoleModel, Trial
from harness.workspace.fingerprints import fingerprint
from providers.answer import as_object
from providers.request import Message, ModelRequest, PassedRequest

REFUSED = 400
STATUSES: Mapping[str, int] = {
    FaultKind.RATE_LIMITED: 429,
    FaultKind.OVERLOADED: 503,
    FaultKind.TIMED_OUT: 504,
    FaultKind.CONNECTION_FAILED: 502,
    FaultKind.BROKEN_BODY: 502,
    FaultKind.WORKER_LOST: 502,
    FaultKind.AUTH_REJECTED: 401,
    FaultKind.MODEL_NOT_FOUND: 404,
}
"""HTTP status by the reason that a call got no reply; any other reason is a 400."""
CODES: Mapping[str, str] = {
    FaultKind.PROMPT_TOO_LONG: "context_length_exceeded",
    FaultKind.CONTENT_BLOCKED: "content_filter",
}
"""Codes of OpenAI's that programs look for."""


def place_of(program: CallingProgram) -> ProgramPlace:
    """A program as a worker starts it."""
    return ProgramPlace(
        command=program.command,
        folder=program.folder,
        sha256=program.sha256,
        timeout_s=program.timeout_s,
        max_calls=program.max_calls,
        environment=program.environment,
        outside=program.outside,
        version=program.version,
        url=program.url,
    )


def names_of(model: RoleModel) -> ModelNames:
    """A model as a worker knows it."""
    wires = VENDOR_WIRES[model.endpoint.vendor]
    api = model.endpoint.api
    return ModelNames(
        role=model.role,
        names=model.names,
        wires=wires,
        api=api if api in wires else min(wires),
        vendor=model.endpoint.vendor,
        option=model.option,
        longest=model.longest,
        omit=model.omit,
    )


def call_of(trial: Trial, model: RoleModel, called: MadeCall, number: int) -> Trial:
    """A program's call as a trial: the same request to the model that stands in for the role.

    `number` counts equal requests of one trial: each is answered anew.
    """
    body = _body(model, called)
    longest = model.longest if called.max_output_tokens is None else called.max_output_tokens
    request = ModelRequest(
        model=model.version,
        messages=(Message(role="user", text=body),),
        max_output_tokens=longest,
        stream=called.streamed,
        timeout_s=model.timeout_s,
        passed=PassedRequest(
            body=body,
            path=called.path,
            headers=called.headers,
            api_version=called.api_version,
        ),
    )
    return Trial(
        fingerprint=fingerprint(
            {
                "trial": trial.fingerprint,
                "model": model.version,
                "call": sameness(called),
                "number": number,
            }
        ),
        feature=trial.feature,
        option=model.option,
        case_id=trial.case_id,
        repeat=trial.repeat,
        purpose="call",
        endpoint=replace(model.endpoint, api=called.wire),
        request=request,
        reserve_usd=model.bound(body, longest),
        part_of=trial.fingerprint,
        role=model.role,
    )


def _body(model: RoleModel, called: MadeCall) -> str:
    """The program's body with the model's name; a stream of chat chunks is asked for its counts."""
    body: dict[str, object] = json.loads(called.body)
    if called.wire != "generate-content":
        body["model"] = model.version
    if called.wire == "chat" and called.streamed:
        stated = body.get("stream_options")
        body["stream_options"] = {**as_object(stated), "include_usage": True}
    for name in model.omit:
        for place, key in _PARAMETERS[name]:
            (as_object(body.get(place)) if place else body).pop(key, None)
    return json.dumps(body, ensure_ascii=False)


_PARAMETERS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "temperature": (("", "temperature"), ("generationConfig", "temperature")),
    "seed": (("", "seed"), ("generationConfig", "seed")),
    "stop": (("", "stop"), ("", "stop_sequences"), ("generationConfig", "stopSequences")),
    "top_p": (("", "top_p"), ("generationConfig", "topP")),
    "top_k": (("", "top_k"), ("generationConfig", "topK")),
    "frequency_penalty": (
        ("", "frequency_penalty"),
        ("generationConfig", "frequencyPenalty"),
    ),
    "presence_penalty": (("", "presence_penalty"), ("generationConfig", "presencePenalty")),
    "service_tier": (("", "service_tier"), ("", "serviceTier")),
}
"""Where each wire has what a model's `omit` names: in which object of the body, under which key."""


def sameness(called: MadeCall) -> str:
    """What makes two calls of a trial equal."""
    return fingerprint(
        {
            "role": called.role,
            "wire": called.wire,
            "path": called.path,
            "body": json.loads(called.body),
            "headers": list(called.headers),
            "streamed": called.streamed,
        }
    )


def given(session: str, number: int, outcome: Outcome) -> Given:
    """The reply to a call, for its program."""
    if isinstance(outcome, Answered):
        return Given(session=session, call=number, document=outcome.text)
    return Given(
        session=session,
        call=number,
        document=None,
        status=STATUSES.get(outcome.reason, REFUSED),
        problem=f"the call brought no reply: {outcome.reason}",
        code=CODES.get(outcome.reason),
    )
