"""Each class of mistake in a workspace gives one line that names file, line and key."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.errors import ExitCode, UsageError, WorkspaceError
from harness.workspace.prompts import prompt_for
from harness.workspace.workspace import load_workspace
from tests.support.workspaces import EVALSET, FEATURE, MODELS, case_line, edit, write_workspace

POLICY_FILE = "policy.yaml"
MODEL_FILE = "models/all.yaml"
FEATURE_FILE = "features/tickets.yaml"
EVALSET_FILE = "evalsets/tickets/evalset.yaml"
CASE_FILE = "evalsets/tickets/cases.jsonl"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_workspace(tmp_path)


def errors(root: Path) -> list[str]:
    with pytest.raises(WorkspaceError) as caught:
        load_workspace(root)
    assert caught.value.exit_code == ExitCode.USAGE_ERROR
    assert str(caught.value).split("\n") == [str(each) for each in caught.value.problems]
    return [str(each) for each in caught.value.problems]


def test_a_sound_workspace_is_loaded_whole(root: Path) -> None:
    workspace = load_workspace(root)
    assert workspace.problems == ()
    assert list(workspace.models) == ["big", "small"]
    assert workspace.features["tickets"].incumbent == "big"
    assert len(workspace.evalsets["tickets"].cases) == 12
    assert workspace.evalset_folder("tickets") == root / "evalsets" / "tickets"
    assert workspace.blocked("tickets") == ()


ONE_LINE_EDITS = [
    pytest.param(
        FEATURE_FILE,
        "incumbent: big",
        "incumbant: big",
        [
            "features/tickets.yaml: incumbent: is required and missing",
            "features/tickets.yaml:8: incumbant: unknown key; did you mean `incumbent`?",
        ],
        id="unknown key",
    ),
    pytest.param(
        POLICY_FILE,
        "risk: {low: {margin: 10}",
        "risk: {low: {margim: 10}",
        [
            "policy.yaml:3: risk.low.margim: unknown key; did you mean `margin`?",
            "policy.yaml:3: risk.low.margin: is required and missing",
        ],
        id="unknown key inside a named part",
    ),
    pytest.param(
        FEATURE_FILE,
        "max_output_tokens: 8",
        "max_output_tokens: eight",
        [
            "features/tickets.yaml:10: request.max_output_tokens: must be an integer, got 'eight'",
        ],
        id="wrong type",
    ),
    pytest.param(
        FEATURE_FILE,
        "candidates: [small]",
        "candidates: 3",
        ["features/tickets.yaml:9: candidates: must be 'auto' or a list, got 3"],
        id="wrong type where two are possible",
    ),
    pytest.param(
        FEATURE_FILE,
        "on: 2026-09-14",
        "on: 2026-13-14",
        [
            "features/tickets.yaml:7: agreed.on: must be a day, as 2026-11-30, got '2026-13-14'",
        ],
        id="no such day",
    ),
    pytest.param(
        MODEL_FILE,
        "input: 4.00",
        "input: four",
        ["models/all.yaml:6: big.price[0].input: must be a number, got 'four'"],
        id="wrong type of a price",
    ),
    pytest.param(
        FEATURE_FILE,
        "product: helpdesk",
        "product: helpdesk\nproduct: other",
        ["features/tickets.yaml:5: product: stated twice (first on line 4)"],
        id="key stated twice",
    ),
    pytest.param(
        FEATURE_FILE,
        "team: support",
        "team: [support",
        ["features/tickets.yaml:4: broken YAML: did not find expected ',' or ']'"],
        id="broken YAML",
    ),
    pytest.param(
        FEATURE_FILE,
        "team: support",
        "team: !!python/name:os.system x",
        ["features/tickets.yaml:3: team: the tag !!python/name:os.system is not read; remove it"],
        id="unsafe tag",
    ),
    pytest.param(
        FEATURE_FILE,
        "incumbent: big",
        "incumbent: bigg",
        ["features/tickets.yaml:8: incumbent: unknown model 'bigg'; did you mean `big`?"],
        id="unknown model in production",
    ),
    pytest.param(
        FEATURE_FILE,
        "[small]",
        "[other]",
        ["features/tickets.yaml:9: candidates[0]: unknown model 'other'; known: big, small"],
        id="unknown candidate",
    ),
    pytest.param(
        FEATURE_FILE,
        "[small]",
        "[small, small, big]",
        [
            "features/tickets.yaml:9: candidates[1]: small is stated twice",
            "features/tickets.yaml:9: candidates[2]: big is the incumbent itself; remove it",
        ],
        id="candidate twice, and the incumbent among them",
    ),
    pytest.param(
        FEATURE_FILE,
        "[small]",
        "[small@low]",
        [
            (
                "features/tickets.yaml:9: candidates[0]: small lists no `efforts`; "
                "add `efforts: [low]` to its entry"
            )
        ],
        id="effort of a model without efforts",
    ),
    pytest.param(
        FEATURE_FILE,
        "data: customer",
        "data: restricted",
        [
            (
                "features/tickets.yaml:8: incumbent: big may not see restricted data "
                "(may_see: public, internal, customer); correct `may_see` of the model, or `data`"
            )
        ],
        id="incumbent that may not see the data",
    ),
    pytest.param(
        FEATURE_FILE,
        "data: customer",
        "data: costumer",
        [
            (
                "features/tickets.yaml:5: data: must be 'public', 'internal', 'customer' or "
                "'restricted', got 'costumer'"
            )
        ],
        id="unknown data class",
    ),
    pytest.param(
        POLICY_FILE,
        "medium: {margin: 5}, ",
        "",
        [
            (
                "features/tickets.yaml:6: risk: policy.yaml has no margin for risk 'medium'; "
                "add one, or a `margin`"
            )
        ],
        id="risk without a margin",
    ),
    pytest.param(
        POLICY_FILE,
        "max_spend_usd: 10\n",
        "",
        ["policy.yaml: max_spend_usd: is required and missing"],
        id="no cap",
    ),
    pytest.param(
        POLICY_FILE,
        "confidence: 0.95",
        "confidence: .nan",
        ["policy.yaml:2: confidence: must be a number, got '.nan'"],
        id="not a number",
    ),
    pytest.param(
        FEATURE_FILE,
        "request: {max_output_tokens: 8}",
        "request: {schema: answer.json}",
        [
            (
                "features/tickets.yaml:10: request.schema: the file evalsets/tickets/answer.json "
                "is missing"
            )
        ],
        id="missing schema file",
    ),
    pytest.param(
        FEATURE_FILE,
        "request: {max_output_tokens: 8}",
        "request: {schema: cases.jsonl}",
        [
            (
                "features/tickets.yaml:10: request.schema: the file evalsets/tickets/cases.jsonl "
                "is no JSON: Extra data (line 2)"
            )
        ],
        id="schema that is no JSON",
    ),
    pytest.param(
        FEATURE_FILE,
        "request: {max_output_tokens: 8}",
        "request: {schema: ../../policy.yaml}",
        ["features/tickets.yaml:10: request.schema: must name a file in the eval set's folder"],
        id="schema outside the eval set",
    ),
    pytest.param(
        FEATURE_FILE,
        "source: logs}",
        "source: logs, curve: week.csv}",
        ["features/tickets.yaml:11: traffic.curve: the file traffic/week.csv is missing"],
        id="missing traffic curve",
    ),
    pytest.param(
        FEATURE_FILE,
        "team: support",
        "team: support\nused_in: settings.toml",
        ["features/tickets.yaml:4: used_in: must be repository:path#key, got 'settings.toml'"],
        id="use without a repository",
    ),
    pytest.param(
        FEATURE_FILE,
        "team: support",
        "team: support\nevalset: ../models",
        ["features/tickets.yaml:4: evalset: must be the name of a folder under evalsets/"],
        id="eval set elsewhere",
    ),
    pytest.param(
        FEATURE_FILE,
        "team: support",
        "team: support\nevalset: absent",
        ["evalsets/absent/: the folder is missing; it holds the eval set of tickets"],
        id="missing eval set",
    ),
    pytest.param(
        MODEL_FILE,
        "key: BIG_KEY",
        "key: sk-a1b2c3",
        [
            (
                "models/all.yaml:3: big.key: must be the NAME of an environment variable "
                "(capitals, digits, _), not a key"
            )
        ],
        id="key instead of its name",
    ),
    pytest.param(
        MODEL_FILE,
        "key: BIG_KEY",
        "extra_body: {api_key: abc}",
        [
            (
                "models/all.yaml:3: big.extra_body.api_key: looks like a secret; put it in an "
                "environment variable and its name in `key:`"
            )
        ],
        id="secret by its name",
    ),
    pytest.param(
        MODEL_FILE,
        "source: quote}\nsmall:",
        "source: sk-abcdefghijklmnopqrst}\nsmall:",
        [
            (
                "models/all.yaml:6: big.price[0].source: looks like a secret; put it in an "
                "environment variable and its name in `key:`"
            )
        ],
        id="secret by its look",
    ),
    pytest.param(
        MODEL_FILE,
        "http://127.0.0.1:8000/v1",
        "http://models.example.com/v1",
        [
            (
                "models/all.yaml:9: small.base_url: http to models.example.com is not encrypted; "
                "use https (http is for loopback only)"
            )
        ],
        id="address without encryption",
    ),
    pytest.param(
        MODEL_FILE,
        "http://127.0.0.1:8000/v1",
        "https://169.254.169.254/v1",
        [
            (
                "models/all.yaml:9: small.base_url: 169.254.169.254 is a link-local or metadata "
                "address; a model is not served there"
            )
        ],
        id="metadata address",
    ),
    pytest.param(
        MODEL_FILE,
        "  base_url: http://127.0.0.1:8000/v1\n",
        "",
        [
            (
                "models/all.yaml:8: small.provider: an openai-compatible model needs `base_url` "
                "(attach) or `serve` (start it)"
            )
        ],
        id="server nowhere",
    ),
    pytest.param(
        MODEL_FILE,
        "  family: tiny\n",
        "  family: tiny\n  serve: {engine: vllm}\n",
        ["models/all.yaml:11: small.serve: states `base_url` too; attach to a server or start one"],
        id="attached and started",
    ),
    pytest.param(
        MODEL_FILE,
        "key: BIG_KEY",
        "api: messages",
        [
            (
                "models/all.yaml:3: big.api: openai has no API 'messages'; it has responses, "
                "chat and decisions"
            )
        ],
        id="wire of another vendor",
    ),
    pytest.param(
        MODEL_FILE,
        "key: BIG_KEY",
        "sdk: google-generativeai",
        ["models/all.yaml:3: big.sdk: google-generativeai is an SDK of google, not of openai"],
        id="SDK of another vendor",
    ),
    pytest.param(
        MODEL_FILE,
        "key: BIG_KEY",
        "platform: azure",
        [
            "models/all.yaml:3: big.platform: azure needs `base_url:`",
            "models/all.yaml:3: big.platform: azure needs `key:`",
        ],
        id="cloud without its address",
    ),
    pytest.param(
        MODEL_FILE,
        "key: BIG_KEY",
        "key: BIG_KEY\n  platform: azure\n  base_url: https://a.example.com/openai",
        [
            (
                "models/all.yaml:5: big.base_url: azure needs `api_version:`, or a `base_url` "
                "that ends with /openai/v1"
            )
        ],
        id="cloud without the version of its API",
    ),
    pytest.param(
        MODEL_FILE,
        "key: BIG_KEY",
        "key: BIG_KEY\n  base_url: https://a.example.com/openai/v1\n"
        "  platform: azure\n  batch: true",
        ["models/all.yaml:6: big.batch: there are no batches on azure; leave `batch:` out"],
        id="batches on a cloud",
    ),
    pytest.param(
        MODEL_FILE,
        "key: BIG_KEY",
        "extra_body: {prompt_cache_options: {ttl: 12h}}",
        [
            (
                "models/all.yaml:3: big.extra_body: writes to a 12-hour cache have no known "
                "price; leave `ttl` out"
            )
        ],
        id="a cache without a price",
    ),
    pytest.param(
        MODEL_FILE,
        "key: BIG_KEY",
        "platform: vertex",
        ["models/all.yaml:3: big.platform: vertex has the models of anthropic and google only"],
        id="cloud without the vendor",
    ),
    pytest.param(
        MODEL_FILE,
        "key: BIG_KEY",
        "gpu: h100",
        ["models/all.yaml:3: big.gpu: policy.yaml has no gpu 'h100'"],
        id="unknown GPU",
    ),
    pytest.param(
        MODEL_FILE,
        "key: BIG_KEY",
        "efforts: [low, high]\n  effort: hihg",
        ["models/all.yaml:4: big.effort: 'hihg' is not among `efforts`; did you mean `high`?"],
        id="effort that the model lacks",
    ),
    pytest.param(
        MODEL_FILE,
        "key: BIG_KEY",
        "efforts: [low, high]",
        [
            (
                "features/tickets.yaml:8: incumbent: big has efforts, so one must be stated: "
                "big@low, big@high"
            )
        ],
        id="no effort stated",
    ),
    pytest.param(
        FEATURE_FILE,
        "request: {max_output_tokens: 8}",
        "request: {tools: answer.json}",
        [
            (
                "features/tickets.yaml:10: request.tools: the file evalsets/tickets/answer.json "
                "is missing"
            )
        ],
        id="missing tools file",
    ),
    pytest.param(
        FEATURE_FILE,
        "request: {max_output_tokens: 8}",
        "request: {schema: evalset.yaml}",
        [
            (
                "features/tickets.yaml:10: request.schema: the file "
                "evalsets/tickets/evalset.yaml is no JSON: Expecting value (line 1)"
            )
        ],
        id="schema that is YAML",
    ),
    pytest.param(
        MODEL_FILE,
        "small:",
        "sm all:",
        [
            "features/tickets.yaml:9: candidates[0]: unknown model 'small'; did you mean `sm all`?",
            (
                "models/all.yaml:7: sm all: a model's name has letters, digits and . _ : + - only, "
                "at most 120"
            ),
        ],
        id="name of a model with a blank",
    ),
    pytest.param(
        MODEL_FILE,
        "output: 20.00, source: quote}",
        "output: 20.00, source: quote}\n    - {from: 2026-09-01, input: 1, output: 1, source: x}",
        ["models/all.yaml:7: big.price[1].from: a price from 2026-09-01 is stated twice"],
        id="two prices of one day",
    ),
    pytest.param(
        EVALSET_FILE,
        "primary: {scorer: label, labels: [billing, technical]}",
        "primary: label",
        ["evalsets/tickets/evalset.yaml:5: primary: must be keys with values, got 'label'"],
        id="scorer without keys",
    ),
    pytest.param(
        EVALSET_FILE,
        "tune: 2",
        "guardrails: [{scorer: label, labels: [a, b], api_key: abc, margin: 1}]",
        [
            (
                "evalsets/tickets/evalset.yaml:7: guardrails[0].api_key: looks like a secret; put "
                "it in an environment variable and its name in `key:`"
            )
        ],
        id="secret in an eval set",
    ),
    pytest.param(
        EVALSET_FILE,
        "{mail: {margin: 10}}",
        "{mial: {margin: 10}}",
        [
            (
                "evalsets/tickets/evalset.yaml:6: slices.channel.mial: no case has channel = "
                "'mial'; did you mean `mail`?"
            )
        ],
        id="slice without a case",
    ),
    pytest.param(
        EVALSET_FILE,
        "slices: {channel:",
        "slices: {chanel:",
        [
            (
                "evalsets/tickets/evalset.yaml:6: slices.chanel: no case has the metadata key "
                "'chanel'; did you mean `channel`?"
            )
        ],
        id="slice by an unknown key",
    ),
    pytest.param(
        EVALSET_FILE,
        "cluster: customer",
        "cluster: costumer",
        [
            (
                "evalsets/tickets/evalset.yaml:4: cluster: no case has the metadata key "
                "'costumer'; did you mean `customer`?"
            )
        ],
        id="cluster by an unknown key",
    ),
    pytest.param(
        EVALSET_FILE,
        "tune: 2",
        "tune: 12",
        [
            "evalsets/tickets/evalset.yaml:7: tune: keeps 12 of 12 cases: none is left to decide",
        ],
        id="all cases kept for prompts",
    ),
    pytest.param(
        EVALSET_FILE,
        "cases: cases.jsonl",
        "cases: case.jsonl",
        ["evalsets/tickets/evalset.yaml:1: cases: the file evalsets/tickets/case.jsonl is missing"],
        id="missing case file",
    ),
    pytest.param(
        EVALSET_FILE,
        "cases: cases.jsonl",
        "cases: ../../policy.yaml",
        [
            "evalsets/tickets/evalset.yaml:1: cases: must name a file in the eval set's own folder",
        ],
        id="case file elsewhere",
    ),
]


@pytest.mark.parametrize(("file", "old", "new", "expected"), ONE_LINE_EDITS)
def test_one_mistake(root: Path, file: str, old: str, new: str, expected: list[str]) -> None:
    edit(root / file, old, new)
    assert errors(root) == expected


def test_an_empty_eval_set(root: Path) -> None:
    (root / CASE_FILE).write_text("\n")
    assert errors(root) == ["evalsets/tickets/cases.jsonl: the eval set has no cases"]


def test_every_broken_line_of_a_case_file(root: Path) -> None:
    lines = [
        case_line(0),
        '{"id": "t-1", "input": ',
        '["t-2"]',
        case_line(3, input=""),
        case_line(4, input=None),
        case_line(5, id=None),
        case_line(6, metadata=["mail"]),
        case_line(7, target=[]),
        case_line(8, answer="x"),
        case_line(0),
        '{"id": "t-9", "id": "t-9", "input": "x"}',
        '{"id": "t-10", "input": NaN}',
        '{"id": "t-11", "input": "x", "target": null}',
        case_line(12, input=5),
        case_line(13, input=[{"role": "robot", "content": "x"}]),
        case_line(14, input=[{"role": "user", "content": [{"type": "audio"}]}]),
        case_line(15, input=[{"role": "user", "content": 5}]),
        case_line(16, id=1.5),
        case_line(17, setup="make"),
        case_line(18, choices="a"),
        case_line(
            19,
            input=[{"role": "user", "content": [{"type": "image", "image": "absent.png"}]}],
        ),
        case_line(
            20,
            input=[{"role": "user", "content": [{"type": "image", "image": "../../x.png"}]}],
        ),
        case_line(21, input=[{"role": "assistant", "content": "", "tool_calls": [{"id": 1}]}]),
    ]
    (root / CASE_FILE).write_text("\n".join(lines))
    file = "evalsets/tickets/cases.jsonl"
    known = "id, input, target, choices, metadata, sandbox, files, setup, context"
    assert errors(root) == [
        f"{file}:2: broken JSON: Expecting value (column 24)",
        f"{file}:3: must be one JSON object a line",
        f"{file}:4: input: is empty",
        f"{file}:5: input: is required and missing",
        f"{file}:6: id: is required and missing",
        f"{file}:7: metadata: must be keys with values, got a list",
        f"{file}:8: target: must be a text or a list of texts, got a list",
        f"{file}:9: answer: unknown key; known: {', '.join(sorted(known.split(', ')))}",
        f"{file}:10: id: the id 't-0' is already on line 1",
        f"{file}:11: the key `id` is stated twice",
        f"{file}:12: NaN is no JSON value; write null or a number",
        f"{file}:13: target: is null; leave the key out of a case that is to be labelled",
        f"{file}:14: input: must be a text or chat messages, got 5",
        f"{file}:15: input[0]: must be a message with a role of system, user, assistant, tool",
        f"{file}:16: input[0].content[0]: must be a part of type text, image or document",
        f"{file}:17: input[0].content: must be a text or a list of parts, got 5",
        f"{file}:18: id: must be a text, got 1.5",
        f"{file}:19: setup: needs a sandbox, which replay does not have; remove it",
        f"{file}:20: choices: must be a list of texts, got 'a'",
        f"{file}:21: input[0].content: the image 'absent.png' is missing",
        f"{file}:22: input[0].content: the image '../../x.png' must lie in the eval set's folder",
        f"{file}:23: input[0].tool_calls: must be a list of calls with id, function and arguments",
        (
            "evalsets/tickets/evalset.yaml:6: slices.channel.mail: no case has channel = 'mail'; "
            "known: chat"
        ),
        "evalsets/tickets/evalset.yaml:7: tune: keeps 2 of 1 cases: none is left to decide",
    ]


def test_a_model_in_two_files(root: Path) -> None:
    (root / "models" / "more.yaml").write_text(MODELS)
    assert errors(root) == [
        "models/more.yaml:1: big: this model is already in models/all.yaml:1",
        "models/more.yaml:7: small: this model is already in models/all.yaml:7",
    ]


def test_a_feature_in_two_files(root: Path) -> None:
    (root / "features" / "tickets.yml").write_text(FEATURE)
    assert errors(root) == [
        "features/tickets.yml: the feature 'tickets' is already in features/tickets.yaml"
    ]


def test_a_feature_whose_name_is_no_id(root: Path) -> None:
    (root / "features" / "tickets.yaml").rename(root / "features" / "tick ets.yaml")
    assert errors(root)[1] == (
        "features/tick ets.yaml: a feature's file name has letters, digits and . _ - only, "
        "at most 120"
    )


def test_an_empty_folder_has_nothing(tmp_path: Path) -> None:
    assert errors(tmp_path) == [
        "features/: no YAML file is here; `rightsize init` writes an example of features/",
        "models/: no YAML file is here; `rightsize init` writes an example of models/",
        "policy.yaml: the file is missing",
    ]


def test_empty_files(root: Path) -> None:
    (root / POLICY_FILE).write_text("")
    (root / MODEL_FILE).write_text("- big\n")
    (root / FEATURE_FILE).write_text("# nothing yet\n")
    required = "`name`, `owner`, `team`, `product`, `data`, `risk`, `incumbent`"
    assert errors(root) == [
        f"features/tickets.yaml: is empty; it needs {required}",
        "models/all.yaml: must be models by name",
        "policy.yaml: is empty; it needs `max_spend_usd`, `risk`",
    ]


def test_a_broken_model_file_makes_no_model_unknown(root: Path) -> None:
    edit(root / MODEL_FILE, "small:", "small: [")
    assert errors(root) == [
        "models/all.yaml:9: broken YAML: did not find expected ',' or ']'",
    ]


def test_a_broken_model_is_not_unknown(root: Path) -> None:
    edit(root / MODEL_FILE, "provider: openai\n", "provider: opnai\n")
    assert errors(root) == [
        (
            "models/all.yaml:2: big.provider: must be 'anthropic', 'openai', 'google', "
            "'openai-compatible' or 'command', got 'opnai'"
        ),
    ]


def test_a_file_that_is_not_utf8(root: Path) -> None:
    (root / FEATURE_FILE).write_bytes(FEATURE.encode() + "rollback: zurück\n".encode("latin-1"))
    assert errors(root) == ["features/tickets.yaml:12: not UTF-8; save it as UTF-8"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{% if %}", "prompts/tickets/default.j2:1: bad template: "),
        ("Topic:\n{{ inptu }}", "prompts/tickets/default.j2:2: bad template: unknown variable"),
        (" \n", "prompts/tickets/default.j2: the prompt is empty"),
    ],
)
def test_a_bad_template(root: Path, text: str, expected: str) -> None:
    (root / "prompts" / "tickets" / "default.j2").write_text(text)
    (line,) = errors(root)
    assert line.startswith(expected)


def test_a_feature_without_a_prompt(root: Path) -> None:
    prompts = root / "prompts" / "tickets"
    (prompts / "default.j2").rename(prompts / "tiny.j2")
    assert errors(root) == ["prompts/tickets/: no prompt for big; write prompts/tickets/default.j2"]


def test_all_mistakes_at_once(root: Path) -> None:
    edit(root / POLICY_FILE, "max_spend_usd: 10\n", "")
    edit(root / MODEL_FILE, "key: BIG_KEY", "kye: BIG_KEY")
    edit(root / FEATURE_FILE, "team: support", "teem: support")
    edit(root / EVALSET_FILE, "tune: 2", "tune: two")
    (root / "prompts" / "tickets" / "default.j2").write_text("{{ input")
    files = [line.split(":")[0] for line in errors(root)]
    # A feature that cannot be read names no eval set and no prompts.
    assert files == [
        "features/tickets.yaml",
        "features/tickets.yaml",
        "models/all.yaml",
        "policy.yaml",
    ]


def test_a_feature_without_traffic_is_blocked_and_stops_nothing(root: Path) -> None:
    (root / FEATURE_FILE).write_text(FEATURE.partition("traffic:")[0])
    workspace = load_workspace(root)
    (problem,) = workspace.blocked("tickets")
    assert str(problem) == (
        "features/tickets.yaml: traffic: TRAFFIC_MISSING: without volume and token mix "
        "nothing of this feature is asked; state `traffic`, or `rightsize import traffic LOG`"
    )


@pytest.mark.parametrize(
    ("content", "key", "expected"),
    [
        ("[]", "schema", "must be a JSON Schema object, got a list"),
        ("{}", "tools", "must be a list of tools, got keys with values"),
        ("\xff", "schema", "is no JSON: unreadable"),
    ],
)
def test_a_json_file_of_another_kind(root: Path, content: str, key: str, expected: str) -> None:
    (root / "evalsets" / "tickets" / "answer.json").write_bytes(content.encode("latin-1"))
    edit(root / FEATURE_FILE, "{max_output_tokens: 8}", f"{{{key}: answer.json}}")
    assert errors(root) == [
        f"features/tickets.yaml:10: request.{key}: the file evalsets/tickets/answer.json {expected}"
    ]


def test_an_effort_that_the_model_lacks(root: Path) -> None:
    edit(root / MODEL_FILE, "  family: tiny", "  family: tiny\n  efforts: [low, high]")
    edit(root / FEATURE_FILE, "[small]", "[small@hihg]")
    assert errors(root) == [
        "features/tickets.yaml:9: candidates[0]: small has no effort 'hihg'; did you mean `high`?"
    ]
    edit(root / FEATURE_FILE, "[small@hihg]", "[small@high]")
    assert load_workspace(root).problems == ()


def test_a_prompt_that_is_not_utf8(root: Path) -> None:
    (root / "prompts" / "tickets" / "tiny.j2").write_bytes(b"{{ input }}\n\xff")
    assert errors(root) == ["prompts/tickets/tiny.j2:2: not UTF-8; save it as UTF-8"]


def test_an_empty_model_file_names_nobody(root: Path) -> None:
    (root / "models" / "later.yaml").write_text("# nothing yet\n")
    assert list(load_workspace(root).models) == ["big", "small"]


def test_auto_needs_a_prompt_for_every_model_that_may_see_the_data(root: Path) -> None:
    edit(root / FEATURE_FILE, "[small]", "auto")
    prompts = root / "prompts" / "tickets"
    (prompts / "default.j2").rename(prompts / "big.j2")
    assert errors(root) == [
        "prompts/tickets/: no prompt for small; write prompts/tickets/default.j2"
    ]


def test_warnings_stop_nothing(root: Path) -> None:
    edit(root / FEATURE_FILE, "agreed: {by: dana.ruiz, on: 2026-09-14}\n", "")
    edit(root / MODEL_FILE, "family: tiny\n  may_see: [public, internal, customer]", "family: tiny")
    (root / "prompts" / "tickets" / "tinny.j2").write_text("{{ input }}")
    found = load_workspace(root).problems
    assert {problem.severity for problem in found} == {"warning"}
    assert [str(problem) for problem in found] == [
        (
            "features/tickets.yaml: agreed: missing: nobody agreed to the margin yet "
            "(`agreed: {by: ..., on: ...}`)"
        ),
        (
            "features/tickets.yaml:8: candidates[0]: small may not see customer data "
            "(may_see: nothing); it will not be asked"
        ),
        "prompts/tickets/tinny.j2: no model or family is called 'tinny'; did you mean `tiny`?",
    ]


def test_two_features_may_share_an_eval_set(tmp_path: Path) -> None:
    root = write_workspace(tmp_path, features=("first", "second"))
    edit(root / "features" / "second.yaml", "team: support", "team: support\nevalset: first")
    workspace = load_workspace(root)
    first, second = workspace.evalsets["first"], workspace.evalsets["second"]
    assert first.cases is second.cases
    assert (first.feature, second.feature) == ("first", "second")
    (root / "evalsets" / "first" / "cases.jsonl").write_text("{\n")
    assert len(errors(root)) == 1


def test_the_most_specific_prompt_wins(root: Path) -> None:
    folder = root / "prompts" / "tickets"
    edit(root / MODEL_FILE, "  family: tiny", "  family: tiny\n  efforts: [low]")
    edit(root / FEATURE_FILE, "[small]", "[small@low]")
    paths: list[str] = []
    for name in ("tiny", "small", "small@low"):
        workspace = load_workspace(root)
        paths.append(prompt_for(workspace, "tickets", "small@low").path)
        (folder / f"{name}.j2").write_text(f"{name}: {{{{ input }}}}")
    paths.append(prompt_for(load_workspace(root), "tickets", "small@low").path)
    names = [Path(path).name for path in paths]
    assert names == ["default.j2", "tiny.j2", "small.j2", "small@low.j2"]
    workspace = load_workspace(root)
    assert prompt_for(workspace, "tickets", "big").path == "prompts/tickets/default.j2"
    assert prompt_for(workspace, "tickets", "small").text == "small: {{ input }}"


def test_a_prompt_that_went_away_is_said(root: Path) -> None:
    workspace = load_workspace(root)
    prompt = root / "prompts" / "tickets" / "default.j2"
    prompt.write_bytes(b"\xff")
    with pytest.raises(UsageError, match="cannot be read"):
        prompt_for(workspace, "tickets", "big")
    prompt.unlink()
    with pytest.raises(UsageError, match="no prompt for big; write prompts/tickets"):
        prompt_for(workspace, "tickets", "big")


def test_hidden_and_foreign_files_are_left_alone(root: Path) -> None:
    (root / "features" / ".tickets.yaml").write_text("nonsense: [")
    (root / "features" / "README.md").write_text("# Features")
    assert list(load_workspace(root).features) == ["tickets"]


@pytest.mark.skipif(os.name == "nt", reason="no symbolic links")
def test_a_link_does_not_lead_out_of_the_eval_set(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.jsonl"
    outside.write_text(case_line(1))
    (root / "evalsets" / "tickets" / "linked.jsonl").symlink_to(outside)
    edit(root / EVALSET_FILE, EVALSET.split("\n", 1)[0], "cases: linked.jsonl")
    assert errors(root) == [
        "evalsets/tickets/evalset.yaml:1: cases: must name a file in the eval set's own folder"
    ]


def spoiled(tmp_path: Path) -> Path:
    """Two features, one of which is a draft with a broken prompt and no eval set."""
    root = write_workspace(tmp_path, features=("tickets", "draft"))
    (root / "features" / "draft.yaml").write_text("name: Draft\n", encoding="utf-8")
    (root / "prompts" / "draft" / "default.j2").write_text("{{ inptu }}", encoding="utf-8")
    (root / "evalsets" / "draft" / "cases.jsonl").write_text("{", encoding="utf-8")
    return root


def test_a_draft_stops_no_command_on_another_feature(tmp_path: Path) -> None:
    root = spoiled(tmp_path)
    assert errors(root)
    assert list(load_workspace(root, features=("tickets",)).features) == ["tickets"]
    with pytest.raises(WorkspaceError, match=r"features/draft\.yaml: owner: is required"):
        load_workspace(root, features=("draft",))


def test_an_eval_set_of_another_name_is_still_the_wanted_features(tmp_path: Path) -> None:
    root = spoiled(tmp_path)
    edit(root / "features" / "tickets.yaml", "risk: medium", "risk: medium\nevalset: draft")
    with pytest.raises(WorkspaceError, match=r"evalsets/draft/cases\.jsonl:1: broken JSON"):
        load_workspace(root, features=("tickets",))


def test_what_all_features_share_stops_each(tmp_path: Path) -> None:
    root = spoiled(tmp_path)
    edit(root / "policy.yaml", "max_spend_usd: 10\n", "")
    with pytest.raises(WorkspaceError) as caught:
        load_workspace(root, features=("tickets",))
    assert [str(each) for each in caught.value.problems] == [
        "policy.yaml: max_spend_usd: is required and missing"
    ]


@pytest.mark.parametrize("body", ["{top_k: 1e999}", "{since: 2026-09-01}"])
def test_a_body_that_no_request_can_carry(root: Path, body: str) -> None:
    edit(root / MODEL_FILE, "  family: tiny", f"  family: tiny\n  extra_body: {body}")
    (line,) = errors(root)
    assert line.startswith(
        "models/all.yaml:11: small.extra_body: holds what no JSON request can carry: a day, or a "
    )
