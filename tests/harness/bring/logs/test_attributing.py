"""One rule, two readers: the engine's for calls in bulk, and the plain one for single charges."""

from __future__ import annotations

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.bring.logs.attributing import (
    PLACES,
    Attribution,
    AttributionRule,
    AttributionWhen,
    Placeable,
)

TEXT = st.sampled_from(["a", "A", "ab", "a b", "b-1", "", "a*", "[a]b", "feature:x", "team:y"])
PATTERN = st.sampled_from(["a", "a*", "*", "?b", "[ab]*", "*-?", "feature:*", "A?"])
WHEN = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("tag", "key_alias", "model", "environment"), PATTERN)
).filter(bool)
RULE = st.builds(
    lambda when, place, name: AttributionRule(when=AttributionWhen(**when), **{place: name}),
    WHEN,
    st.sampled_from(PLACES),
    st.sampled_from(["one", "two"]),
)


@settings(max_examples=40, deadline=None)
@given(
    rules=st.lists(RULE, max_size=3),
    tags=st.lists(TEXT, max_size=2),
    texts=st.tuples(TEXT, TEXT, TEXT),
)
def test_both_readers_place_alike(
    rules: list[AttributionRule], tags: list[str], texts: tuple[str, str, str]
) -> None:
    known = Attribution(tuple(rules))
    caller, model, environment = texts
    found = duckdb.execute(
        f"SELECT {known.placed()} FROM (SELECT $1::VARCHAR AS caller, $2::VARCHAR AS model, "  # noqa: S608
        "nullif($3, '') AS environment, $4::VARCHAR AS tagged, NULL::VARCHAR AS own_feature, "
        "NULL::VARCHAR AS own_team, NULL::VARCHAR AS own_product, "
        "NULL::VARCHAR AS cohort)",
        [caller, model, environment, "\x1f".join(["", *tags, ""])],
    ).fetchall()[0]
    call = Placeable(tags=tuple(tags), caller=caller, model=model, environment=environment)
    own = known.place(call)
    assert found == tuple(own.get(name, "") for name in PLACES)
