"""A program's trial: the case's line, and the models that it may ask, each with its bound."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path

from evalsets.cases import Case, Turn
from harness.ask.programs.wires import VENDOR_WIRES
from harness.errors import UsageError
from harness.journal.trials import CallingProgram, RoleModel
from harness.money.prices.attempts import attempt_cost, upper_bound
from harness.money.prices.document_rates import passed_documents
from harness.money.prices.image_rates import passed_images
from harness.money.prices.model_catalogue import facts
from harness.plan.planned_options import PlannedOption, plan_option
from harness.wording import listed
from harness.workspace.feature_file import FeatureConfig, ProgramConfig, Traffic
from harness.workspace.model_file import known_to_refuse
from harness.workspace.programs.digests import Surroundings, program_folder
from harness.workspace.workspace import Workspace
from providers.completion import TokenUsage

SHORTEST_WAIT_S, LONGEST_WAIT_S, SLOWEST_TOKENS_PER_S = 120.0, 900.0, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedProgram:
    """A feature's program, and the models beside the one under test."""

    config: ProgramConfig
    folder: Path
    sha256: str
    outside: Surroundings
    incumbent: PlannedOption
    others: tuple[tuple[str, PlannedOption], ...]
    """By role."""

    def asked_with(self, rung: PlannedOption, feature: FeatureConfig) -> CallingProgram:
        """The program with an option in the incumbent's place.

        Raises:
            UsageError: nothing bounds what a call to one of its models may cost.
        """
        names = frozenset({self.incumbent.model, self.incumbent.version})
        models = [_role_model(rung, None, names, feature)]
        models += [
            _role_model(other, role, frozenset({other.model, other.version}), feature)
            for role, other in self.others
        ]
        return CallingProgram(
            command=self.config.command,
            folder=str(self.folder),
            sha256=self.sha256,
            instances=self.config.instances,
            max_calls=self.config.max_calls,
            timeout_s=self.config.timeout_s,
            environment=self.config.environment,
            outside=self.outside.runs,
            version=self.config.version,
            url=self.config.url,
            models=tuple(models),
        )

    def served(self, addresses: Mapping[str, str]) -> PlannedProgram:
        """The same program with its other models at the addresses where they were started."""
        others = tuple(
            (role, other.served_at(addresses[other.model]) if other.model in addresses else other)
            for role, other in self.others
        )
        return replace(self, others=others)

    def worst_usd(self, rung: PlannedOption) -> Decimal:
        """The most that one trial may cost: every call as dear as the dearest can be."""
        asked = (rung, *(other for _, other in self.others))
        dearest = max(call_bound(one, window_of(one), longest_of(one)) for one in asked)
        return dearest * self.config.max_calls

    def identity(self, rung: PlannedOption) -> dict[str, object]:
        """What of the program determines an answer."""
        return {
            "sha256": self.sha256,
            "outside": {"runs": self.outside.runs, "spoken": self.outside.spoken},
            "max_calls": self.config.max_calls,
            "timeout_s": self.config.timeout_s,
            "model": {"served": rung.served_identity(), "version": rung.version},
            "omit": sorted(omitted(rung)),
            "others": {
                role: {"served": other.served_identity(), "version": other.version}
                for role, other in self.others
            },
        }


def planned_program(workspace: Workspace, feature_id: str, *, on: date) -> PlannedProgram | None:
    """A feature's program at the prices of a day; None where it has a prompt."""
    feature = workspace.features[feature_id]
    config = feature.program
    if config is None:
        return None
    incumbent = plan_option(workspace, feature_id, feature.incumbent, on=on)
    return PlannedProgram(
        config=config,
        folder=program_folder(workspace.root, feature_id, config),
        sha256=incumbent.prompt.sha256,
        outside=workspace.outsides[feature_id],
        incumbent=incumbent,
        others=tuple(
            (role, plan_option(workspace, feature_id, model, on=on))
            for role, model in config.roles.items()
            if model != feature.incumbent
        ),
    )


def line_of(case: Case) -> str:
    """A case as a program reads it: one line of JSON, without its target."""
    asked = case.input
    shown = asked if isinstance(asked, str) else [_turn(turn) for turn in asked]
    line = {"id": case.id, "input": shown, "metadata": dict(case.metadata)}
    if case.context is not None:
        line["context"] = [asdict(each) for each in case.context]
    return json.dumps(line, ensure_ascii=True)


