"""The demo workspace is sound, and no verdict is ruled out by its arithmetic alone."""

import re
from pathlib import Path

import pytest
from scipy.stats import norm

from evalsets.cases import EvalSet
from evalsets.prompts import render_prompt
from evalsets.splits import tune_cases, tune_parts
from harness.conduct.tuning.ways import PromptWay, with_draws
from harness.judge.scoring.catalogue import find_scorer
from harness.judge.scoring.scorer import Scorer, Setting
from harness.workspace.prompts import prompt_for, tuned_options
from harness.workspace.workspace import Workspace, load_workspace
from tests.support.near_copies import similar_pairs
from tests.support.product_messages import COUNT, PRODUCTS, SEED, messages

DEMO = Path(__file__).parent.parent / "configs" / "demo"
FEATURES = (
    "date-extraction",
    "product-named",
    "refund-request",
    "review-sentiment",
    "ticket-topic",
)
CANDIDATES = ("smollm2-135m", "smollm2-135m-short")
TUNED = "smollm2-135m~tuned"
PROGRAM, BY_CHAT = "ticket-desk", "smollm2-135m-chat"
INCUMBENT = "qwen2.5-coder-1.5b"

each_feature = pytest.mark.parametrize("feature", FEATURES)


@pytest.fixture(scope="module")
def demo() -> Workspace:
    return load_workspace(DEMO)


def measures(demo: Workspace, feature: str) -> list[Scorer]:
    evalset, folder = demo.evalsets[feature], demo.evalset_folder(feature)
    primary = find_scorer(evalset.primary, Setting(folder=folder))
    setting = Setting(folder=folder, primary=primary)
    return [primary, *(find_scorer(guard.scorer, setting) for guard in evalset.guardrails)]


def test_the_demo_is_valid(demo: Workspace) -> None:
    assert tuple(demo.features) == tuple(sorted((*FEATURES, PROGRAM)))
    assert set(demo.models) == {INCUMBENT, *CANDIDATES, BY_CHAT}
    assert demo.problems == ()


@each_feature
def test_a_feature_says_whose_it_is_and_what_it_risks(demo: Workspace, feature: str) -> None:
    config = demo.features[feature]
    assert config.owner.endswith("@example.com")
    assert config.agreed is not None
    assert config.incumbent == INCUMBENT
    assert config.candidates == CANDIDATES
    assert config.traffic is not None
    assert config.traffic.source == "illustrative"
    for name in (INCUMBENT, *CANDIDATES):
        assert config.data in demo.models[name].may_see
        assert [price.source for price in demo.models[name].price] == ["illustrative"]


def test_the_features_differ_where_the_documents_must(demo: Workspace) -> None:
    configs = demo.features.values()
    assert {config.risk for config in configs} == {"low", "medium", "high"}
    assert sum(config.latency is not None for config in configs) == 1
    assert sum(config.error_cost_usd is not None for config in configs) == 3
    assert sum(config.mode == "deferrable" for config in configs) == 1


def test_one_feature_is_a_program_of_two_calls_by_the_vendor_s_sdk(demo: Workspace) -> None:
    config = demo.features[PROGRAM]
    assert config.program is not None
    assert config.incumbent in config.program.roles.values()
    assert config.candidates == (BY_CHAT,)
    code = (DEMO / "programs" / PROGRAM / "desk.py").read_text(encoding="utf-8")
    assert "from openai import OpenAI" in code
    assert "rightsize" not in code
    cases = {case.id for case in demo.evalsets[PROGRAM].cases}
    assert cases == {case.id for case in demo.evalsets["ticket-topic"].cases}


def deciding(evalset: EvalSet) -> int:
    return len(evalset.cases) - evalset.tune


@each_feature
def test_no_margin_is_beyond_the_eval_set(demo: Workspace, feature: str) -> None:
    """n > z^2 (1-M)/M at the tightest level: 5 % over two candidates, and a pilot of 20 cases."""
    config = demo.features[feature]
    margin = (config.margin or demo.policy.risk[config.risk].margin) / 100
    z = norm.isf((1 - demo.policy.confidence) / len(CANDIDATES))
    assert deciding(demo.evalsets[feature]) - 20 > z**2 * (1 - margin) / margin


