"""ROUGE-1 as promptfoo gives it: the share of words in common (Lin 2004), by Penn Treebank words.

The tokens are those of the Penn Treebank's conventions. Which side a double quote opens is left
out: a reference that has one is told at import, and in an answer it is one token on either side.
"""

from __future__ import annotations

import re
from collections import Counter

_SPACE = re.compile("[\\s\u0085\ufeff]+")
_STEPS = (
    (re.compile(r"``|''|\""), " '' "),
    (re.compile(r"\.{3}"), " ... "),
    (re.compile(r"[:,](?!\d)"), r" \g<0> "),
    (re.compile(r"[;@#$%&]"), r" \g<0> "),
    (re.compile(r"([^.])(?<!\b[A-Za-z]\.[A-Za-z])(\.)([\])}>'\s]*)\Z"), r"\1 \2\3 "),
    (re.compile(r"[?!]"), r" \g<0> "),
    (re.compile(r"[\][(){}<>]"), r" \g<0> "),
    (re.compile("--"), " -- "),
)
_ENDINGS = (
    (re.compile("([^'])' "), r"\1 ' "),
    (re.compile("'([sSmMdD]) "), r" '\1 "),
    (re.compile("('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) "), r" \1 "),
)
_CONTRACTIONS = tuple(
    re.compile(rf"(?<![\w\u200c\u200d])({first})({second})(?![\w\u200c\u200d])", re.IGNORECASE)
    for first, second in (
        *(("can", "not"), ("d", "'ye"), ("gim", "me"), ("gon", "na"), ("got", "ta")),
        *(("lem", "me"), ("more", "'n"), ("wan", "na"), ("'t", "is"), ("'t", "was")),
    )
)


def has_quotes(text: str) -> bool:
    """Whether a text has double quotes, whose sides promptfoo tells apart."""
    return any(quote in text for quote in ('"', "``", "''"))


def rouge_1(answer: str, reference: str) -> float:
    """The F measure of the words in common, whatever their case."""
    own, wanted = treebank_words(answer.lower()), treebank_words(reference.lower())
    if not own or not wanted:
        return 0.0
    common = (Counter(own) & Counter(wanted)).total()
    if not common:
        return 0.0
    less, more = sorted((common / len(own), common / len(wanted)))
    # In this order of operations, so that what lies on a threshold rounds as it does there.
    return less if less == more else min(more, less * (2 / (1 + less / more)))


def treebank_words(text: str) -> list[str]:
    """Words and punctuation.

    >>> treebank_words("I can't, it cannot.")
    ['I', 'ca', "n't", ',', 'it', 'can', 'not', '.']
    """
    text = _SPACE.sub(" ", text).strip(" ")
    for pattern, instead in _STEPS:
        text = pattern.sub(instead, text)
    text = f" {text} "
    for pattern, instead in _ENDINGS:
        text = pattern.sub(instead, text)
    for pattern in _CONTRACTIONS:
        text = pattern.sub(r" \1 \2 ", text)
    return [word for word in text.split(" ") if word]
