"""Which desk a ticket goes to: a note of what it is about, then the desk, in one conversation."""

from __future__ import annotations

import json
import sys

from openai import OpenAI

MODEL = "qwen2.5-coder-1.5b"
RULES = """\
Say in a few words what a support ticket is about, then name its desk, one word:
billing: charges, invoices, prices
technical: errors, crashes, features that fail
account: login, password, profile, users
shipping: parcels, delivery"""
NEXT = "Desk: billing, technical, account or shipping?"
EXAMPLES = (
    ("The courier left the box at the wrong house.", "parcel at a neighbour", "shipping"),
    ("The screen stays black after I press play.", "video does not start", "technical"),
    ("Please change the name on my profile.", "another profile name", "account"),
    ("I was charged although I cancelled.", "charge after cancelling", "billing"),
)


def turn(role: str, text: str) -> dict[str, str]:
    """One turn of the conversation."""
    return {"role": role, "content": text}


def ask(client: OpenAI, longest: int, said: list[dict[str, str]]) -> str:
    """One call; the first line of its answer."""
    reply = client.chat.completions.create(
        model=MODEL, messages=said, max_tokens=longest, temperature=0
    )
    return (reply.choices[0].message.content or "").strip().split("\n", 1)[0]


def desk_of(client: OpenAI, ticket: str) -> str:
    """The chain. What all tickets share comes first: a server computes it once."""
    said = [turn("system", RULES)]
    for text, note, desk in EXAMPLES:
        said += [turn("user", text), turn("assistant", note), turn("user", NEXT)]
        said += [turn("assistant", desk)]
    said += [turn("user", ticket)]
    said += [turn("assistant", ask(client, 8, said)), turn("user", NEXT)]
    return ask(client, 4, said).lower()


def main() -> None:
    """One case a line in, one answer a line out."""
    client = OpenAI()
    for line in sys.stdin:
        case = json.loads(line)
        answer = {"id": case["id"], "answer": desk_of(client, case["input"])}
        print(json.dumps(answer), flush=True)  # noqa: T201  # the answer


if __name__ == "__main__":
    main()
