"""All planted ids are found, and nothing else counts as a use."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.money.prices.model_catalogue import known_model_ids
from harness.workspace.scan.texts import Kind, Scan, Use
from harness.workspace.scan.tree import kind_of, scan_tree
from tests.support.projects import PROJECTS, Project

IDS = known_model_ids()
each_project = pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)


def scan(tmp_path: Path, files: dict[str, str]) -> Scan:
    return scan_tree(Project("p", files, ()).write(tmp_path), IDS)


def chosen(found: Scan) -> list[Use]:
    return [use for use in found.uses if use.kind == "production" and not use.listed]


@each_project
def test_every_planted_id_is_found_and_no_other(project: Project, tmp_path: Path) -> None:
    assert len(project.files) >= 20
    found = chosen(scan_tree(project.write(tmp_path), IDS))
    assert sorted((use.path, use.key, use.written) for use in found) == sorted(project.planted)
    for use in found:
        line = project.files[use.path].split("\n")[use.line - 1]
        assert use.written in line


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("app/settings.py", "production"),
        ("config/default.json", "production"),
        ("latest/app.py", "production"),
        ("tests/app.py", "test"),
        ("app/test_app.py", "test"),
        ("app/app_test.go", "test"),
        ("src/app.spec.ts", "test"),
        ("src/AppTests.cs", "test"),
        (".env.test", "test"),
        ("docs/app.py", "docs"),
        ("guide.md", "docs"),
        (".env.example", "docs"),
        ("values.sample.yaml", "docs"),
        (".env.production", "production"),
    ],
)
def test_kinds(path: str, kind: Kind) -> None:
    assert kind_of(path) == kind


def test_tests_and_docs_are_told_apart_and_counted(tmp_path: Path) -> None:
    found = scan(
        tmp_path,
        {
            "app.py": 'MODEL = "gpt-4o"\n',
            "tests/test_app.py": 'MODEL = "gpt-4o"\n',
            "README.md": 'Set "gpt-4o".\n',
            "empty.py": "",
        },
    )
    assert [(use.path, use.kind) for use in found.uses] == [
        ("README.md", "docs"),
        ("app.py", "production"),
        ("tests/test_app.py", "test"),
    ]
    assert found.files == 4


def test_many_models_in_one_list_are_no_choice(tmp_path: Path) -> None:
    found = scan(
        tmp_path,
        {
            "few.py": 'FALLBACKS = ["gpt-4o", "gpt-4.1"]\n',
            "many.py": 'ALLOWED = ("gpt-4o", "gpt-4.1", "gpt-5", "o3")\n',
            "set.py": 'ALLOWED_MODELS = {"gpt-4o", "gpt-4.1", "gpt-5", "o3"}\n',
            "few.yaml": "models: [gpt-4o, gpt-4.1]\n",
            "many.yaml": "models: [gpt-4o, gpt-4.1, gpt-5, o3]\n",
        },
    )
    by_path: dict[str, set[bool]] = {}
    for use in found.uses:
        by_path.setdefault(use.path, set()).add(use.listed)
    assert by_path == {
        "few.py": {False},
        "few.yaml": {False},
        "many.py": {True},
        "many.yaml": {True},
        "set.py": {True},
    }


def test_other_encodings_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes('MODEL = "gpt-4o"\n'.encode("utf-16"))
    (tmp_path / "b.py").write_bytes('NAME = "café"\nMODEL = "gpt-4o"\n'.encode("latin-1"))
    (tmp_path / "c.py").write_bytes(b"\xef\xbb\xbf" + b'MODEL = "gpt-4o"\n')
    (tmp_path / "d.yaml").write_bytes(b"model: gpt-4o\nname: \x00\x01\n")
    found = scan_tree(tmp_path, IDS)
    assert [(use.path, use.line) for use in found.uses] == [
        ("a.py", 1),
        ("b.py", 2),
        ("c.py", 1),
        ("d.yaml", 1),
    ]


def test_what_does_not_parse_is_read_line_by_line(tmp_path: Path) -> None:
    found = scan(
        tmp_path,
        {
            "broken.json": '{"chat": {"model": "gpt-4o"}, oops\n',
            "broken.yaml": "a: [\nmodel: gpt-4o\nother: 'gpt-4.1'\n",
            "old.py": 'print "hello"\nMODEL = "gpt-4o"\n',
            "nul.py": 'MODEL = "gpt-4o"\n\0',
        },
    )
    assert [(use.path, use.line, use.key, use.written) for use in found.uses] == [
        ("broken.json", 1, "chat.model", "gpt-4o"),
        ("broken.yaml", 2, "model", "gpt-4o"),
        ("broken.yaml", 3, "other", "gpt-4.1"),
        ("nul.py", 1, "MODEL", "gpt-4o"),
        ("old.py", 2, "MODEL", "gpt-4o"),
    ]


def test_large_files_are_listed_and_links_left_alone(tmp_path: Path) -> None:
    (tmp_path / "large.json").write_text('{"model": "gpt-4o"}' + " " * 2_000_000)
    (tmp_path / "app.py").write_text('MODEL = "gpt-4o"\n')
    (tmp_path / "linked.py").symlink_to(tmp_path / "app.py")
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere.py")
    found = scan_tree(tmp_path, IDS)
    assert [use.path for use in found.uses] == ["app.py"]
    assert [(each.path, each.reason) for each in found.unread] == [
        ("large.json", "2,000,019 bytes; not looked into")
    ]


def test_a_file_that_cannot_be_read_is_listed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "app.py").write_text('MODEL = "gpt-4o"\n')
    found = scan_tree(tmp_path, IDS)
    assert [use.path for use in found.uses] == ["app.py"]
    assert [(each.path, each.reason) for each in found.unread] == [("pipe.py", "no plain file")]


def test_a_workspace_of_ours_is_not_a_source(tmp_path: Path) -> None:
    found = scan(
        tmp_path,
        {
            "rightsizing/policy.yaml": "max_spend_usd: 1\n",
            "rightsizing/features/a.yaml": "incumbent: gpt-4o\n",
            "env/prod.yaml": "model: gpt-4o\n",
            "venv/pyvenv.cfg": "home = /usr\n",
            "venv/model.py": 'MODEL = "gpt-4o"\n',
        },
    )
    assert [use.path for use in found.uses] == ["env/prod.yaml"]


SUFFIXES = (".py", ".ts", ".toml", ".yaml", ".json", ".env", ".ini", ".tf", ".md")
fragments = st.sampled_from(
    [
        '"',
        "'",
        "`",
        "\n",
        " ",
        ":",
        "=",
        "{",
        "}",
        "[",
        "]",
        "#",
        "//",
        "/*",
        "*/",
        "\\",
        "?",
        "gpt-4o",
        "model",
        "x",
        "- ",
        "\t",
        "é",
        "\x00",
        "|",
        ",",
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(fragments, max_size=40).map("".join), st.sampled_from(SUFFIXES))
def test_no_text_stops_the_scan_and_every_use_stands_on_its_line(text: str, suffix: str) -> None:
    with TemporaryDirectory() as folder:
        (Path(folder) / f"a{suffix}").write_text(text, encoding="utf-8", newline="")
        found = scan_tree(Path(folder), frozenset({"gpt-4o"}))
    assert found.files == 1
    for use in found.uses:
        assert use.model_id == "gpt-4o"
        assert use.line >= 1
