"""Cases and scorer specs, in one line each."""

import json

from evalsets.cases import Case, ScorerSpec


def spec(scorer: str, **options: object) -> ScorerSpec:
    return ScorerSpec(scorer=scorer, options=json.dumps(options, sort_keys=True))


def case(target: str | None, *, case_id: str = "c-1", **metadata: str) -> Case:
    return Case(id=case_id, input="?", target=target, metadata=tuple(sorted(metadata.items())))
