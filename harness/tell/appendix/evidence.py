"""The appendix's evidence: models as asked and as served, cases, spending, hashes, history.

A server may answer under another form of the name that was asked; `others_served` tells forms of
one name from another model or version.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from harness.record.life import OptionLife
from harness.record.model import DecisionRecord
from harness.record.parts import Evidence, Target
from harness.record.trust import AnswersFacts, EvalSetFacts
from harness.tell.page.missing import drift_text
from harness.tell.words import count, day, pairs, points, series, table
from harness.wording import DASH, in_points, plural, usd
from reports.document import Block, Code, Paragraph, Section

_ROUTE = re.compile(
    r"^(?:[a-z-]+\.)?(?:amazon|anthropic|cohere|deepseek|meta|mistral|openai|qwen)\."
)
_REVISION = re.compile(r"-v\d+(?::\d+)?$")
_SNAPSHOT = re.compile(r"-(20\d{6}|20\d\d-\d\d-\d\d|\d{4}|0\d\d)$")
_NEWEST = "-latest"


def others_served(target: Target) -> list[str]:
    """The served names that are another model or version than the one that was asked.

    A vendor answers an alias by the dated version behind it; a server that we start answers by the
    name of its weights.
    """
    asked = {target.version, *([target.served_as] if target.served_as else ())}
    return [name for name in target.served_versions if not any(_same(one, name) for one in asked)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Name:
    model: str
    snapshot: str | None
    """The date as digits; None: an alias, which matches any snapshot."""


def _same(asked: str, served: str) -> bool:
    one, other = _name(asked), _name(served)
    alike = one.snapshot is None or other.snapshot is None or one.snapshot == other.snapshot
    return one.model == other.model and alike


def _name(text: str) -> _Name:
    """Split a name, stripped of its route: folder, cloud region, vendor and revision."""
    bare = text.strip().lower().rpartition("/")[2].replace("@", "-")
    bare = _REVISION.sub("", _ROUTE.sub("", bare)).removesuffix(_NEWEST)
    found = _SNAPSHOT.search(bare)
    if found is None:
        return _Name(model=bare, snapshot=None)
    return _Name(model=bare[: found.start()], snapshot=found[1].replace("-", ""))


def evidence_sections(record: DecisionRecord) -> list[Section]:
    """Models as asked, eval set, traffic, spending, hashes and the decision's history."""
    return [
        Section(anchor="models", title="Models as they were asked", blocks=_models(record)),
        Section(anchor="cases", title="Cases and traffic", blocks=_cases(record)),
        Section(anchor="provenance", title="Provenance", blocks=_provenance(record)),
        Section(anchor="history", title="Decision", blocks=_history(record)),
    ]


def _models(record: DecisionRecord) -> tuple[Block, ...]:
    named = [("today", record.current), *(("option", o.target) for o in record.options)]
    made = table(
        "Another version than the one asked for is flagged",
        (
            "model",
            "role",
            "provider",
            "asked as",
            "answered as",
            "effort",
            "region",
            "prompt",
            "prompt hash",
            "settings hash",
            "retires",
        ),
        [_model_cells(role, target) for role, target in named],
    )
    found = (made, _prompts(record), _answers(record))
    return tuple(block for block in found if block is not None)


def _prompts(record: DecisionRecord) -> Paragraph | None:
    """Which options answer to another prompt than today's model; None where one is not known."""
    today = record.current.prompt_sha256
    asked = [one.target for one in record.options if one.target.prompt_sha256 is not None]
    if today is None or not asked:
        return None
    others = [target for target in asked if target.prompt_sha256 != today]
    if not others:
        text = f"Today's model and every option answer to one prompt, {today[:12]}."
        return Paragraph(lead="Prompts.", runs=(text,))
    told = "; ".join(
        f"{target.option} answers to another prompt ({target.prompt_file or DASH}, "
        f"{(target.prompt_sha256 or '')[:12]})"
        for target in others
    )
    same = len(asked) - len(others)
    rest = f"; {plural(same, 'option')} to the same" if same else ""
    own = record.current.prompt_file or DASH
    text = f"Today's model answers to {own}, {today[:12]}; {told}{rest}."
    return Paragraph(lead="Prompts.", runs=(text,))


def _answers(record: DecisionRecord) -> Paragraph | None:
    """How the answers were obtained; None where all came live."""
    answers = record.evidence.answers
    if answers is None:
        return None
    each = "; ".join(f"{one.option} {_ways(one)}" for one in answers)
    return Paragraph(lead="Answers.", runs=(f"{each}; latency always live.",))


def _ways(facts: AnswersFacts) -> str:
    ways = (
        (facts.batch, "by the vendor's batch API"),
        (facts.offline, "offline on own hardware"),
        (facts.live, "live"),
    )
    said = [f"{way} ({count(trials)})" for trials, way in ways if trials]
    return series(said) if said else "not asked"


