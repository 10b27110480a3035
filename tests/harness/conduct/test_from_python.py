"""The jobs as calls from Python: the README's example as it stands, and who is told."""

from __future__ import annotations

import re
import shutil
from decimal import Decimal
from pathlib import Path

import pytest

import harness.conduct
from harness.cli.main import run
from harness.conduct import plan, review
from harness.conduct.listening import Planned, Quiet
from harness.conduct.running import RunSettings
from harness.errors import BudgetRefusedError, ExitCode
from harness.plan.model import Plan
from harness.plan.planning import Selection
from harness.workspace.workspace import Workspace
from tests.support.imports import outcome_workspace, reviewed
from tests.support.outcomes_table import outcomes_table

README = Path(__file__).parents[3] / "README.md"
_EXAMPLE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose answers are there, with an accepted decision and its lock."""
    folder = tmp_path_factory.mktemp("shop")
    table = folder / "answers.csv"
    table.write_text(outcomes_table(), encoding="utf-8")
    root = folder / "rightsizing"
    outcome_workspace(root, table)
    reviewed(root)
    by = ["--by", "dana@example.com", "--reason", "agreed", "-w", str(root)]
    assert run(["decide", "routing", "accept", *by]) == ExitCode.OK
    assert run(["lock", "-w", str(root)]) == ExitCode.OK
    shutil.rmtree(root / "reviews")
    return folder


def test_the_example_of_the_readme_runs(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (example,) = _EXAMPLE.findall(README.read_text(encoding="utf-8"))
    monkeypatch.chdir(shop)
    exec(compile(example, "README.md", "exec"), {})  # noqa: S102  # what a reader would run
    verdict, page, code = capsys.readouterr().out.splitlines()
    assert verdict.startswith("routing ")
    assert Path(page).is_file()
    assert int(code) in set(ExitCode)


class Told(Quiet):
    """Remembers what it was told."""

    def __init__(self, *, allows: bool = True) -> None:
        self.allows = allows
        self.said: list[str] = []

    def refused(self, workspace: Workspace) -> None:
        self.said += [f"refused {name}" for name in workspace.refused]

    def planned(self, planned: Planned) -> None:
        self.said += [f"planned {one.feature}" for one in planned.plan.features]

    def allow(self, plan: Plan) -> None:  # noqa: ARG002
        self.said.append("asked")
        if not self.allows:
            raise BudgetRefusedError("no")


def test_a_job_prints_nothing_and_tells_its_listener(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = Told()
    found = review(shop / "rightsizing", settings=RunSettings(listener=told))
    assert told.said == ["planned routing", "asked"]
    assert [record.feature.id for record in found.records] == ["routing"]
    assert found.cycle_usd == found.earlier_usd == Decimal(0)
    assert capsys.readouterr() == ("", "")


def test_what_a_listener_does_not_allow_is_not_begun(shop: Path) -> None:
    folder = shop / "rightsizing" / "reviews"
    shutil.rmtree(folder, ignore_errors=True)
    with pytest.raises(BudgetRefusedError):
        review(shop / "rightsizing", settings=RunSettings(listener=Told(allows=False)))
    assert not folder.exists()


def test_a_feature_that_check_refuses_is_told_and_left_out(shop: Path, tmp_path: Path) -> None:
    root = tmp_path / "rightsizing"
    shutil.copytree(shop / "rightsizing", root)
    good = root / "features" / "routing.yaml"
    bad = good.read_text(encoding="utf-8").replace("team: support", "team: support\nfoo: 1")
    (root / "features" / "broken.yaml").write_text(bad, encoding="utf-8")
    told = Told()
    planned = plan(root, Selection(), listener=told)
    assert told.said == ["refused broken", "planned routing"]
    assert planned.exit_code == ExitCode.USAGE_ERROR


def test_another_name_is_no_job() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = harness.conduct.nothing
