"""JSON Schemas for editors, one a kind of file: `python -m harness.bring.onramp.schemas FOLDER`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import TypeAdapter

from evalsets.files import EvalSetConfig
from harness.judge.scoring.catalogue import OPTIONS, WHAT
from harness.record.model import DecisionRecord
from harness.workspace.feature_file import FeatureConfig
from harness.workspace.model_file import ModelConfig
from harness.workspace.policy_file import PolicyConfig

DIALECT = "https://json-schema.org/draft/2020-12/schema"
DEFAULT_FOLDER = Path("configs") / "schemas"


@cache
def schema_texts() -> Mapping[str, str]:
    """The schemas by file name. A record's describes what is written, the others what is read."""
    schemas = {
        "evalset.json": _with_scorers(EvalSetConfig.model_json_schema()),
        "feature.json": FeatureConfig.model_json_schema(),
        "models.json": TypeAdapter(dict[str, ModelConfig]).json_schema(),
        "policy.json": PolicyConfig.model_json_schema(),
        "record.json": DecisionRecord.model_json_schema(mode="serialization"),
    }
    texts = {
        name: json.dumps({"$schema": DIALECT, **schema}, indent=2, sort_keys=True) + "\n"
        for name, schema in schemas.items()
    }
    return MappingProxyType(texts)


def _with_scorers(schema: dict[str, Any]) -> dict[str, Any]:
    """The eval set's schema, with every scorer by name and what its options mean."""
    defs = schema["$defs"]
    rules: list[dict[str, Any]] = []
    for name, model in OPTIONS.items():
        found = model.model_json_schema(by_alias=True)
        defs |= found.pop("$defs", {})
        options = {key: found[key] for key in ("properties", "required") if key in found}
        if options["properties"]:
            rules.append({"if": {"properties": {"scorer": {"const": name}}}, "then": options})
    named = [{"const": name, "description": what} for name, what in WHAT.items()]
    own = {"pattern": ":", "description": "A function of your own, `module:function`."}
    for part in (defs["ScorerConfig"], defs["GuardrailConfig"]):
        part["properties"]["scorer"]["anyOf"] = [*named, own]
        part["allOf"] = rules
    return schema


def write_schemas(folder: Path) -> tuple[Path, ...]:
    """Write the schemas that are not there yet as they should be; returns the changed files."""
    folder.mkdir(parents=True, exist_ok=True)
    changed: list[Path] = []
    for name, text in schema_texts().items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return tuple(changed)


def main(arguments: Sequence[str]) -> int:
    """Write the schemas into the folder that is named, else into `configs/schemas`."""
    for path in write_schemas(Path(arguments[0]) if arguments else DEFAULT_FOLDER):
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