def _model_cells(role: str, target: Target) -> tuple[str, ...]:
    served = ", ".join(target.served_versions) or DASH
    return (
        target.option,
        role,
        target.provider,
        target.model_id
        if target.version == target.model_id
        else f"{target.model_id} ({target.version})",
        f"{served}: NOT AS ASKED" if others_served(target) else served,
        target.effort or DASH,
        target.region or DASH,
        target.prompt_file or DASH,
        (target.prompt_sha256 or DASH)[:12],
        target.params_sha256[:12],
        day(target.retires_on),
    )


def _shared(used: EvalSetFacts) -> list[tuple[str, str]]:
    """What the tests of these models on these cases share, and what this one takes of it."""
    name = "error shared by the tests on these cases"
    found: list[tuple[str, EvalSetFacts | OptionLife]] = [(name, used)]
    found += [(f"{name}, of {one.option}", one) for one in used.lives or ()]
    return [(name, text) for name, one in found if (text := _taken(one))]


def _taken(tested: EvalSetFacts | OptionLife) -> str:
    life = tested.life
    if life is None:
        return ""
    which = f"test {life.test}, {life.planned} are planned" + (", again" if life.again else "")
    return (
        f"{life.promised:g} %: {which}; this one takes {life.level:.4g} %, {life.left:.4g} % left"
    )


def _cases(record: DecisionRecord) -> tuple[Block, ...]:
    used = record.evidence.eval_set
    rows = [
        ("eval set", used.id),
        ("cases", count(used.n)),
        *_alike(used),
        (
            "for prompts / as a pilot / left to decide",
            f"{used.tune} / {used.pilot} / {used.deciding}",
        ),
        ("clusters", count(used.clusters)),
        ("times used", count(used.times_used)),
        *_shared(used),
        ("where they come from", used.provenance),
        ("labels", used.targets),
        ("inputs, SHA-256", used.inputs_sha256),
        ("labels, SHA-256", used.labels_sha256 or DASH),
        *_power(record),
        *_floor(record),
    ]
    return (pairs("The eval set", rows), _traffic(record), _needed(record))


def _power(record: DecisionRecord) -> list[tuple[str, str]]:
    """What the cases can decide, and what that was rehearsed with."""
    power = record.evidence.power
    if power is None:
        return [("what it can decide", record.evidence.power_note)]
    return [
        ("what it can decide", power.note),
        ("rehearsed with looks, pilot of the cases", f"{power.looks}, {power.pilot:g}"),
    ]


def _floor(record: DecisionRecord) -> list[tuple[str, str]]:
    """The incumbent's level against the best constant answer's, on the same cases."""
    floor = record.evidence.floor
    if floor is None:
        return []
    if floor.level is None:
        return [("today's level", "not known")]
    worst = points(floor.level_lower, signed=False)
    least = "not known (one group)" if floor.level_lower is None else worst
    bound = f"{points(floor.level, signed=False)}, at worst {least}"
    drawn = " drawn at random and labelled" if floor.sampled else ""
    if floor.unlabelled is not None:
        counted = "wrong" if floor.clears else "right"
        drawn = f", {count(floor.unlabelled)} of them without a label and counted as {counted}"
    return [
        ("today's level, of 100", f"{bound}, on {count(floor.cases)} cases{drawn}"),
        ("best answer that never changes, of 100", points(floor.constant_score, signed=False)),
        ("can tell models apart", "yes" if floor.clears else "no"),
    ]


def _alike(used: EvalSetFacts) -> Iterator[tuple[str, str]]:
    """Which cases are copies or near-copies of others; empty without any."""
    if used.rows is not None:
        copies = plural(used.rows - used.n, "copy", "copies")
        yield "rows", f"{count(used.rows)}: {copies} of other rows, asked and counted once"
    if used.worth is not None:
        share = "the cases divided by 1 + the near-copies that one has on average"
        yield "near-copies", f"{used.n:,} cases worth about {used.worth:,.1f}: {share}"


def _traffic(record: DecisionRecord) -> Block:
    traffic = record.traffic
    if traffic is None:
        text = "The traffic of this feature is not known, so no monthly figure is."
        return Paragraph(lead="Traffic.", runs=(text,))
    return pairs(
        "Production traffic",
        [
            ("requests a month", count(traffic.requests_per_month)),
            ("growth a month", _growth(traffic.growth_per_month)),
            ("tokens in, mean", f"{traffic.input_tokens:,.1f}"),
            ("tokens out, mean", f"{traffic.output_tokens:,.1f}"),
            ("read from a prompt cache", f"{traffic.cached_share * 100:.1f} %"),
            ("written to a prompt cache", f"{traffic.cache_written_share * 100:.1f} %"),
            ("retries", f"{traffic.retry_rate * 100:.2f} %"),
            ("source", traffic.source),
            ("source, as evidence", record.evidence.traffic_source or DASH),
        ],
    )


def _growth(share: float) -> str:
    return f"{share * 100:+.3g} %" if share else "0 %"


