from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet
import pytest
from click.testing import CliRunner

from harness.cli.setup.journal import journal as command
from harness.cli.setup.journal import lane_line
from harness.cli.show import fault_line
from harness.errors import UsageError
from harness.journal import upkeep
from harness.journal.database import MIGRATIONS, VERSION, journal_fault
from harness.journal.earlier import note_try
from harness.journal.journal import Ended, GpuLoading, Journal, Sent
from harness.journal.trials import Answered, Failed, Lane, LaneHistory, Outcome
from harness.workspace.fingerprints import fingerprint
from tests.harness.journal.test_journal import NOW, attempt
from tests.support.trials import CENT, trial


def written(path: Path, numbers: range, run_id: str = "r1", text: str = "yes") -> Path:
    """A journal with an answer per number, one failure and one interrupted attempt."""
    with Journal.open(path, run_id=run_id, cycle="2026-Q4", now=NOW) as journal:
        journal.write_plan(run_id, "sentiment", '{"a": 1}', fingerprint({"a": 1}), NOW)
        trials = [trial(number) for number in numbers]
        rows = journal.commit(ended=(), sent=[Sent(trial=t, number=1) for t in trials])
        ends: list[Ended] = []
        for row, asked in zip(rows[:-1], trials[:-1], strict=True):
            done = (attempt(),)
            outcome: Outcome = Answered(trial=asked, attempts=done, text=text, finish="stop")
            if not ends:
                outcome = Failed(trial=asked, attempts=done, reason="refusal")
            ends.append(Ended(row=row, attempt=attempt(), outcome=outcome))
        journal.commit(ended=ends, sent=())
    return path


def test_a_journal_tells_what_is_in_it(tmp_path: Path) -> None:
    facts = upkeep.show(written(tmp_path / "j", range(10)))
    assert (facts.trials, facts.attempts, facts.answered, facts.failed) == (10, 10, 8, 1)
    (run,) = facts.runs
    assert (run.run_id, run.plans, run.attempts, run.interrupted) == ("r1", 1, 10, 1)
    assert facts.version == VERSION


def test_a_journal_tells_why_trials_have_no_answer(
    tmp_path: Path,
) -> None:
    path = tmp_path / "j"
    with Journal.open(path, run_id="r1", cycle="2026-Q4", now=NOW) as journal:
        asked = [trial(number) for number in (1, 2)]
        for number in (1, 2):
            sent = [Sent(trial=one, number=number) for one in asked]
            lost = replace(attempt(), error="OverloadedError", status=503, usage=None)
            ends = [Ended(row=row, attempt=lost) for row in journal.commit(ended=(), sent=sent)]
            journal.commit(ended=ends, sent=())
    (fault,) = upkeep.unanswered(path, "r1")
    assert (fault.error, fault.status, fault.trials) == ("OverloadedError", 503, 2)
    assert upkeep.unanswered(path, "another") == ()
    assert upkeep.show(path).faults == (fault,)
    assert upkeep.unanswered(written(tmp_path / "sound", range(10)), "r1") == ()
    assert fault_line(fault) == (
        f"{fault.model}: 2 trials got no answer: OverloadedError, status 503"
    )


def test_a_sound_journal_has_no_problems(tmp_path: Path) -> None:
    assert list(upkeep.check(written(tmp_path / "j", range(10)))) == []


@pytest.mark.parametrize(
    ("harm", "word"),
    [
        ("DELETE FROM trials", "attempts of trials that are not in the journal"),
        ("DELETE FROM runs", "attempts of runs"),
        ("DELETE FROM attempts", "settled trials without an attempt"),
        ("DELETE FROM outcomes", "whose trial is not settled"),
        ("UPDATE plans SET plan = '{}'", "the plan of sentiment is not the one that was hashed"),
    ],
)
def test_each_kind_of_damage_is_found(tmp_path: Path, harm: str, word: str) -> None:
    path = written(tmp_path / "j", range(10))
    connection = sqlite3.connect(path)
    connection.execute(harm)
    connection.commit()
    connection.close()
    assert word in "\n".join(upkeep.check(path))


