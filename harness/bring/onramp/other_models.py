"""Models that write no text: what they are for, by their ids, and how they are found in a source.

A review compares answers, so embeddings, rerankers, speech, images and video are left out. A bill
has them all the same: a scan lists them with their number.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType

from harness.workspace.scan.texts import Use

_KINDS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        # A reranker's id often holds the name of an embedding's family, so it comes first.
        "rerankers": re.compile(r"rerank|ms-marco", re.IGNORECASE),
        "embeddings": re.compile(
            r"embed|bge-|gte-|(?:^|[-/])e5-|minilm|mpnet|voyage-|jina-clip", re.IGNORECASE
        ),
        "audio": re.compile(
            r"tts|whisper|transcribe|realtime|audio|voice|(?<![a-z])live|speech|^eleven_|sonic|chirp",
            re.IGNORECASE,
        ),
        "images": re.compile(
            r"dall-e|image|banana|imagen|diffusion|sdxl|flux|recraft|ideogram", re.IGNORECASE
        ),
        "video": re.compile(r"veo-|sora|kling", re.IGNORECASE),
        "others (moderation, OCR, search, computer use)": re.compile(
            r"moderation|ocr|search-api|computer-use", re.IGNORECASE
        ),
    }
)
_NAMES = re.compile(
    r"text-embedding-[\w.-]+|text-multilingual-embedding-[\w.-]+|gemini-embedding-[\w.-]+"
    r"|embed-(?:english|multilingual|v\d)[\w.-]*|(?:nomic|mxbai|snowflake-arctic)-embed[\w.-]*"
    r"|(?:mistral|codestral)-embed[\w.-]*|titan-embed-[\w.:-]+|jina-(?:embeddings|clip)-[\w.-]+"
    r"|voyage-[\w.-]+|(?:bge|gte|e5|multilingual-e5|qwen3-embedding)-[\w.-]+"
    r"|all-(?:minilm|mpnet)-[\w.-]+|(?:paraphrase|multi-qa)-[\w.-]+|embeddinggemma[\w.:-]*"
    r"|rerank-[\w.-]+|(?:bge|jina|mxbai|gte|qwen3)-rerank(?:er)?[\w.-]*|ms-marco-[\w.-]+"
    r"|whisper-[\w.-]+|tts-1[\w.-]*|gpt-4o[\w.-]*(?:tts|transcribe|audio|realtime)[\w.-]*"
    r"|gpt-(?:audio|realtime)[\w.-]*|eleven_[\w.-]+|nova-sonic[\w.:-]*|chirp[_-]?\d[\w.-]*"
    r"|dall-e-\d[\w.-]*|(?:gpt|chatgpt)-image-[\w.-]+|imagen-[\w.-]+|stable-diffusion-[\w.-]+"
    r"|(?:stable-image|sdxl|sd3)[\w.:-]*|flux[.-][\w.-]+|titan-image-[\w.:-]+|recraft[\w.-]+"
    r"|(?:sora|veo|kling)-[\w.-]+|(?:omni|text)-moderation-[\w.-]+|mistral-(?:ocr|moderation)[\w.-]*",
    re.IGNORECASE,
)
"""Ids that no catalogue of text models needs to list."""


class WithOthers(Collection[str]):
    """Known ids of models, and every id by which a model that writes no text is known."""

    def __init__(self, ids: Collection[str]) -> None:
        self._ids = ids

    def __contains__(self, name: object) -> bool:
        """Whether a text is such an id."""
        return name in self._ids or (isinstance(name, str) and bool(_NAMES.fullmatch(name)))

    def __iter__(self) -> Iterator[str]:
        """The ids that are listed."""
        return iter(self._ids)

    def __len__(self) -> int:
        """How many are listed."""
        return len(self._ids)


def other_kind(model_id: str) -> str | None:
    """What a model is for that writes no text; None for one that does.

    >>> other_kind("text-embedding-3-small"), other_kind("bge-reranker-v2-m3"), other_kind("gpt-5")
    ('embeddings', 'rerankers', None)
    """
    return next((kind for kind, known in _KINDS.items() if known.search(model_id)), None)


def other_lines(uses: Iterable[Use]) -> Iterator[str]:
    """One line for each kind: how many places, of which models."""
    found: dict[str, Counter[str]] = {kind: Counter() for kind in _KINDS}
    for use in uses:
        kind = other_kind(use.model_id)
        if kind is not None:
            found[kind][use.model_id] += 1
    for kind, models in found.items():
        if models:
            listed = ", ".join(f"{name} ({count})" for name, count in sorted(models.items()))
            yield f"{kind}: {sum(models.values())}, not reviewed: {listed}"
