"""The committed JSON Schemas say what the code reads, and the demo's files pass them."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from evalsets.source import read_yaml
from harness.bring.onramp.schemas import main, schema_texts, write_schemas
from harness.judge.scoring.catalogue import OPTIONS, WHAT

CONFIGS = Path(__file__).parents[4] / "configs"
SCHEMAS = CONFIGS / "schemas"
DEMO_FILES = sorted((CONFIGS / "demo").glob("**/*.yaml"))
FIRST_LINE = "# yaml-language-server: $schema="


@pytest.mark.parametrize("name", sorted(schema_texts()))
def test_the_committed_schema_is_current(name: str) -> None:
    assert (SCHEMAS / name).read_text() == schema_texts()[name], (
        "run `python -m harness.bring.onramp.schemas`"
    )


@pytest.mark.parametrize("name", sorted(schema_texts()))
def test_a_schema_is_itself_valid_and_describes_every_key(name: str) -> None:
    schema = json.loads(schema_texts()[name])
    jsonschema.Draft202012Validator.check_schema(schema)
    parts = [schema, *schema["$defs"].values()]
    if name != "record.json":
        for part in parts:
            for key, value in part.get("properties", {}).items():
                assert value.get("description") or "$ref" in value, (
                    f"{name}: {key} has no description"
                )


def schema_of(path: Path) -> Path | None:
    first = path.read_text().split("\n", 1)[0]
    return path.parent / first.removeprefix(FIRST_LINE) if first.startswith(FIRST_LINE) else None


def plain(value: object) -> object:
    """As a JSON reader would see it: days are texts."""
    return json.loads(json.dumps(value, default=str))


@pytest.mark.parametrize("path", DEMO_FILES, ids=lambda path: path.parent.name + "/" + path.name)
def test_a_demo_file_names_its_schema_and_passes_it(path: Path) -> None:
    schema = schema_of(path)
    if path.name == "weights.yaml":
        return
    assert schema is not None
    assert schema.resolve().parent == SCHEMAS
    jsonschema.validate(
        plain(read_yaml(path.read_text(), file=path.name).data), json.loads(schema.read_text())
    )


def test_only_what_differs_is_written(tmp_path: Path) -> None:
    names = {path.name for path in write_schemas(tmp_path)}
    assert names == set(schema_texts())
    (tmp_path / "policy.json").write_text("{}")
    assert write_schemas(tmp_path) == (tmp_path / "policy.json",)
    assert write_schemas(tmp_path) == ()


def test_the_command_writes_into_the_folder_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(schema_texts())


def test_the_eval_set_s_schema_says_each_scorer_s_options() -> None:
    """In the words of `rightsize scorers NAME`, with type, default and what is required."""
    schema = json.loads(schema_texts()["evalset.json"])
    part = schema["$defs"]["ScorerConfig"]
    told = {one["const"]: one["description"] for one in part["properties"]["scorer"]["anyOf"][:-1]}
    assert told == dict(WHAT)
    rules = {rule["if"]["properties"]["scorer"]["const"]: rule["then"] for rule in part["allOf"]}
    assert {name for name, rule in rules.items() if rule["properties"]} == {
        name for name, model in OPTIONS.items() if model.model_fields
    }
    for name, rule in rules.items():
        for key, option in rule["properties"].items():
            assert option["description"], (name, key)
            assert {"type", "anyOf", "$ref", "enum"} & set(option), (name, key)
    check = jsonschema.Draft202012Validator(schema)
    source = {"kind": "written", "targets": "human"}
    for primary, right in (
        ({"scorer": "label", "labels": ["a", "b"]}, True),
        ({"scorer": "label"}, False),
        ({"scorer": "number", "locale": "de", "tolerance": 0.1}, True),
        ({"scorer": "number", "locale": 5}, False),
        ({"scorer": "json-fields", "pass": "most"}, False),
        ({"scorer": "ours:grade", "anything": 1}, True),
        ({"scorer": "exactly"}, False),
    ):
        whole = {"cases": "cases.jsonl", "unit": "cases", "source": source, "primary": primary}
        assert check.is_valid(whole) is right, primary
