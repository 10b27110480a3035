from __future__ import annotations

import io
from dataclasses import replace
from decimal import Decimal

import pytest
from rich.console import Console
from rich.progress import Progress, TextColumn

from harness.cli.show import LiveProgress, PlainProgress, Remaining, show_progress, standing_line
from harness.conduct.reviewing.progress import OptionProgress, Prefetching, Silent, Upcoming

STANDING = OptionProgress(
    feature="tickets",
    option="good",
    look=3,
    rests_on=330,
    looks=5,
    cases=336,
    of_cases=560,
    worst=-3.44,
    margin=5,
    action="continue",
    spent_usd=Decimal("17.10"),
)


def planned(most: int, expected: int | None = None) -> Upcoming:
    return Upcoming(most=most, expected=most if expected is None else expected)


def test_a_standing_is_one_line() -> None:
    words = " ".join(standing_line(STANDING).split())
    assert words == (
        "tickets good look 3 of 5 336/560 at worst -3.4 on 330 (limit -5 points) continue USD 17.10"
    )


def test_a_log_tells_how_far_and_how_long(capsys: pytest.CaptureFixture[str]) -> None:
    ticks = iter([0.0] * 24 + [50.0])
    progress = PlainProgress(planned(100), lambda: next(ticks))
    progress.note("starting big")
    for _ in range(25):
        progress.settled(spent_usd=Decimal("0.5"))
    progress.stood(STANDING)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "starting big"
    assert lines[1] == "25 of at most 100 answers, USD 0.50, about 3 min left"
    assert lines[2].startswith("tickets")


def test_a_missing_answer_is_not_counted_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    ticks, screen = iter([0.0] * 24 + [50.0]), io.StringIO()
    with Progress(TextColumn("{task.fields[spent]}"), console=Console(file=screen)) as bar:
        for progress in (
            PlainProgress(planned(100), lambda: next(ticks)),
            LiveProgress(bar, planned(25), lambda: 0.0),
        ):
            for number in range(25):
                progress.settled(spent_usd=Decimal("0.5"), answered=number % 5 != 0)
        assert bar.finished
    told = "USD 0.50, about 3 min left"
    line = f"20 of at most 100 answers, 5 without an answer, {told}"
    assert capsys.readouterr().out.splitlines()[0] == line
    assert "USD 0.50, 5 without an answer" in screen.getvalue()


def test_a_terminal_shows_a_bar_and_lines_above_it() -> None:
    screen = io.StringIO()
    with Progress(console=Console(file=screen, width=120)) as bar:
        progress = LiveProgress(bar, planned(2), lambda: 0.0)
        progress.settled(spent_usd=Decimal(1))
        progress.settled(spent_usd=Decimal(2))
        progress.stood(STANDING)
        assert bar.finished
    assert "336/560" in screen.getvalue()
    assert "100%" in screen.getvalue()


def test_without_a_terminal_a_log_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    with show_progress(planned(10)) as progress:
        progress.note("one line")
    assert capsys.readouterr().out == "one line\n"


def test_a_log_of_many_answers_has_twenty_lines_and_one_of_slow_ones_one_in_ten_seconds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    progress = PlainProgress(planned(6000), lambda: 0.0)
    for _ in range(6000):
        progress.settled(spent_usd=Decimal(0))
    assert len(capsys.readouterr().out.splitlines()) == 20
    ticks = iter(4.0 * n for n in range(10))
    slow = PlainProgress(planned(6000), lambda: next(ticks))
    for _ in range(10):
        slow.settled(spent_usd=Decimal(0))
    told = [line.split(" of ")[0] for line in capsys.readouterr().out.splitlines()]
    assert told == ["4", "7", "10"]


def test_silence_tells_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    silent = Silent()
    silent.note("")
    silent.settled(spent_usd=Decimal(0))
    silent.stood(STANDING)
    assert capsys.readouterr().out == ""


def test_an_option_that_ended_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    progress = PlainProgress(planned(100), lambda: 0.0)
    ended = replace(STANDING, action="futile")
    progress.stood(ended)
    progress.stood(replace(ended, spent_usd=Decimal(18)))
    progress.stood(replace(ended, option="better"))
    told = [" ".join(line.split()[:2]) for line in capsys.readouterr().out.splitlines()]
    assert told == ["tickets good", "tickets better"]


