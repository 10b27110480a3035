"""A source tree becomes drafts once; what a person wrote is never changed."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pytest
import yaml

from harness.bring.onramp.drafts import FeatureDraft, Owner, feature_text, quoted, write_layout
from harness.bring.onramp.scan_features import ScanReport, scan_features
from harness.cli.setup.init import scan_lines
from harness.conduct.checking import check_workspace, priced_on
from harness.money.prices.model_catalogue import known_model_ids
from harness.workspace.feature_file import FeatureConfig
from harness.workspace.reading import shipped
from tests.harness.bring.onramp.test_layout import tree
from tests.support.projects import PROJECTS, Project
from tests.support.workspaces import edit

IDS = known_model_ids()


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path / "rightsizing"
    write_layout(root, templates=shipped("init"), example=False)
    return root


@pytest.fixture
def services(tmp_path: Path) -> Path:
    folder = tmp_path / "services"
    for project in PROJECTS:
        project.write(folder)
    (folder / "ap-service" / "CODEOWNERS").write_text("* dana@example.com @acme/payables\n")
    return folder


def scan(workspace: Path, source: Path) -> ScanReport:
    return scan_features(workspace, source, ids=IDS)


def small(tmp_path: Path, files: dict[str, str]) -> Path:
    return Project("shop", files, ()).write(tmp_path / "source").parent


def drafts(workspace: Path) -> dict[str, dict[str, object]]:
    paths = sorted((workspace / "features").glob("*.yaml"))
    return {path.stem: yaml.safe_load(path.read_text()) for path in paths}


def test_one_draft_for_each_place_in_production_and_none_from_tests_or_docs(
    workspace: Path, services: Path
) -> None:
    report = scan(workspace, services)
    places = {(project.name, path, key) for project in PROJECTS for path, key, _ in project.planted}
    drafted = drafts(workspace)
    assert {each["used_in"] for each in drafted.values()} == {
        f"{name}:{path}#{key}" for name, path, key in places
    }
    assert len(report.drafted) == len(places) == len(drafted)
    assert report.notes == ()
    # 32 more are named in tests, documentation and lists of many models.
    assert report.ids == sum(len(project.planted) for project in PROJECTS) + 32
    assert Counter(report.ignored) == {
        "in documentation": 8,
        "in lists of many models": 12,
        "in tests": 12,
    }


def test_a_second_run_changes_nothing(workspace: Path, services: Path) -> None:
    first = scan(workspace, services)
    before = tree(workspace)
    second = scan(workspace, services)
    assert tree(workspace) == before
    assert (second.drafted, second.models) == ((), ())
    assert second.kept == tuple(sorted(first.drafted))
    assert second.to_fill_in == first.to_fill_in


def test_only_what_a_person_must_fill_in_is_missing(workspace: Path, services: Path) -> None:
    report = scan(workspace, services)
    problems = check_workspace(workspace, has_price=priced_on(date(2026, 11, 24))).problems
    in_files = [problem for problem in problems if problem.file.startswith(("models", "features"))]
    features = [problem for problem in in_files if problem.file.startswith("features")]
    assert {(problem.key, problem.message) for problem in features} == {
        (key, "is required and missing") for key in ("data", "owner", "team")
    }
    assert [(problem.key, problem.message) for problem in in_files if problem not in features] == [
        ("claude-haiku-4-5-20251001.platform", "bedrock needs `region:`")
    ]
    counted = Counter(problem.key for problem in features)
    assert counted == {key: n for key, n in report.to_fill_in.items() if key != "traffic"}
    assert report.to_fill_in["traffic"] == len(report.drafted)


def test_a_draft_filled_in_is_a_feature(workspace: Path, services: Path) -> None:
    scan(workspace, services)
    file = workspace / "features" / "invoice.yaml"
    edit(file, "# data:       what", "data: customer # what")
    config = FeatureConfig.model_validate(yaml.safe_load(file.read_text()))
    assert (config.incumbent, config.owner) == ("claude-opus-4-5", "dana@example.com")
    assert config.used_in == "ap-service:settings.toml#llm.invoice.model"


def test_what_a_person_wrote_stays_and_a_renamed_file_is_known(
    workspace: Path, services: Path
) -> None:
    scan(workspace, services)
    folder = workspace / "features"
    edit(folder / "invoice.yaml", "name: Invoice\n", "name: Our invoices\n")
    (folder / "invoice.yaml").rename(folder / "our-invoices.yaml")
    (folder / "router.yaml").write_text("used_in: ap-service:settings.toml#llm.router.model\n- [\n")
    (folder / "route.yaml").write_text("- a list\n")
    before = tree(workspace)
    report = scan(workspace, services)
    after = tree(workspace)
    # The file that says nothing of its place any more is not known; all others are.
    assert [name for name in after if name not in before] == [f"features/{report.drafted[0]}.yaml"]
    assert {name: after[name] for name in before} == before


def test_a_model_changed_in_source_is_said_and_not_written(tmp_path: Path, workspace: Path) -> None:
    source = small(tmp_path, {"app.py": 'MOOD_MODEL = "gpt-4o"\nTONE_MODEL = "gpt-4o"\n'})
    scan(workspace, source)
    edit(workspace / "features" / "mood.yaml", "incumbent: gpt-4o", "incumbent: gpt-4o@low")
    (source / "shop" / "app.py").write_text('MOOD_MODEL = "gpt-4o"\nTONE_MODEL = "gpt-4.1"\n')
    report = scan(workspace, source)
    assert report.notes == ("features/tone.yaml says gpt-4o; shop/app.py:2 says gpt-4.1",)
    assert drafts(workspace)["tone"]["incumbent"] == "gpt-4o"


def test_a_place_that_went_away_is_said(tmp_path: Path, workspace: Path) -> None:
    source = small(tmp_path, {"app.py": 'MOOD_MODEL = "gpt-4o"\nTONE_MODEL = "gpt-4o"\n'})
    scan(workspace, source)
    (workspace / "features" / "hr.yaml").write_text("used_in: elsewhere:app.py#HR_MODEL\n")
    (source / "shop" / "app.py").write_text('MOOD_MODEL = "gpt-4o"\n')
    assert scan(workspace, source).notes == (
        "features/tone.yaml: shop:app.py#TONE_MODEL is not found any more",
    )


def test_models_are_added_to_what_is_there(tmp_path: Path, workspace: Path) -> None:
    (workspace / "models").mkdir()
    (workspace / "models" / "openai.yaml").write_text(
        "gpt-4o:   # ours\n  provider: openai\n  may_see: [public]"
    )
    (workspace / "models" / "google.yaml").write_text("gemini: [\n")
    source = small(
        tmp_path,
        {
            "app.py": 'A_MODEL = "gpt-4o"\nB_MODEL = "gpt-4.1"\nC_MODEL = "gemini-2.5-pro"\n'
            'D_MODEL = "mistral/mistral-large"\nE_MODEL = "azure/gpt-5"\n'
            'F_MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"\n'
        },
    )
    report = scan(workspace, source)
    assert set(report.models) == {"gpt-4.1", "mistral-large", "gpt-5", "claude-haiku-4-5-20251001"}
    text = (workspace / "models" / "openai.yaml").read_text()
    assert text.startswith("gpt-4o:   # ours\n  provider: openai\n  may_see: [public]\ngpt-4.1:\n")
    models = yaml.safe_load(text)
    assert models["gpt-5"]["platform"] == "azure"
    anthropic = yaml.safe_load((workspace / "models" / "anthropic.yaml").read_text())
    assert anthropic["claude-haiku-4-5-20251001"]["platform"] == "bedrock"
    others = yaml.safe_load((workspace / "models" / "others.yaml").read_text())
    assert others == {"mistral-large": {"provider": "openai-compatible", "may_see": []}}
    assert report.notes == ("models/google.yaml is no YAML just now; add gemini-2.5-pro to it",)


def test_models_that_write_no_text_are_no_features(tmp_path: Path, workspace: Path) -> None:
    source = small(
        tmp_path, {"app.py": 'INDEX_MODEL = "text-embedding-3-small"\nSAY_MODEL = "tts-1"\n'}
    )
    report = scan(workspace, source)
    assert report.drafted == ()
    assert report.ignored == {"of models that write no text": 2}


OTHERS = {
    "embeddings": ("text-embedding-3-small", "BAAI/bge-m3", "embed-english-v3.0", "voyage-3-large",
                   "sentence-transformers/all-MiniLM-L6-v2", "amazon.titan-embed-text-v2:0"),
    "rerankers": ("cohere/rerank-v3.5", "BAAI/bge-reranker-v2-m3", "rerank-english-v3.0"),
    "audio": ("whisper-1", "gpt-4o-mini-tts", "gpt-4o-transcribe", "eleven_multilingual_v2"),
    "images": ("dall-e-3", "gpt-image-1", "imagen-4.0-generate-001", "stable-diffusion-xl-1.0"),
    "video": ("sora-2", "veo-3.0-generate-001"),
}  # fmt: skip


def test_embeddings_rerankers_audio_and_images_are_listed_with_their_number(
    tmp_path: Path, workspace: Path
) -> None:
    names = [name for listed in OTHERS.values() for name in listed]
    lines = [f'M{at}_MODEL = "{name}"\n' for at, name in enumerate([*names, "whisper-1"])]
    source = small(tmp_path, {"app.py": "".join(lines), "tests/t.py": 'M = "dall-e-3"\n'})
    found = scan(workspace, source)
    assert found.drafted == found.models == ()
    counts = [line.split(", not reviewed: ")[0] for line in found.others]
    more = {"audio": 1}
    assert counts == [f"{kind}: {len(OTHERS[kind]) + more.get(kind, 0)}" for kind in ORDER]
    assert "whisper-1 (2)" in next(line for line in found.others if line.startswith("audio"))
    told = [line for line in scan_lines(found) if line.startswith("left out: rerankers")]
    named = "bge-reranker-v2-m3 (1), rerank-english-v3.0 (1), rerank-v3.5 (1)"
    assert told == [f"left out: rerankers: 3, not reviewed: {named}"]


ORDER = ("rerankers", "embeddings", "audio", "images", "video")


def test_what_could_not_be_looked_into_is_said(tmp_path: Path, workspace: Path) -> None:
    source = small(tmp_path, {"large.json": " " * 2_000_001})
    assert scan(workspace, source).notes == (
        "shop/large.json: not looked into (2,000,001 bytes; not looked into)",
    )


def test_the_report_reads_like_a_sentence(workspace: Path, tmp_path: Path) -> None:
    source = small(
        tmp_path,
        {"app.py": 'MOOD_MODEL = "gpt-4o"\n', "tests/a.py": 'M = "gpt-4o"\n', "a.json": "1" * 3},
    )
    assert list(scan_lines(scan(workspace, source))) == [
        "2 model ids in 2 files -> 1 feature drafted in features/ (1 in tests: ignored)",
        "models drafted in models/: gpt-4o",
        "to fill in: owner (1), team (1), data (1), traffic (1)",
    ]
    (source / "shop" / "app.py").write_text('MOOD_MODEL = "gpt-4.1"\n')
    assert list(scan_lines(scan(workspace, source)))[1:] == [
        "left as they are: 1 feature",
        "models drafted in models/: gpt-4.1",
        "to fill in: owner (1), team (1), data (1), traffic (1)",
        "look at: features/mood.yaml says gpt-4o; shop/app.py:1 says gpt-4.1",
    ]


@pytest.mark.parametrize("text", ["yes", "1.5", "a: b", "a #b", "- a", "é", "[a]", "a:", "", "0x1"])
def test_a_text_that_yaml_would_read_otherwise_is_quoted(text: str) -> None:
    assert quoted(text).startswith('"')
    assert yaml.safe_load(f"key: {quoted(text)}") == {"key": text}


def test_a_draft_with_all_that_can_be_known() -> None:
    draft = FeatureDraft(
        id="mood-of-a-review",
        incumbent="gpt-4o",
        used_in="shop:app.py#env[MOOD].value",
        product="shop",
        owner=Owner(email="dana@example.com", team="web"),
        also_named=("gpt-4.1",),
    )
    assert yaml.safe_load(feature_text(draft)) == {
        "name": "Mood of a review",
        "owner": "dana@example.com",
        "team": "web",
        "product": "shop",
        "environment": "production",
        "risk": "medium",
        "incumbent": "gpt-4o",
        "used_in": "shop:app.py#env[MOOD].value",
        "candidates": "auto",
    }
    assert "# the same place also names gpt-4.1\n" in feature_text(draft)
