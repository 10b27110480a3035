"""What a model can do of what a feature needs: tools, images, PDFs, a schema, its window."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from evalsets.cases import Case, EvalSet, ScorerSpec, Turn
from evalsets.documents import Pdf, PdfError, decoded, pdf_of
from evalsets.source import KeyPath
from harness.errors import Problem, UsageError
from harness.judge.scoring.judge import NAME, judge_options
from harness.money.prices.document_rates import documents_refused
from harness.money.prices.image_rates import images_refused
from harness.money.prices.image_sizes import ImageError, Picture, picture_of
from harness.money.prices.model_catalogue import facts
from harness.plan.decisions.questions import decides, why_not
from harness.workspace.feature_checks import named_options
from harness.workspace.feature_file import FeatureConfig
from harness.workspace.model_file import ModelConfig, split_option
from harness.workspace.patterns import LIMIT_S, TooLongError, time_limit
from harness.workspace.programs.checks import unsuited
from harness.workspace.reading import ParsedFile, Reading

_VENDORS = frozenset({"anthropic", "openai", "google"})
"""Whose own wires carry PDFs, to every model that takes images."""


def can(model: str, config: ModelConfig, capability: str) -> bool:
    """Whether a model has a capability; what nobody states it has, PDFs apart."""
    if config.provider == "command":
        # A program is given the messages' texts, and nothing else.
        return False
    if decides(config):
        seen = config.api == "decisions" and "images" in (config.capabilities or ("images",))
        return capability == "images" and seen
    if capability in {"images", "documents"} and config.api == "completions":
        return False
    known = facts(model, config).capabilities
    if capability != "documents" or config.capabilities is not None:
        return known is None or capability in known
    hosted = config.provider in _VENDORS and config.serve is None
    return hosted and (known is None or "images" in known)


def gap(feature: FeatureConfig, model: str, config: ModelConfig) -> str | None:
    """What the feature needs and the model cannot do; None if it can do everything."""
    if feature.program is not None:
        why = unsuited(config)
        if why is not None:
            return f"{model} {why}"
    if feature.request.tools and not can(model, config, "tools"):
        return "cannot call tools"
    if feature.program is not None:
        return None  # The traffic's tokens are those of a whole run, not of one call.
    window = facts(model, config).window_tokens
    typical = feature.traffic.input_tokens if feature.traffic else 0
    need = typical + feature.request.max_output_tokens
    if window is not None and need > window:
        return f"its window of {window:,} tokens is under the {need:,.0f} needed"
    return None


def unfit_for_cases(feature: FeatureConfig, evalset: EvalSet, config: ModelConfig) -> str | None:
    """What the cases, or how they are scored, need and a model that decides cannot do."""
    return why_not(feature, evalset, config) if decides(config) else None


def blind(evalset: EvalSet, folder: Path, model: str, config: ModelConfig) -> str | None:
    """Why a model cannot be shown every case; None if it can."""
    for case in evalset.cases:
        turns = turns_of(case)
        if any(turn.images for turn in turns):
            why = _unseen(folder, turns, model, config)
            if why is not None:
                return f"{why}, and case {case.id} has {_such(why)}"
        if any(turn.documents for turn in turns):
            why = _unread(folder, turns, model, config)
            if why is not None:
                return f"{why}, and case {case.id} has {_such(why)}"
    return None


def turns_of(case: Case) -> tuple[Turn, ...]:
    """The turns of a conversation; of a text none."""
    return () if isinstance(case.input, str) else case.input


def _broken(evalset: EvalSet, folder: Path) -> Iterator[Problem]:
    """Problems of images and PDFs that no model could be shown, each file once."""
    file = f"evalsets/{folder.name}/{evalset.cases_file}"
    told: set[str] = set()
    for case in evalset.cases:
        turns = turns_of(case)
        files = [("image", *each) for each in _images(turns)]
        files += [("document", *each) for each in _documents(turns)]
        for kind, name, sha256 in files:
            if sha256 in told:
                continue
            told.add(sha256)
            why = _fault(folder, name, sha256, looks=_LOOKS[kind])
            if why is not None:
                shown = "data:..." if name.startswith("data:") else name
                message = f"case {case.id}: the {kind} {shown!r} {why}"
                yield Problem(file=file, line=None, key="input", message=message)


def unseen_problems(
    reading: Reading, entry: ParsedFile[FeatureConfig], evalset: EvalSet, folder: Path
) -> Iterator[Problem]:
    """Files that nobody can be shown, and options that cannot; a candidate is only left out."""
    yield from _broken(evalset, folder)
    if entry.config.answers == "imported":
        return
    for key, option in named_options(entry.config):
        why = unseen_by(reading, option, evalset, folder)
        if why is not None:
            stops = key[0] == "incumbent"
            message = f"{option} {why}" if stops else f"{option} is not asked: it {why}"
            yield entry.problem(key, message, severity="error" if stops else "warning")


def unseeing_judges(
    reading: Reading,
    measures: Iterable[tuple[KeyPath, ScorerSpec]],
    evalset: EvalSet,
    folder: Path,
) -> Iterator[tuple[KeyPath, str]]:
    """Judges that cannot be shown what they judge, each with its key and why."""
    for key, spec in measures:
        if spec.scorer != NAME:
            continue
        try:
            name = judge_options(spec).model
        except UsageError:
            continue  # Told where the scorer is made.
        why = unseen_by(reading, name, evalset, folder)
        if why is not None:
            yield key, f"the judge {name} {why}: it would judge what it cannot see"


def unseen_by(reading: Reading, option: str, evalset: EvalSet, folder: Path) -> str | None:
    """Why an option cannot be shown every case; None if it can, or if it is told elsewhere."""
    name, _ = split_option(option)
    model = reading.models.get(name)
    return None if model is None else blind(evalset, folder, name, model.config)


def _unread(folder: Path, turns: Sequence[Turn], model: str, config: ModelConfig) -> str | None:
    """Why a model cannot be sent the documents of one case."""
    if not can(model, config, "documents"):
        own = config.provider == "openai-compatible" and config.capabilities is None
        hint = " (state `capabilities: [documents]` if its server does)" if own else ""
        return f"takes no PDF{hint}"
    try:
        documents: list[Pdf] = [pdf_of(folder, name, sha) for name, sha in _documents(turns)]
    except PdfError:
        return None  # Told of the file itself.
    return documents_refused(model, config, documents)


def _unseen(folder: Path, turns: Sequence[Turn], model: str, config: ModelConfig) -> str | None:
    """Why a model cannot be sent the images of one case."""
    if not can(model, config, "images"):
        return "takes no images"
    try:
        pictures = [_picture(folder, name, sha) for name, sha in _images(turns)]
    except ImageError:
        return None  # Told of the file itself.
    return images_refused(config, pictures)


def _such(why: str) -> str:
    if why.startswith("takes no"):
        return "one"
    return "a larger one" if "pixels" in why else "so much"


def _documents(turns: Sequence[Turn]) -> Iterator[tuple[str, str]]:
    for turn in turns:
        yield from zip(turn.documents, turn.document_sha256, strict=True)


def _images(turns: Sequence[Turn]) -> Iterator[tuple[str, str]]:
    for turn in turns:
        yield from zip(turn.images, turn.image_sha256, strict=True)


def _picture(folder: Path, name: str, sha256: str) -> Picture:
    """What is known of a case's image; equal files are read once.

    Raises:
        ImageError: no model could be shown it.
    """
    found = _SEEN.get(sha256)
    if found is None:
        data = decoded(name) if name.startswith("data:") else (folder / name).read_bytes()
        found = _SEEN[sha256] = picture_of(data)
    return found


_SEEN: dict[str, Picture] = {}
_LOOKS: Mapping[str, Callable[[Path, str, str], object]] = {"image": _picture, "document": pdf_of}


def _fault(
    folder: Path, name: str, sha256: str, *, looks: Callable[[Path, str, str], object]
) -> str | None:
    try:
        with time_limit("the file", LIMIT_S):
            looks(folder, name, sha256)
    except (PdfError, ImageError) as error:
        return str(error)
    except TooLongError:
        return f"takes longer than {LIMIT_S:g} s to read; save it anew"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return None