def test_what_is_answered_ahead_is_told_of_twice_and_never_above_the_most(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = PlainProgress(planned(25), lambda: 0.0)
    ahead = Prefetching(log)
    ahead.note("offline: own in 2 at once")
    ahead.stood(STANDING)
    for progress in (ahead, log):
        for _ in range(25):
            progress.settled(spent_usd=Decimal("0.5"))
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "offline: own in 2 at once"
    assert [line.split(" answers")[0] for line in said[1:]] == [
        "25 of at most 50",
        "50 of at most 50",
    ]
    with Progress(console=Console(file=io.StringIO())) as bar:
        live = LiveProgress(bar, planned(1), lambda: 0.0)
        Prefetching(live).settled(spent_usd=Decimal(1))
        assert not bar.finished
        live.settled(spent_usd=Decimal(1))
        assert bar.finished


def test_the_time_left_is_of_what_is_expected_and_the_most_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ticks = iter([*(n / 10 for n in range(24)), *(24.0 * n for n in range(1, 200))])
    progress = PlainProgress(planned(2088, 30), lambda: next(ticks))
    for _ in range(50):
        progress.settled(spent_usd=Decimal("0.5"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("25 of about 30 answers, at most 2088, USD 0.50, under a minute")
    assert " left, at most " in lines[0]
    assert lines[-1].startswith("50 of at most 2088 answers, USD 0.50, about ")


def test_a_feature_that_ends_early_takes_its_calls_out_of_what_is_left(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ticks, screen = iter([0.0] * 24 + [50.0] * 25 + [100.0]), io.StringIO()
    with Progress(TextColumn("{task.description}"), console=Console(file=screen)) as bar:
        for progress in (PlainProgress(planned(400, 300), lambda: next(ticks)), live(bar)):
            for number in range(50):
                progress.settled(spent_usd=Decimal("0.5"))
                if number == 40:
                    progress.spared(planned(200, 150))
        assert [task.total for task in bar.tasks] == [150]
    first, second = capsys.readouterr().out.splitlines()
    assert (
        first == "25 of about 300 answers, at most 400, USD 0.50, about 10 min left, at most 13 min"
    )
    assert (
        second == "50 of about 150 answers, at most 200, USD 0.50, about 3 min left, at most 5 min"
    )
    assert "answers (at most 200)" in screen.getvalue()


def live(bar: Progress) -> LiveProgress:
    return LiveProgress(bar, planned(400, 300), lambda: 0.0)


def test_a_dear_model_is_a_slow_one_but_not_as_much_slower(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """After 24 dear answers in 24 minutes 76 that cost a tenth take 24: as each takes a third."""
    ticks = iter(60.0 * n for n in range(25))
    ahead = Upcoming(most=150, expected=101, usd=25 * Decimal("0.1") + 76 * Decimal("0.01"))
    progress = PlainProgress(ahead, lambda: next(ticks))
    for number in range(25):
        progress.settled(spent_usd=Decimal(number + 1), usd=Decimal("0.1"))
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.endswith("about 24 min left, at most 40 min")


@pytest.mark.parametrize(
    ("expected", "told_from"), [(1400, 25), (100, 5)], ids=["many: 25", "few: 5 % of what is left"]
)
def test_no_time_is_told_before_a_few_answers_are_there(expected: int, told_from: int) -> None:
    ticks = iter(float(n) for n in range(expected))
    ahead = Upcoming(most=2 * expected, expected=expected, usd=Decimal(expected))
    remaining = Remaining(ahead, lambda: next(ticks))
    said: list[str] = []
    for _ in range(told_from):
        remaining.take(answered=True, usd=Decimal(1), stored=False)
        said.append(remaining.left())
    assert set(said[:-1]) == {"time left not known yet"}
    assert " min left, at most " in said[-1]


def test_what_was_paid_earlier_is_no_pace(capsys: pytest.CaptureFixture[str]) -> None:
    """Half the answers lie in the journal and come at once."""
    ticks = iter([*(0.0 for _ in range(50)), *(60.0 * n for n in range(1, 26))])
    progress = PlainProgress(
        Upcoming(most=100, expected=100, usd=Decimal(100)), lambda: next(ticks)
    )
    for number in range(75):
        spent = Decimal(max(number - 49, 0))
        progress.settled(spent_usd=spent, usd=Decimal(1), stored=number < 50)
    assert capsys.readouterr().out.splitlines()[-1].endswith("about 25 min left")


def test_a_batch_that_is_settled_at_once_counts_with_all_its_answers() -> None:
    """Two batches of 50, half an hour after each other, of four."""
    ticks = iter([0.0] * 50 + [1800.0] * 50)
    remaining = Remaining(Upcoming(most=200, expected=200, usd=Decimal(200)), lambda: next(ticks))
    for _ in range(100):
        remaining.take(answered=True, usd=Decimal(1), stored=False)
    assert remaining.left() == "about 30 min left"


def test_time_in_which_the_journal_is_read_is_no_pace(capsys: pytest.CaptureFixture[str]) -> None:
    """25 answers are asked, a minute each; 50 are read meanwhile, which takes an hour."""
    asked = [60.0 * n for n in range(13)]
    read = [asked[-1] + 72.0 * n for n in range(50)]
    rest = [read[-1] + 60.0 * n for n in range(1, 13)]
    ticks = iter([*asked, *read, *rest])
    progress = PlainProgress(
        Upcoming(most=100, expected=100, usd=Decimal(100)), lambda: next(ticks)
    )
    for number in range(75):
        stored = len(asked) <= number < len(asked) + len(read)
        progress.settled(spent_usd=Decimal(number), usd=Decimal(1), stored=stored)
    assert capsys.readouterr().out.splitlines()[-1].endswith("about 25 min left")
