"""The house by numbers: few siblings, no full folder, one name a class, a map in each room."""

from __future__ import annotations

from pathlib import Path

from tests.house.counts import files_by_folder, header_lines, public_classes, siblings

ROOT = Path(__file__).parent.parent
ROOMS = ("harness", "providers", "evalsets", "reports", "tests", "configs")


def test_no_public_class_name_stands_twice() -> None:
    twice = {name: times for name, times in public_classes(ROOT).items() if times > 1}
    assert not twice


def test_at_most_fifteen_siblings_stand_under_harness() -> None:
    found = siblings(ROOT)
    assert 10 <= len(found) <= 15, found


def test_no_folder_holds_more_than_sixteen_python_files() -> None:
    found = files_by_folder(ROOT)
    assert found[Path("harness/record")] > 5
    assert not {str(folder): count for folder, count in found.items() if count > 16}


def test_a_header_ends_at_the_first_statement_that_is_no_import() -> None:
    head = '"""What."""\n\nimport os\n\nif TYPE_CHECKING:\n    from a import b\n\n'
    assert header_lines(f"{head}@decorated\ndef f(): ...\n\nimport sys\n") == 7
    assert header_lines(head) == 7
    assert header_lines("A = 1\n") == 0
