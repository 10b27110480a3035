"""`groundedness` on pairs that were written for it, and by its laws."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from time import process_time
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from evalsets.cases import Case, FoundText, ScorerSpec
from harness.errors import UsageError
from harness.judge.scoring.catalogue import find_scorer, is_binary, needs_target
from harness.judge.scoring.grounded.scorer import is_refusal
from tests.support.laws import law

PAIRS = Path(__file__).with_name("grounded_pairs.yaml")
BLIND = "nothing of it can be seen without understanding"


def _scorer(**options: object) -> Any:
    return find_scorer(ScorerSpec(scorer="groundedness", options=json.dumps(options)))


def _case(context: list[Any] | None, **more: Any) -> Case:
    passages = None
    if context is not None:
        passages = tuple(
            FoundText(text=each) if isinstance(each, str) else FoundText(**each) for each in context
        )
    facts = {"id": "c", "input": "q", "target": None, "metadata": (), **more}
    return Case(context=passages, **facts)


def _pairs() -> list[tuple[Case, str, str, str]]:
    found: list[tuple[Case, str, str, str]] = []
    for group in yaml.safe_load(PAIRS.read_text(encoding="utf-8")):
        stated = (("answerable", "false"),) if group.get("none") else ()
        case = _case(group["context"], metadata=stated)
        found += [(case, *pair) for pair in group["pairs"]]
    return found


def test_every_written_pair_has_its_verdict() -> None:
    pairs = _pairs()
    count = Counter(verdict for _, verdict, _, _ in pairs)
    assert len(pairs) >= 200
    assert min(count["right"], count["wrong"]) >= 80
    assert count["judge"] >= 15, BLIND
    scorer = _scorer()
    missed = [
        (kind, answer)
        for case, verdict, kind, answer in pairs
        if scorer.score(case, answer) != (0.0 if verdict == "wrong" else 1.0)
    ]
    assert not missed


_GROUPS = {"en": ",.", "de": ".,", "fr": " ,", "ch": "'."}


@st.composite
def _numbers(draw: st.DrawFn) -> str:
    """A number as some locale writes it."""
    group, point = _GROUPS[draw(st.sampled_from(sorted(_GROUPS)))]
    whole = draw(st.integers(1, 10**9))
    text = f"{whole:,}".replace(",", group) if draw(st.booleans()) else str(whole)
    decimals = draw(st.sampled_from(["", "5", "25", "125", "0625"]))
    return f"{text}{point}{decimals}" if decimals else text


_UNITS = ["", " %", " EUR", " kg", " days", " million", " Prozent", " km/h", "\u00a0€"]
_BEFORE = ["", "$", "€ ", "USD ", "CHF "]


@law
@given(_numbers(), st.sampled_from(_UNITS), st.sampled_from(_BEFORE), st.sampled_from(_UNITS))
def test_a_number_that_is_copied_is_always_found(
    number: str, unit: str, before: str, other: str
) -> None:
    figure = f"{before}{number}{unit}" if not (before and "E" in unit) else f"{number}{unit}"
    case = _case(["Nothing here.", f"It was {figure}, and 7{other} more; then it ended."])
    assert _scorer().score(case, f"The text says {figure}.") == 1.0
    assert _scorer().score(case, f"So it is {figure} in all") == 1.0


@law
@given(_numbers(), st.data(), st.sampled_from(_UNITS))
def test_a_changed_digit_is_never_found(number: str, data: st.DataObject, unit: str) -> None:
    places = [at for at, sign in enumerate(number) if sign.isdigit()]
    at = data.draw(st.sampled_from(places))
    digit = data.draw(st.sampled_from([d for d in "0123456789" if d != number[at]]))
    changed = f"{number[:at]}{digit}{number[at + 1 :]}"
    case = _case([f"It was {number}{unit} in all."])
    assert _scorer().score(case, f"It was {number}{unit}.") == 1.0
    assert _scorer().score(case, f"It was {changed}{unit}.") == 0.0


_MARKS = ["“{}”", "„{}“", "«{}»", "« {} »", '"{}"', "»{}«", "「{}」", "> {}"]
_SAID = ["the", "old", "mill", "by", "a", "river", "was", "sold", "twice"]
_WORDS = st.lists(st.sampled_from(_SAID), min_size=6, max_size=12)


@law
@given(_WORDS, st.data(), st.sampled_from(_MARKS))
def test_a_quoted_span_is_found_and_a_changed_word_is_not(
    words: list[str], data: st.DataObject, marks: str
) -> None:
    case = _case([" ".join(words) + "."])
    start = data.draw(st.integers(0, len(words) - 3))
    end = data.draw(st.integers(start + 3, len(words)))
    span = words[start:end]
    assert _scorer().score(case, f"It says:\n{marks.format(' '.join(span))}") == 1.0
    shortened = [*span[:1], "…", *span[-1:]]
    assert _scorer().score(case, f"It says:\n{marks.format(' '.join(shortened))}") == 1.0
    at = data.draw(st.integers(0, len(span) - 1))
    wrong = [*span[:at], "bridge", *span[at + 1 :]]
    assert _scorer().score(case, f"It says:\n{marks.format(' '.join(wrong))}") == 0.0


@law
@given(
    st.lists(st.from_regex(r"[a-z]{2,5}-\d{1,3}", fullmatch=True), min_size=1, unique=True),
    st.data(),
)
def test_an_id_of_a_passage_may_be_cited_and_another_of_its_form_not(
    ids: list[str], data: st.DataObject
) -> None:
    case = _case([{"id": each, "text": "Doors close at noon."} for each in ids])
    mine = data.draw(st.sampled_from(ids))
    other = data.draw(st.from_regex(r"[a-z]{2,5}-\d{1,3}", fullmatch=True))
    assume(other not in ids)
    for form in ("[{}]", "({})", "[{}, " + mine + "]", "【{}】", "\nSources: {}"):
        assert _scorer().score(case, f"At noon {form.format(mine)}") == 1.0
        assert _scorer().score(case, f"At noon {form.format(other)}") == 0.0


@pytest.mark.parametrize(
    ("metadata", "grounded"),
    [
        ('["Doors close at 5 pm."]', True),
        ('[{"page_content": "Doors close at 5 pm.", "source": "a"}]', True),
        ("Doors close at 5 pm.", True),
        ('["Doors close at 6 pm."]', False),
    ],
)
@pytest.mark.parametrize("key", ["context", "contexts", "retrieved_contexts", "documents"])
def test_a_context_in_the_metadata_is_found(key: str, metadata: str, grounded: bool) -> None:  # noqa: FBT001
    case = _case(None, metadata=((key, metadata),))
    assert _scorer().score(case, "They close at 17:00.") == float(grounded)


def test_a_case_without_a_context_is_told_what_to_do() -> None:
    with pytest.raises(
        UsageError, match=r"case 'c' has no `context`; list its passages, or `\[\]`"
    ):
        _scorer().score(_case(None), "yes")
    with pytest.raises(UsageError, match="has no metadata 'notes'"):
        _scorer(context="notes").score(_case(["x"]), "yes")


def test_its_options() -> None:
    case = _case(["The fee is 40 euros."], input="Is the fee of 2025 still 40 euros?")
    assert _scorer().score(case, "In 2025 it is 40 euros.") == 0.0
    assert _scorer(question=True).score(case, "In 2025 it is 40 euros.") == 1.0
    assert _scorer(checks=["quotes"]).score(case, "In 2025 it is 41 euros.") == 1.0
    assert _scorer(cite=r"<(\w+)>").score(case, "40 euros <1>") == 1.0
    assert _scorer(cite=r"<(\w+)>").score(case, "40 euros <2>") == 0.0
    assert _scorer(refusals=["pass"]).score(_case([]), "Pass!") == 1.0
    with pytest.raises(UsageError, match="checks"):
        _scorer(checks=["names"])
    spec = ScorerSpec(scorer="groundedness")
    assert is_binary(spec)
    assert not needs_target(spec)


@pytest.mark.parametrize(
    "target", ["I don't know.", "unanswerable", "", "Das steht nicht im Kontext."]
)
def test_a_target_may_say_that_there_is_no_answer(target: str) -> None:
    case = _case(["The fee is 40 euros."], target=target)
    assert _scorer().score(case, "The context does not say.") == 1.0
    assert _scorer().score(case, "40 euros") == 0.0


def test_an_empty_answer_and_one_that_is_only_thought_are_wrong() -> None:
    for answer in ("", "  ", "<think>40 euros"):
        assert _scorer().score(_case(["The fee is 40 euros."]), answer) == 0.0


REFUSALS = """
I don't know.
I do not have enough information to answer.
The context does not say what a night costs.
The provided documents do not mention a return fee.
I'm sorry, but the provided context does not contain information about the price.
Unfortunately, I cannot answer this question based on the given documents.
The answer is not available in the provided context.
There is no information about opening hours in the passages.
No relevant information found.
Not stated.
N/A
This is not mentioned in the text.
The sources are silent on this.
The text says nothing about pets.
Nothing was found about this.
It cannot be determined from the context.
Das steht nicht im Kontext.
Der Kontext enthält dazu keine Angaben.
Dazu liegen mir keine Informationen vor.
Ich weiß es nicht.
Tut mir leid, ich kann diese Frage nicht beantworten.
Der Preis wird in den Dokumenten nicht genannt.
Keine Angabe.
Le contexte ne précise pas le prix.
Je ne sais pas.
Désolé, je ne trouve pas cette information dans les documents.
L'information n'est pas disponible.
El contexto no menciona el precio.
No lo sé.
No hay información sobre esto.
Il contesto non indica il prezzo.
Non lo so.
Dat staat niet in de documenten.
Ik weet het niet.
O contexto não informa o preço.
Não sei.
"""
NO_REFUSALS = """
We do not provide refunds.
We do not have a store in Rome.
The policy does not cover flood damage.
Pets are not allowed, as stated in the documents.
There is no charge on weekends.
No, dogs are not allowed.
No information is shared with third parties.
You cannot return opened goods.
I'm afraid dogs are not allowed.
The fee is not refundable.
A receipt is not needed.
Wir können Hunde nicht aufnehmen.
Hunde sind nicht erlaubt.
Es gibt keine Rückerstattung.
Die Gebühr wird nicht erstattet.
No hay descuentos.
No se admiten perros.
Non sono ammessi cani.
Er is geen korting.
Il n'y a pas de frais.
Les chiens ne sont pas admis.
Cães não são permitidos.
The contract does not contain a break clause.
Members do not know the door code in advance.
A night costs 18 euros. The text does not say whether food is included.
You don't have to register.
The warranty does not include batteries.
No.
"""


def test_a_refusal_is_told_from_an_answer_that_denies_something() -> None:
    refused, answered = REFUSALS.strip().splitlines(), NO_REFUSALS.strip().splitlines()
    assert [each for each in refused if not is_refusal(each)] == []
    assert [each for each in answered if is_refusal(each)] == []


@pytest.mark.parametrize("piece", ["'a ", "the ", "1 ", "[1-99] ", "\u201ca "])
def test_a_hostile_answer_takes_no_time(piece: str) -> None:
    began = process_time()
    _scorer().score(_case(["Doors close at 5 pm."]), piece * 6_000)
    assert process_time() - began < 10
