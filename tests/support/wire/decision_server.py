"""The wires of decision models: OpenAI's `/decisions`, and `/systemone`.

Bodies follow `openai.types.decision` and docs.ollama.com/api/systemone. A reply's text is JSON: the
probability of each option of a question, of a predicate that of `true`; `null` is a refusal.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.wire.openai_server import OpenAIServer, responses_usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.wire.reply import Body, Reply
    from tests.support.wire.server import Call

_Told = dict[str, float] | None


def peakedness(told: Mapping[str, float]) -> float:
    """What servers call confidence: 1 where one option has it all, 0 where all are alike."""
    even = 1 / len(told)
    return (max(told.values()) - even) / (1 - even)


def decision_answer(question: Body, told: _Told) -> Body:
    """An answer of OpenAI's wire."""
    kind, name = question["type"], question.get("name")
    if told is None:
        return {"type": "refusal", "name": name}
    if kind == "predicate":
        return {"type": kind, "name": name, "probability": told["true"]}
    if kind == "choice":
        values = [one["value"] for one in question["choices"]]
        return {
            "type": kind,
            "name": name,
            "choice": max(told, key=lambda value: told[value]),
            "confidence": peakedness(told),
            "probabilities": [{"value": each, "probability": told[each]} for each in values],
        }
    labels = [one["label"] for one in question["levels"]]
    return {
        "type": kind,
        "name": name,
        "score": sum(place * told[label] for place, label in enumerate(labels)),
        "confidence": peakedness(told),
        "probabilities": [
            {"label": label, "value": place, "probability": told[label]}
            for place, label in enumerate(labels)
        ],
    }


def systemone_answer(question: Body, told: dict[str, float]) -> Body:
    """An answer of System One's wire."""
    kind = question["type"]
    if kind == "noul":
        return {"type": kind, "noul": told["true"]}
    if kind == "choice":
        return {
            "type": kind,
            "choice": max(told, key=lambda value: told[value]),
            "probabilities": {label: told[label] for label in question["criteria"]},
            "confidence": peakedness(told),
        }
    levels = question["criteria"]
    return {
        "type": kind,
        "score": sum(place * told[level] for place, level in enumerate(levels)),
        "legend": {str(place): level for place, level in enumerate(levels)},
        "probabilities": {str(place): told[level] for place, level in enumerate(levels)},
        "confidence": peakedness(told),
    }


class DecisionServer(OpenAIServer):
    """A scripted server of decision models, and of the chat models beside them."""

    chat_paths = (*OpenAIServer.chat_paths, "/v1/decisions", "/v1/systemone")

    def document(self, call: Call, reply: Reply) -> Body:
        """The whole body, by path."""
        if not call.path.endswith(("/decisions", "/systemone")):
            return super().document(call, reply)
        told = json.loads(reply.text)
        model = reply.model or call.body["model"]
        usage = responses_usage(reply)
        if call.path.endswith("/decisions"):
            answers: object = [decision_answer(one, told) for one in call.body["questions"]]
        else:
            answers = {
                name: systemone_answer(question, told)
                for name, question in call.body["questions"].items()
                if told is not None
            }
            if reply.usage is not None:
                usage = {
                    "input_tokens": reply.usage.input_tokens,
                    "output_tokens": reply.usage.output_tokens,
                }
        document = {"model": model, "answers": answers}
        return document if usage is None else document | {"usage": usage}
