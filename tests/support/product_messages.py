"""The demo's messages to a shop in which one product is named, written by a seed.

    python -m tests.support.product_messages SEED COUNT FILE

The committed cases are those of the seed `2026-Q4`. The feature's prompts were fixed on cases of
other seeds, which were thrown away.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

SEED = "2026-Q4"
COUNT = 200
ALIKE = 0.7
"""Share of common words at which a message is not written a second time."""

_PRODUCTS = (
    "kettle lamp coat knife tent toaster backpack scarf mirror clock camera printer guitar "
    "umbrella helmet carpet blender radio wallet ladder pillow bicycle stroller drill suitcase "
    "keyboard blanket bucket drum fan fridge glove hat heater iron jacket jug mattress "
    "microphone mug piano rake razor saw scale shirt shovel skirt speaker stool sweater "
    "telescope towel tray tripod vacuum vase watch whistle wheelbarrow"
)
PRODUCTS = tuple(_PRODUCTS.split())
_PLACES = (
    "Lisbon Oslo Dublin Vienna Madrid Prague Athens Warsaw Geneva Naples Hamburg Lyon Bristol "
    "Turin Ghent Malmo Cork Graz Porto Basel"
)
PLACES = tuple(_PLACES.split())
PEOPLE = (
    "my sister",
    "my neighbour",
    "our teacher",
    "my grandfather",
    "a colleague",
    "my wife",
    "the caretaker",
    "my son",
    "our landlady",
    "a friend of mine",
    "my flatmate",
    "our choir",
)
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
FAULTS = (
    "broke after two days",
    "smells of burnt plastic",
    "arrived with a deep scratch",
    "is far too small for us",
    "makes a strange noise",
    "has never worked properly",
    "came in the wrong colour",
    "fell apart in my hands",
    "is missing two screws",
    "was left out in the rain",
    "stopped working on Sunday",
    "is heavier than you promised",
    "has a crack on one side",
    "was used before, I am sure",
    "came without any manual",
    "looks nothing like the picture",
)
WISHES = (
    "a refund",
    "a new one",
    "my money back",
    "a spare part",
    "a repair",
    "an answer from you",
    "a voucher",
    "another colour",
    "the invoice for it",
    "a longer warranty",
    "a discount",
    "the manual in French",
)
COMPLAINTS = (
    "The {product} that I bought in {place} {fault}. I would like {wish}.",
    "My {product} {fault}. Can I get {wish}?",
    "{person} bought a {product} from you and it {fault}.",
    "Hello, my {product} {fault} and I want {wish}.",
    "I returned the {product} on {day} because it {fault}. Where is {wish}?",
    "Your {product} {fault}, so please send {wish}.",
    "This {product} {fault}. {person} has the same one without any trouble.",
    "It is a shame: the {product} {fault}, and nobody in {place} can help.",
    "{person} gave me a {product} for my birthday. It {fault}.",
    "I paid for a {product} and it {fault}. I expect {wish} by {day}.",
    "We have had this {product} for a week. It {fault}. Is {wish} possible?",
    "After one trip to {place} the {product} {fault}. What now?",
)
QUESTIONS = (
    "Do you still sell this {product}? {person} in {place} would like one.",
    "Is the {product} in stock in {place}? {person} asks.",
    "Is there somebody in {place} who repairs a {product}?",
    "I am looking for a {product} for {person}. What do you have?",
    "How do I clean the {product}? {person} is afraid to ruin it.",
    "How long is the warranty on a {product} that was bought in {place}?",
    "Which {product} would you give to {person}?",
    "Can {person} try the {product} in your shop in {place} on {day}?",
    "Does the {product} come with a box? It is a present for {person}.",
    "What does a {product} cost if {person} picks it up on {day}?",
)
ORDERS = (
    "{person} ordered a {product} in May. It has not come, please send {wish}.",
    "Can you send a {product} to {place}? {person} needs it by {day}.",
    "The {product} should have come on {day}. {person} waited at home for it.",
    "Please bring the {product} to {place} instead, {person} has moved there.",
    "I would like to cancel the {product}, {person} has found one in {place}.",
    "Please leave the {product} with {person}, I am in {place} until {day}.",
    "I ordered one {product} and you sent two. May {person} keep the second?",
    "The driver took the {product} back to {place} on {day}. Send it again, please.",
)
KINDS = {"complaint": COMPLAINTS, "question": QUESTIONS, "order": ORDERS}
CLOSINGS = ("", "", "", " Thank you.", " Best regards from {place}.", " Please call me on {day}.")


def messages(seed: str, count: int) -> Iterator[dict[str, object]]:
    """So many cases, no two of them nearly alike."""
    rng, told = Random(seed), list[frozenset[str]]()  # texts, no secret
    while len(told) < count:
        kind = rng.choice(tuple(KINDS))
        product = rng.choice(PRODUCTS)
        text = _message(rng.choice(KINDS[kind]) + rng.choice(CLOSINGS), product, rng)
        words = frozenset(re.findall(r"\w+", text.lower()))
        if all(len(words & other) < ALIKE * len(words | other) for other in told):
            told.append(words)
            yield {
                "id": f"pro-{len(told):03d}",
                "input": text,
                "target": product,
                "metadata": {"kind": kind},
            }


def _message(frame: str, product: str, rng: Random) -> str:
    text = frame.format(
        product=product,
        place=rng.choice(PLACES),
        person=rng.choice(PEOPLE),
        day=rng.choice(DAYS),
        fault=rng.choice(FAULTS),
        wish=rng.choice(WISHES),
    )
    return re.sub(r"(^|[.?!] )([a-z])", lambda found: found[0].upper(), text)


def main(seed: str, count: str, file: str) -> int:
    """Write them, one case a line."""
    lines = [json.dumps(case) for case in messages(seed, int(count))]
    Path(file).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
