"""Which desk a ticket goes to: a note of what it is about, then the desk for ticket and note."""

from __future__ import annotations

import json
import sys

from openai import OpenAI

MODEL = "qwen2.5-coder-1.5b"
NOTE = "Say in at most eight words what this support ticket is about."
DESK = """\
Desk for a support ticket, one word:
billing: charges, invoices, prices
technical: errors, crashes, features that fail
account: login, password, profile, users
shipping: parcels, delivery"""
EXAMPLES = (
    ("The courier left the box at the wrong house. (parcel delivered to a neighbour)", "shipping"),
    ("The screen stays black after I press play. (video does not start)", "technical"),
    ("Please change the name on my profile. (wants another profile name)", "account"),
    ("I was charged although I cancelled. (charge after cancelling)", "billing"),
)


def ask(client: OpenAI, longest: int, *turns: tuple[str, str]) -> str:
    """One call; the text of its answer."""
    reply = client.chat.completions.create(
        model=MODEL,
        messages=[{"role": role, "content": text} for role, text in turns],
        max_tokens=longest,
        temperature=0,
    )
    return (reply.choices[0].message.content or "").strip()


def desk_of(client: OpenAI, ticket: str) -> str:
    """The chain."""
    note = ask(client, 16, ("system", NOTE), ("user", ticket)).split("\n", 1)[0]
    shown = [turn for text, desk in EXAMPLES for turn in (("user", text), ("assistant", desk))]
    asked = ("user", f"{ticket} ({note})")
    return ask(client, 6, ("system", DESK), *shown, asked).split("\n", 1)[0].lower()


def main() -> None:
    """One case a line in, one answer a line out."""
    client = OpenAI()
    for line in sys.stdin:
        case = json.loads(line)
        answer = {"id": case["id"], "answer": desk_of(client, case["input"])}
        print(json.dumps(answer), flush=True)  # noqa: T201  # the answer


if __name__ == "__main__":
    main()
