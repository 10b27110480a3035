"""What a spreadsheet calls its columns: the common names in six languages, most telling first."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

_INPUTS = (
    *("frage", "anfrage", "eingabe", "nachricht", "anliegen", "aufgabe"),
    *("entree", "requete", "demande", "texte", "pregunta", "consulta", "entrada", "texto"),
    *("mensaje", "domanda", "richiesta", "testo", "messaggio", "vraag", "invoer", "bericht"),
    *("tekst", "pergunta", "mensagem"),
)
_TARGETS = (
    *("expected answer", "expected output", "correct answer", "erwartete antwort", "erwartet"),
    *("richtige antwort", "soll", "sollwert", "musterlosung", "reponse attendue", "attendu"),
    *("resultat attendu", "bonne reponse", "respuesta esperada", "esperado", "esperada"),
    *("respuesta correcta", "risposta attesa", "atteso", "attesa", "risposta corretta"),
    *("verwacht antwoord", "verwacht", "juiste antwoord", "resposta esperada", "antwort", "losung"),
    *("ergebnis", "reponse", "respuesta", "risposta", "antwoord", "resposta", "kategorie"),
    *("categorie", "categoria", "klasse", "etikett", "etiquette", "etiqueta"),
)
_IDS = (
    *("kennung", "nummer", "nr", "no", "identifiant", "numero", "identificador"),
    *("identificativo", "kenmerk", "fall", "cas", "caso", "geval"),
)
_ANSWERS = (
    *("antwort", "reponse", "respuesta", "risposta", "antwoord", "resposta", "output"),
    *("response", "completion", "ausgabe", "sortie", "salida", "uscita", "uitvoer"),
)
FOR_CASES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"id": _IDS, "input": _INPUTS, "target": _TARGETS}
)
"""Names of a case table's columns in other languages; English ones are known elsewhere."""
FOR_ANSWERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "case": ("case id", "id", "fall", "cas", "caso", "geval", *_IDS),
        "model": ("modell", "modele", "modelo", "modello", "provider"),
        "answer": _ANSWERS,
        "score": ("punkte", "note", "puntuacion", "punteggio", "grade"),
        "input": ("question", "prompt", *_INPUTS),
        "target": ("expected", *(name for name in _TARGETS if name not in _ANSWERS)),
        "input_tokens": ("input tokens", "prompt tokens", "tokens ein", "tokens in"),
        "output_tokens": ("output tokens", "completion tokens", "tokens aus", "tokens out"),
        "seconds": ("sekunden", "secondes", "segundos", "secondi", "seconden"),
    }
)
"""Further names of an answer table's columns, by the name that we use."""

TARGET_NAMES = (
    "target", "expected", "label", "ideal", "expected_output", "answer", "gold", "ground_truth",
    "category", "class",
)  # fmt: skip
"""Names of the column with the right answer, most telling first."""
_SAYS_RIGHT = frozenset({"correct", "expected", "ideal", "gold", "golden", "true", "right"})
_SAYS_TARGET = frozenset({"label", "target"})

_SHARE = re.compile(r"0?\.\d+|[01](?:\.\d*)?")


def folded_header(name: str) -> str:
    """A column's name without accents, in small letters, its words apart by one space.

    >>> folded_header("R\u00e9ponse_attendue "), folded_header("Ticket-Nr.")
    ('reponse attendue', 'ticket nr')
    """
    bare = unicodedata.normalize("NFKD", name)
    letters = "".join(letter for letter in bare if not unicodedata.combining(letter))
    return " ".join(re.split(r"[\s_./-]+", letters.casefold().replace("\ufeff", ""))).strip()


def named_as(header: Iterable[str], names: Sequence[str]) -> str | None:
    """The column with the first of these names; None where there is none."""
    by_form: dict[str, str] = {}
    for name in header:
        by_form.setdefault(folded_header(name), name)
    return next((by_form[name] for name in names if name in by_form), None)


def named_as_target(header: Iterable[str]) -> str | None:
    """The column with the right answer: by its whole name, else the only one whose words say so.

    >>> named_as_target(["ticket_text", "correct_label"]), named_as_target(["text", "label_id"])
    ('correct_label', None)
    """
    names = list(header)
    by_lower = {name.lower(): name for name in names}
    found = next((by_lower[name] for name in TARGET_NAMES if name in by_lower), None)
    found = found or named_as(names, FOR_CASES["target"])
    words = {name: folded_header(name).split() for name in names}
    several = [name for name in names if len(words[name]) > 1]
    right = [name for name in several if words[name][0] in _SAYS_RIGHT]
    right = right or [name for name in several if words[name][-1] in _SAYS_TARGET]
    return found or (right[0] if len(right) == 1 else None)


def own_names(header: Sequence[str], rows: Sequence[Sequence[str]] = ()) -> list[str]:
    """A table of answers' header in our own names; a column that is named so already stays.

    Marks of a school, or remarks, are no scores: a score's cells are all from 0 to 1.
    """
    found = list(header)
    for own, names in FOR_ANSWERS.items():
        other = None if own in found else named_as(found, names)
        if other is not None and (own != "score" or _are_shares(found.index(other), rows)):
            found[found.index(other)] = own
    return found


def _are_shares(at: int, rows: Sequence[Sequence[str]]) -> bool:
    """Whether a column's cells are numbers from 0 to 1, as far as they are filled."""
    cells = [row[at].strip().replace(",", ".") for row in rows if at < len(row)]
    filled = [cell for cell in cells if cell]
    return bool(filled) and all(_SHARE.fullmatch(cell) and float(cell) <= 1 for cell in filled)