def call_bound(rung: PlannedOption, body_bytes: int, output_tokens: int) -> Decimal:
    """The most that one call with such a body may cost, USD."""
    return upper_bound(
        input_bytes=body_bytes,
        max_output_tokens=output_tokens,
        rates=rung.priced(),
        max_input_tokens=rung.config.max_input_tokens,
    )


def passed_bound(rung: PlannedOption, body: str, output_tokens: int) -> Decimal:
    """The most that a program's call may cost, USD: PDFs in its body by pages, images by size.

    A file that the body only names, or a PDF that cannot be read, may fill the whole window.
    """
    size = len(body.encode(errors="surrogatepass"))
    size += passed_images(rung.config, rung.version, body)
    documents = passed_documents(rung.config, rung.version, body)
    most = max(size, window_of(rung)) if documents is None else size + documents
    return call_bound(rung, most, output_tokens)


def longest_of(rung: PlannedOption) -> int:
    """Output tokens that a call without a limit of its own may bring.

    Raises:
        UsageError: nothing is known of the model.
    """
    known = facts(rung.model, rung.config)
    longest = known.max_output_tokens or known.window_tokens
    if longest is None:
        raise UsageError(
            f"{rung.model}: state `window_tokens` in its entry: it bounds what a program's call "
            "without a limit of its own may cost"
        )
    return longest


def window_of(rung: PlannedOption) -> int:
    """Input tokens that a call may have at most."""
    known = facts(rung.model, rung.config).window_tokens
    return rung.config.max_input_tokens or known or longest_of(rung)


def omitted(rung: PlannedOption) -> frozenset[str]:
    """Parameters that the model refuses: they are left out of a program's calls to it."""
    return frozenset(rung.config.omit) | known_to_refuse(rung.config.provider, rung.version)


def _role_model(
    rung: PlannedOption, role: str | None, names: frozenset[str], feature: FeatureConfig
) -> RoleModel:
    longest = longest_of(rung)
    stated = [one for one in (feature.timeout_s, rung.config.timeout_s) if one is not None]
    patience = min(max(SHORTEST_WAIT_S, longest / SLOWEST_TOKENS_PER_S), LONGEST_WAIT_S)
    return RoleModel(
        names=names,
        role=role,
        option=rung.name,
        endpoint=rung.endpoint,
        version=rung.version,
        timeout_s=min(stated, default=patience),
        longest=longest,
        omit=omitted(rung),
        bound=partial(passed_bound, rung),
    )


def _turn(turn: Turn) -> dict[str, object]:
    shown: dict[str, object] = {"role": turn.role, "content": turn.content}
    if turn.images:
        shown["images"] = list(turn.images)
    if turn.documents:
        shown["documents"] = list(turn.documents)
    if turn.tool_calls:
        shown["tool_calls"] = json.loads(turn.tool_calls)
    if turn.tool_call_id is not None:
        shown["tool_call_id"] = turn.tool_call_id
    return shown


def translated(incumbent: PlannedOption | None, options: Iterable[PlannedOption]) -> list[str]:
    """What is not known of a program's options whose wire is not the incumbent's."""
    if incumbent is None:
        return []
    spoken = VENDOR_WIRES.get(incumbent.endpoint.vendor, frozenset())
    crossed = [
        option.name
        for option in options
        if option.asked and not spoken & VENDOR_WIRES.get(option.endpoint.vendor, frozenset())
    ]
    if not crossed:
        return []
    text = (
        f"how {listed(crossed)} will be asked in production: here the program's calls were "
        "translated; a switch takes another vendor's API there, or such a translation"
    )
    return [text]


def run_cost(
    program: PlannedProgram, rung: PlannedOption, traffic: Traffic | None
) -> tuple[Decimal, Decimal]:
    """Expected and largest USD of one trial of a program.

    Expected: the traffic's tokens, once by each model that it asks; nobody knows their shares yet.
    They are a run's, of calls that are shorter each: no long-context price is reached by their sum.
    """
    usage = TokenUsage(
        input_tokens=round(traffic.input_tokens) if traffic else 0,
        output_tokens=round(traffic.output_tokens) if traffic else 0,
    )
    models = {one.name: one for one in (rung, *(other for _, other in program.others))}
    likely = sum(
        (attempt_cost(usage, replace(one.priced(), tiers=())) for one in models.values()),
        Decimal(0),
    )
    return likely, program.worst_usd(rung)
