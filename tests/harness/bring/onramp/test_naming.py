"""What a feature found in source is called."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from harness.bring.onramp import drafts, imported_set, scan_features
from harness.bring.onramp.drafts import Owner, owner_of
from harness.bring.onramp.scan_features import feature_id, free_name, place_of, repository_of
from harness.workspace.reading import shipped


@pytest.mark.parametrize(
    ("key", "path", "name"),
    [
        ("llm.invoice.model", "settings.toml", "invoice"),
        ("TRIAGE_MODEL", ".env", "triage"),
        ("model", "src/reviewSummary.ts", "review-summary"),
        ("LLM_MODEL", "config/settings.py", "the-repo"),
        ("LLM_MODEL", "billing/config.py", "billing"),
        ("services.gateway.environment.GATEWAY_MODEL", "compose.yaml", "gateway"),
        ("HTTPServer.parseInvoiceLines.model", "a.py", "server-parse-invoice-lines"),
        ("a.b.c.d.e.f", "x.yaml", "c-d-e-f"),
        ("gpt4", "v2/1.py", "v"),
    ],
)
def test_the_id_says_what_the_model_is_for(key: str, path: str, name: str) -> None:
    assert feature_id(key, path, "the_repo") == name


def test_a_repository_without_letters() -> None:
    assert feature_id("model", "main.py", "---") == "feature"


@pytest.mark.parametrize(
    ("taken", "name"),
    [
        (set[str](), "chat"),
        ({"chat"}, "router-chat"),
        ({"chat", "router-chat"}, "web-shop-chat"),
        ({"chat", "router-chat", "web-shop-chat"}, "chat-2"),
        ({"chat", "router-chat", "web-shop-chat", "chat-2"}, "chat-3"),
    ],
)
def test_a_taken_name_says_more(taken: set[str], name: str) -> None:
    assert free_name("chat", "src/router.ts", "web-shop", taken) == name


def test_the_repository_is_the_nearest_one_with_git(tmp_path: Path) -> None:
    for folder in ("a/.git", "a/sub/.git"):
        (tmp_path / folder).mkdir(parents=True)
    assert repository_of(tmp_path, "a/x/app.py") == ("a", "x/app.py")
    assert repository_of(tmp_path, "a/sub/x/app.py") == ("sub", "x/app.py")


def test_without_git_it_is_the_project_or_the_folder_in_the_scanned_one(tmp_path: Path) -> None:
    assert repository_of(tmp_path, "a/x/app.py") == ("a", "x/app.py")
    assert repository_of(tmp_path, "app.py") == (tmp_path.name, "app.py")
    (tmp_path / "pyproject.toml").touch()
    assert repository_of(tmp_path, "a/x/app.py") == (tmp_path.name, "a/x/app.py")


def test_a_place_has_no_blanks_and_always_a_key(tmp_path: Path) -> None:
    assert place_of(tmp_path, "a/my app.py", "the key", 3) == "a:my_app.py#the_key"
    assert place_of(tmp_path, "a/app.py", "", 3) == "a:app.py#L3"


OWNERS = """\
# everything
*                 @acme/platform  # the rest
/app/             dana@example.com @acme/payables
*.tf              @acme/infra ops@example.com
docs/**/models    writer@example.com
nobody.py
src/?.py          one@example.com
billing/*         flat@example.com
/*.cfg            root@example.com
deep/**           deep@example.com
logs/             logs@example.com
"""


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("README.md", Owner(team="platform")),
        ("app/x/y.py", Owner(email="dana@example.com", team="payables")),
        ("other/app/x.py", Owner(team="platform")),
        ("app/main.tf", Owner(email="ops@example.com", team="infra")),
        ("docs/a/b/models/x.md", Owner(email="writer@example.com")),
        ("docs/models", Owner(email="writer@example.com")),
        ("app/nobody.py", Owner()),
        ("src/a.py", Owner(email="one@example.com")),
        ("src/ab.py", Owner(team="platform")),
        ("billing/main.py", Owner(email="flat@example.com")),
        ("billing/rates/main.py", Owner(team="platform")),
        ("setup.cfg", Owner(email="root@example.com")),
        ("tools/setup.cfg", Owner(team="platform")),
        ("deep/a/b.py", Owner(email="deep@example.com")),
        ("app2/logs/a/b.py", Owner(email="logs@example.com")),
        ("tools/logs", Owner(team="platform")),
    ],
)
@pytest.mark.parametrize("place", ["CODEOWNERS", ".github/CODEOWNERS"])
def test_owners(tmp_path: Path, path: str, owner: Owner, place: str) -> None:
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text(OWNERS)
    assert owner_of(tmp_path, path) == owner


def test_a_sections_owners_own_what_its_lines_name_nobody_for(tmp_path: Path) -> None:
    text = "* a@example.com\n[Two words][2] @acme/docs b@example.com\ndocs/\n^[Optional]\nx.py\n"
    (tmp_path / ".gitlab").mkdir()
    (tmp_path / ".gitlab" / "CODEOWNERS").write_text(text)
    assert owner_of(tmp_path, "docs/a.md") == Owner(email="b@example.com", team="docs")
    assert owner_of(tmp_path, "x.py") == Owner()
    assert owner_of(tmp_path, "y.py") == Owner(email="a@example.com")


def test_without_a_file_nobody_is_known(tmp_path: Path) -> None:
    assert owner_of(tmp_path, "a.py") == Owner()


def test_no_drafted_price_has_a_day_that_will_be_over() -> None:
    """Whoever takes the `#` away states the day; one that stood there would be old by then."""
    drafted = [path.read_text(encoding="utf-8") for path in shipped("init").rglob("*.yaml")]
    drafted += [inspect.getsource(module) for module in (drafts, imported_set, scan_features)]
    prices = [
        line
        for line in "\n".join(drafted).splitlines()
        if re.search(r"\b(?:input|on_demand|per_request|per_hour): *[0-9]", line)
    ]
    assert len(prices) >= 4
    for line in prices:
        assert "YYYY-MM-DD" in line
        assert not re.search(r"\d{4}-\d{2}", line), line
