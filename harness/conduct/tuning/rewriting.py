"""Prompts rewritten by a model that reads what went wrong: GEPA's search, asked and paid by us.

The one door to `gepa` (L. A. Agrawal et al., "GEPA: Reflective prompt evolution can outperform
reinforcement learning", 2025), imported when it is asked for. Every call goes through our
providers, governor, ledger and journal, so that its own budget need not hold: it overshoots by up
to one of its steps, and what the ledger has no room for is not asked. The same seed and answers
give the same prompts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from evalsets.cases import Case
from evalsets.prompts import check_template, prompt_fault
from harness.conduct.tuning.prompt_trials import PromptTrials, TunedWay
from harness.conduct.tuning.ways import PromptWay
from harness.plan.planned_options import PlannedOption

ROUNDS = 12
"""Times that the search cases may be asked, of one start."""
BATCH = 4
"""Cases that a rewriting model is shown at a time."""
_ONLY = "prompt"
_ASKED = """\
Below is a prompt template for a language model that is to do a task. It is written in Jinja2: \
{{ input }} stands for the text of a case, and a line such as === user === or === system === \
begins a message.

```
<curr_param>
```

This is what the model answered under it for some cases, and how good each answer was:

<side_info>

Write a better template. Say exactly what is to be done and in which form the answer must be. \
State rules that hold for all cases, not the answers of these. Keep every {{ ... }} that stands \
for a part of the case. Give the whole new template within one block of ```.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RewriteTask:
    """Who is asked, on which cases, and who rewrites."""

    rung: PlannedOption
    cases: tuple[Case, ...]
    by: PlannedOption
    """The model that reads cases and answers, and writes prompts."""
    option: str
    """What tried prompts are counted for."""
    seed: int


def rewritten(
    start: PromptWay,
    task: RewriteTask,
    trials: PromptTrials,
    *,
    out_of_money: Callable[[], bool],
) -> tuple[PromptWay, ...]:
    """Prompts that GEPA kept, from one to begin with; none where nothing better was found.

    `out_of_money` is called before each of its steps: whether the search must end.
    """
    gepa = import_module("gepa")
    found = gepa.optimize(
        seed_candidate={_ONLY: start.text},
        trainset=list(task.cases),
        valset=list(task.cases),
        adapter=_Adapter(task, trials),
        reflection_lm=_Writer(task, trials),
        reflection_prompt_template=_ASKED,
        reflection_minibatch_size=BATCH,
        max_metric_calls=ROUNDS * len(task.cases),
        stop_callbacks=_Stop(out_of_money),
        logger=_Silent(),
        seed=task.seed,
    )
    texts = [str(each[_ONLY]) for each in found.candidates]
    kept = [text for text in dict.fromkeys(texts) if text != start.text]
    return tuple(
        PromptWay(what=f"{start.what}, rewritten by {task.by.name} ({number})", text=text)
        for number, text in enumerate(kept, 1)
    )


class _Writer:
    """The model that rewrites, as GEPA calls it."""

    def __init__(self, task: RewriteTask, trials: PromptTrials) -> None:
        self._task = task
        self._trials = trials

    def __call__(self, prompt: object) -> str:
        return self._trials.reply(self._task.by, str(prompt), self._task.cases[0])


class _Stop:
    """When GEPA ends before its own budget does."""

    def __init__(self, out_of_money: Callable[[], bool]) -> None:
        self._out_of_money = out_of_money

    def __call__(self, gepa_state: object) -> bool:
        del gepa_state
        return self._out_of_money()


class _Silent:
    def log(self, message: str) -> None:
        """Nothing: it holds prompts and answers."""


class _Adapter:
    """What GEPA asks for: the answers to some cases under a prompt, and what to learn from them."""

    propose_new_texts = None

    def __init__(self, task: RewriteTask, trials: PromptTrials) -> None:
        self._task = task
        self._trials = trials
        self._batch = import_module("gepa.core.adapter").EvaluationBatch

    def evaluate(
        self,
        batch: Sequence[Case],
        candidate: Mapping[str, str],
        capture_traces: bool = False,  # noqa: FBT001, FBT002  # GEPA's own signature
    ) -> Any:  # noqa: ANN401  # GEPA's own type
        """Each case's answer and score; a prompt that cannot be filled in is worth nothing."""
        text = candidate[_ONLY]
        fault = check_template(text) or prompt_fault(text, self._task.cases)
        if fault is not None:
            found = [(case, f"(the template is broken: {fault})", 0.0) for case in batch]
        else:
            one = TunedWay.of(PromptWay(what="rewritten", text=text), self._task.rung)
            read = self._trials.read(one, batch, counts_for=self._task.option)
            found = [(case, read[case.id][0], read[case.id][1] or 0.0) for case in batch]
        return self._batch(
            outputs=[text for _, text, _ in found],
            scores=[score for _, _, score in found],
            trajectories=found if capture_traces else None,
        )

    def make_reflective_dataset(
        self,
        candidate: Mapping[str, str],
        eval_batch: Any,  # noqa: ANN401  # GEPA's own type
        components_to_update: Sequence[str],
    ) -> Mapping[str, Sequence[Mapping[str, str]]]:
        """What the rewriting model reads of each case."""
        del candidate
        told = [
            {"Case": _shown(case), "Answer": answer, "Feedback": _feedback(case, score)}
            for case, answer, score in eval_batch.trajectories
        ]
        return dict.fromkeys(components_to_update, told)


def _shown(case: Case) -> str:
    if isinstance(case.input, str):
        return case.input
    return "\n".join(f"{turn.role}: {turn.content}" for turn in case.input)


def _feedback(case: Case, score: float) -> str:
    worth = f"worth {score:g} of 1"
    return f"{worth}; right is: {case.target}" if case.target and score < 1 else worth