def _needed(record: DecisionRecord) -> Block:
    needed = record.still_needed
    if needed is None:
        return Paragraph(lead="Still needed.", runs=("Nothing.",))
    return pairs(
        "Still needed to decide",
        [
            ("cases", count(needed.cases)),
            ("for the option", needed.option or DASH),
            ("labels", count(needed.labels)),
            *([("fewest that may decide", count(needed.fewest))] if needed.fewest else []),
            *([("or new cases alone", count(needed.new_cases))] if needed.new_cases else []),
            ("cost", usd(needed.cost_usd)),
            ("worth a month", usd(needed.worth_monthly_usd)),
            ("note", needed.note or DASH),
        ],
    )


def _imported(found: Evidence) -> str:
    part = ", in part" if found.imported_in_part else ""
    return f"{'yes' if found.imported else 'no'}{part}"


def _provenance(record: DecisionRecord) -> tuple[Block, ...]:
    found, spend = record.evidence, record.evidence.spend
    facts = pairs(
        "What the finding rests on",
        [
            ("record", f"{record.decision_id}, {record.schema_version}"),
            ("generated", f"{record.generated_at:%Y-%m-%d %H:%M} UTC"),
            ("finding", f"{record.finding.value}: {_codes(record)}"),
            ("finding, SHA-256", record.finding_sha256),
            ("plan, SHA-256", found.plan_sha256),
            ("policy, SHA-256", found.policy_sha256),
            ("seed of the order of the cases", found.seed),
            ("runs", ", ".join(found.journal_runs) or DASH),
            ("versions", ", ".join(f"{name} {version}" for name, version in found.versions)),
            ("prices of", day(found.rates_as_of)),
            ("sure to", f"{found.confidence * 100:g} %, one-sided, for all options together"),
            ("imported", _imported(found)),
        ],
    )
    cost = pairs(
        "Cost of this evaluation",
        [
            ("total", usd(spend.total_usd)),
            ("of it for the judge", usd(spend.judge_usd)),
            ("of it for embeddings", usd(spend.embedding_usd)),
            ("of it for GPUs while models loaded", usd(spend.gpu_usd)),
            ("possibly billed beside it", usd(spend.possibly_billed_usd)),
            ("saved by stopping early", usd(spend.saved_by_stopping_usd)),
            ("trials", count(spend.trials)),
            ("trials not needed", count(spend.trials_saved)),
        ],
    )
    command = f"rightsize report --cycle {record.cycle} --feature {record.feature.id}"
    again = Paragraph(lead="Recompute without a call:", runs=(Code(code=command),))
    return (facts, cost, again)


def _codes(record: DecisionRecord) -> str:
    return ", ".join(code.value for code in record.reason_codes) or DASH


def _history(record: DecisionRecord) -> tuple[Block, ...]:
    moves = table(
        f"{plural(len(record.history), 'move')} so far",
        ("when", "state", "who", "known from", "reason", "until", "approval"),
        (
            (
                f"{move.at:%Y-%m-%d %H:%M}",
                move.state.value,
                move.by,
                move.by_source,
                move.reason,
                day(move.until),
                move.link or DASH,
            )
            for move in record.history
        ),
    )
    facts = pairs("The feature and its decision", _decision_rows(record))
    return (facts,) if moves is None else (facts, moves)


def _anchor(record: DecisionRecord) -> list[tuple[str, str]]:
    """The first incumbent of the feature's life, and how far production has come from it."""
    anchor = record.anchor
    if anchor is None:
        return []
    scored = points(anchor.level, signed=False)
    rows = [
        ("first model", f"{anchor.option}, {anchor.since}, of 100: {scored}"),
        ("steps down since", str(anchor.steps)),
        ("points that they may lose together", f"{anchor.budget:g}"),
    ]
    named = ((record.current.option, anchor.drift), (anchor.next_option, anchor.next_drift))
    return rows + [
        (f"{name} against the first model", drift_text(drift))
        for name, drift in named
        if drift is not None
    ]


def _held(record: DecisionRecord) -> list[tuple[str, str]]:
    """The limit as the journal holds it since the first of these cases was asked."""
    margin = record.margin
    if margin.fixed_on is None or margin.fixed_at is None:
        return []
    held = f"{in_points(margin.fixed_at)} since {day(margin.fixed_on)}"
    return [("limit when these cases were first asked", held)]


def _decision_rows(record: DecisionRecord) -> list[tuple[str, str]]:
    facts = record.feature
    return [
        ("state", record.state.value),
        ("owner", facts.owner),
        ("team, product", f"{facts.team}, {facts.product}"),
        ("environment, cost centre", f"{facts.environment}, {facts.cost_center or DASH}"),
        ("risk, data, mode", f"{facts.risk}, {facts.data}, {facts.mode}"),
        ("tags", ", ".join(facts.tags) or DASH),
        ("production reads the model from", facts.used_in or DASH),
        ("limit", f"{in_points(record.margin.value)}, from the {record.margin.source}"),
        ("limit agreed", f"{record.margin.agreed_by or DASH}, {day(record.margin.agreed_on)}"),
        *_held(record),
        *_anchor(record),
        ("one more error costs", usd(facts.error_cost_usd)),
        ("decide by", day(record.decide_by)),
        ("evidence expires", day(record.expires_at)),
        ("etag", record.etag),
    ]