def test_a_try_is_sound_until_another_prompt_stands_in_it(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal.open(path, run_id="r1", cycle="2026-Q4", now=NOW) as journal:
        note_try(journal, "sentiment", "small", prompt_sha256="a" * 64, now=NOW)
    assert list(upkeep.check(path)) == []
    connection = sqlite3.connect(path)
    connection.execute("UPDATE plans SET plan = replace(plan, 'a', 'b')")
    connection.commit()
    connection.close()
    assert "the plan of try sentiment small is not the one" in "\n".join(upkeep.check(path))


def test_a_journal_that_others_may_read_is_a_problem(tmp_path: Path) -> None:
    path = written(tmp_path / "j", range(3))
    path.chmod(0o644)
    assert "others may read it (mode 644)" in upkeep.check(path)[0]


def test_merging_brings_what_is_new_once(tmp_path: Path) -> None:
    ours = written(tmp_path / "ours", range(10))
    theirs = written(tmp_path / "theirs", range(5, 20), "r2", "no")
    first = upkeep.merge(ours, theirs)
    assert (first.runs, first.attempts, first.outcomes, first.conflicts) == (1, 15, 10, 4)
    assert upkeep.merge(ours, theirs).attempts == 0
    assert list(upkeep.check(ours)) == []
    with Journal.read(ours) as journal:
        found = journal.settled([trial(7).fingerprint, trial(18).fingerprint])
        assert [found[trial(n).fingerprint].text for n in (7, 18)] == ["yes", "no"]
        assert len(found[trial(7).fingerprint].attempts) == 2


def test_merging_waits_for_no_review(tmp_path: Path) -> None:
    theirs = written(tmp_path / "theirs", range(3))
    with (
        Journal.open(tmp_path / "ours", run_id="r", cycle="c", now=NOW),
        pytest.raises(UsageError, match="in use by another review"),
    ):
        upkeep.merge(tmp_path / "ours", theirs)


def test_a_journal_is_not_merged_into_itself(tmp_path: Path) -> None:
    path = written(tmp_path / "j", range(5))
    (tmp_path / "link").symlink_to("j")
    for same in (path, tmp_path / "link", tmp_path / "." / "j"):
        with pytest.raises(UsageError, match="is this workspace's journal itself"):
            upkeep.merge(path, same)
    assert upkeep.show(path).attempts == 5


@pytest.mark.parametrize("name", ["j", "notes.txt", "folder", "link", "none/x.parquet"])
def test_an_export_takes_the_place_of_nothing_but_an_export(name: str, tmp_path: Path) -> None:
    path = written(tmp_path / "j", range(5))
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("j")
    before = path.read_bytes()
    with pytest.raises(UsageError, match=r"no Parquet file|is a folder|there is no such folder"):
        upkeep.export(path, tmp_path / name)
    assert path.read_bytes() == before
    assert (tmp_path / "notes.txt").read_text() == "mine"
    out = tmp_path / "out.parquet"
    assert [upkeep.export(path, out), upkeep.export(path, out)] == [5, 5]


def test_another_programs_database_is_no_journal_and_stays_as_it_is(tmp_path: Path) -> None:
    path, other = written(tmp_path / "j", range(5)), tmp_path / "places.sqlite"
    with closing(sqlite3.connect(other)) as theirs:
        theirs.execute("CREATE TABLE bookmarks (url TEXT)")
        theirs.commit()
    before = other.read_bytes()
    with pytest.raises(UsageError, match="another program's database, no journal"):
        upkeep.merge(path, other)
    assert other.read_bytes() == before
    assert sorted(tmp_path.glob("places*")) == [other]


def test_a_journal_without_one_of_its_tables_is_told(tmp_path: Path) -> None:
    path = written(tmp_path / "j", range(5))
    with closing(sqlite3.connect(path)) as theirs:
        theirs.execute("DROP TABLE lanes")
        theirs.commit()
    for use in (upkeep.show, upkeep.check, upkeep.compact):
        with pytest.raises(UsageError, match="has no table lanes; take a copy back"):
            use(path)
    assert "has no table lanes" in str(journal_fault(path))


def test_a_first_journal_may_be_a_colleagues(tmp_path: Path) -> None:
    theirs = written(tmp_path / "theirs", range(5))
    mine = tmp_path / "new" / ".rightsize" / "journal.sqlite"
    with pytest.raises(UsageError, match="no journal here"):
        upkeep.compact(mine)
    assert upkeep.merge(mine, theirs).attempts == 5
    assert stat.S_IMODE(mine.parent.stat().st_mode) == 0o700


def test_a_journal_that_another_program_holds_is_told(tmp_path: Path) -> None:
    path = written(tmp_path / "j", range(5))
    with closing(sqlite3.connect(path, isolation_level=None)) as theirs:
        theirs.execute("PRAGMA journal_mode = DELETE")
        theirs.execute("BEGIN EXCLUSIVE")
        assert "another program has it open" in str(journal_fault(path))


def test_compacting_keeps_everything(tmp_path: Path) -> None:
    path = written(tmp_path / "j", range(500))
    before = upkeep.show(path)
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE filler AS SELECT randomblob(1000000)")
    connection.execute("DROP TABLE filler")
    connection.commit()
    connection.close()
    large, small = upkeep.compact(path)
    assert small < large
    after = upkeep.show(path)
    assert (after.attempts, after.runs) == (before.attempts, before.runs)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("answers", [False, True])
def test_every_attempt_is_exported_answers_only_when_asked(
    tmp_path: Path,
    answers: bool,  # noqa: FBT001
) -> None:
    path = written(tmp_path / "j", range(10))
    assert upkeep.export(path, tmp_path / "out.parquet", answers=answers) == 10
    table = pyarrow.parquet.read_table(tmp_path / "out.parquet")
    assert ("text" in table.column_names) == answers
    assert table.column("cost_usd").to_pylist()[0] == str(CENT)
    assert stat.S_IMODE((tmp_path / "out.parquet").stat().st_mode) == 0o600


def test_an_older_journal_is_brought_forward(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "j")
    connection.executescript(MIGRATIONS[0] + "PRAGMA user_version = 1;")
    connection.execute("INSERT INTO runs VALUES ('old', '2026-Q3', '')")
    connection.commit()
    connection.close()
    facts = upkeep.show(tmp_path / "j")
    assert (facts.version, facts.runs[0].run_id) == (VERSION, "old")


def test_lanes_add_up_over_all_runs(tmp_path: Path) -> None:
    seen = LaneHistory(
        lane=Lane("openai", "KEY", "small"),
        calls=10,
        answered=9,
        rate_limited=1,
        overloaded=0,
        cuts=1,
        most_in_flight=4,
        tokens=100,
        active_s=2.5,
        requests_per_minute=600,
        tokens_per_minute=None,
    )
    for run_id in ("r1", "r2"):
        with Journal.open(tmp_path / "j", run_id=run_id, cycle="c", now=NOW) as journal:
            journal.add_lanes([seen])
            journal.add_lanes([seen])
            journal.add_lanes([])
    (total,) = upkeep.show(tmp_path / "j").lanes
    assert lane_line(total) == (
        "openai small: 40 calls in 10 s, at most 4 at once, 4 rate limits; "
        "granted 600 requests a minute"
    )
    assert (total.calls, total.cuts, total.most_in_flight) == (40, 4, 4)
    assert (total.active_s, total.requests_per_minute, total.lane) == (10.0, 600, seen.lane)


def test_a_merge_brings_what_loading_cost_once(tmp_path: Path) -> None:
    ours, theirs = written(tmp_path / "a", range(3)), written(tmp_path / "b", range(3, 6), "r2")
    load = GpuLoading(feature="sentiment", model="own", load_s=90.0, usd=Decimal("0.04"))
    with Journal.open(theirs, run_id="r2", cycle="2026-Q4", now=NOW) as journal:
        journal.add_loads([load])
        journal.begin_loads([load])
    for _ in range(2):
        upkeep.merge(ours, theirs)
        with Journal.read(ours) as journal:
            found = journal.load_spend("sentiment", "2026-Q4")
        assert (found.known_usd, found.possibly_billed_usd) == (load.usd, load.usd)


def test_a_journal_from_before_loads_could_be_open_has_them_all_ended(tmp_path: Path) -> None:
    path = tmp_path / "old"
    path.touch(mode=0o600)
    connection = sqlite3.connect(path)
    connection.executescript("".join(MIGRATIONS[:4]) + "PRAGMA user_version = 4;")
    connection.execute("INSERT INTO runs VALUES ('r', '2026-Q4', ?)", (NOW,))
    connection.execute("INSERT INTO loads VALUES ('r', 'sentiment', 'own', 90.0, '0.04')")
    connection.commit()
    connection.close()
    with Journal.open(path, run_id="r2", cycle="2026-Q4", now=NOW) as journal:
        found = journal.spend(cycle="2026-Q4")
    assert (found.known_usd, found.possibly_billed_usd) == (Decimal("0.04"), 0)


def test_the_command_shows_checks_merges_compacts_and_exports(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").touch()
    (tmp_path / "features").mkdir()
    written(tmp_path / ".rightsize" / "journal.sqlite", range(10))
    theirs = written(tmp_path / "theirs", range(10, 20), "r2")
    out = str(tmp_path / "out.parquet")
    for words, said in (
        (["show"], "10 trials asked in 10 attempts: 8 answered, 1 failed"),
        (["check"], "in order"),
        (["merge", str(theirs)], "1 run, 10 attempts and 9 answers came"),
        (["compact"], "MB"),
        (["export", out], "20 attempts"),
    ):
        result = CliRunner().invoke(command, ["--workspace", str(tmp_path), *words])
        assert result.exit_code == 0, result.output
        assert said in result.output