@each_feature
def test_an_eval_set_has_the_promised_shape(demo: Workspace, feature: str) -> None:
    evalset = demo.evalsets[feature]
    assert 150 <= len(evalset.cases) <= 200
    assert evalset.slices
    for part in evalset.slices:
        assert sum(case.meta(part.key) == part.value for case in evalset.cases) >= 30
    doubles = {second for _, second in similar_pairs(evalset.cases)}
    assert len(doubles) <= 0.02 * len(evalset.cases)
    assert evalset.provenance


@pytest.mark.parametrize("feature", ["date-extraction", "refund-request"])
def test_cases_of_one_source_are_clusters(demo: Workspace, feature: str) -> None:
    evalset = demo.evalsets[feature]
    assert evalset.cluster_key is not None
    assert len({evalset.cluster(case) for case in evalset.cases}) >= 60


@each_feature
def test_every_target_passes_every_measure_of_its_set(demo: Workspace, feature: str) -> None:
    for case in demo.evalsets[feature].cases:
        assert case.target is not None
        assert [scorer.score(case, case.target) for scorer in measures(demo, feature)] == [
            1.0 for _ in measures(demo, feature)
        ]


@each_feature
@pytest.mark.parametrize("model", [INCUMBENT, *CANDIDATES])
def test_every_case_fits_every_prompt(demo: Workspace, feature: str, model: str) -> None:
    template = prompt_for(demo, feature, model)
    config = demo.features[feature]
    for case in demo.evalsets[feature].cases:
        turns = render_prompt(template.text, case)
        assert isinstance(case.input, str)
        assert case.input in turns[-1].content
        if demo.models[model].api == "completions":
            # What ends an answer must not stand in the case, or the example would break.
            assert not any(stop in case.input for stop in config.request.stop)
            assert len(turns) == 1


def test_each_rung_has_a_prompt_of_its_own(demo: Workspace) -> None:
    for feature in FEATURES:
        rungs = (INCUMBENT, *CANDIDATES)
        assert len({prompt_for(demo, feature, name).sha256 for name in rungs}) == 3


def test_no_prompt_shows_a_case(demo: Workspace) -> None:
    for feature in FEATURES:
        inputs = [str(case.input) for case in demo.evalsets[feature].cases]
        for name in demo.models:
            template = prompt_for(demo, feature, name).text
            assert not [text for text in inputs if text in template]


def test_one_prompt_is_the_one_that_tuning_found_on_cases_that_never_decide(
    demo: Workspace,
) -> None:
    """What `rightsize tune ticket-topic --model smollm2-135m` wrote, example by example."""
    found = {feature: tuned_options(DEMO, feature) for feature in FEATURES}
    assert {feature: names for feature, names in found.items() if names} == {
        "ticket-topic": (TUNED,)
    }
    evalset, text = demo.evalsets["ticket-topic"], prompt_for(demo, "ticket-topic", TUNED).text
    today = prompt_for(demo, "ticket-topic", TUNED.removesuffix("~tuned")).text
    shown = tune_parts(evalset).examples
    answers = {case.id: str(case.target) for case in shown}
    start = PromptWay(what="today's", text=today)
    made = {way.what: way.text for way in with_draws(start, shown, answers, "ticket-topic 0")}
    assert made["today's + 2 examples, draw 2"] == text
    kept = {case.id for case in tune_cases(evalset)}
    assert len(kept) == 48
    assert not [case for case in evalset.cases if case.id not in kept and case.input in text]


def test_the_messages_that_name_a_product_are_those_of_their_seed(demo: Workspace) -> None:
    made = [*messages(SEED, COUNT)]
    cases = demo.evalsets["product-named"].cases
    assert [(one.id, one.input, one.target) for one in cases] == [
        (one["id"], one["input"], one["target"]) for one in made
    ]
    template = prompt_for(demo, "product-named", INCUMBENT).text
    shown = re.findall(r"=== assistant ===\n(.+)\n", template)
    for name in CANDIDATES:
        own = re.findall(r"Product: (.+)\n", prompt_for(demo, "product-named", name).text)
        assert set(own) <= set(shown), "the small model is shown nothing that today's is not"
    assert not set(shown) & set(PRODUCTS)


def test_each_file_names_its_schema_in_its_first_line() -> None:
    files = [*DEMO.glob("*/*.yaml"), *DEMO.glob("evalsets/*/*.yaml"), DEMO / "policy.yaml"]
    assert len(files) == 13
    for path in files:
        first = path.read_text("utf-8").splitlines()[0]
        assert first.startswith("# yaml-language-server: $schema=")
        assert (path.parent / first.partition("=")[2]).is_file()
