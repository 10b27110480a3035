"""Which searches a feature's `tune:` asks for."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from harness.conduct.checking import checked_workspace
from harness.conduct.tuning.tuning import PromptToTune
from harness.errors import UsageError
from harness.workspace.model_file import is_tuned


def asked_tunings(asked: PromptToTune, *, on: date) -> tuple[PromptToTune, ...]:
    """A search for the model that is named, else for each option that the feature's `tune:` names.

    `incumbent` is today's model. Of it the cheapest prompt that holds the limit is sought where the
    file asks and no goal is stated: a dearer one would never be chosen.

    Raises:
        WorkspaceError: a fault of the workspace or of this feature.
        UsageError: no model is named, and the feature's file asks for none.
    """
    loaded = checked_workspace(asked.root, on=on, features=(asked.feature,))
    if asked.feature not in loaded.features:
        return (asked,)  # The search itself says what is wrong with it.
    config = loaded.features[asked.feature]
    if asked.model is not None:
        named = config.incumbent if asked.model == "incumbent" else asked.model
        return (replace(asked, model=named),)
    if not config.to_tune:
        raise UsageError(
            f"--model: name the option whose prompt is sought, or state `tune: [incumbent]` in "
            f"features/{asked.feature}.yaml"
        )
    today = config.incumbent
    return tuple(
        replace(asked, model=one, goal=asked.goal or ("shorter" if one == today else "better"))
        for one in config.to_tune
        if one != today or not is_tuned(one)
    )
