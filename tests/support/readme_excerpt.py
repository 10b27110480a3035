"""The README's excerpt, cut from the document that the committed demo's record renders to.

    python -m tests.support.readme_excerpt

writes it anew between its two marks, after the demo's records were made again.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from harness.record.base import Verdict
from harness.record.model import DecisionRecord
from harness.record.stored import read_records
from harness.tell.pages import to_document
from harness.wording import listed, plural
from reports.render import render

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
FEATURE = "product-named"
BEGIN = "<!-- the demo's excerpt: python -m tests.support.readme_excerpt -->\n"
END = "<!-- end of the demo's excerpt -->\n"
_ENDS = ("\n**Can these cases tell", "\n**Savings that need", "\n**Not known.**", "\n## Appendix")
_VERDICTS = {
    Verdict.DOWNGRADE: ("downgrade", "downgrades"),
    Verdict.JUSTIFY: ("reason to stay", "reasons to stay"),
    Verdict.UNDECIDED: ("undecided", "undecided"),
}


def demo_records(root: Path = ROOT) -> list[DecisionRecord]:
    """The newest record of each feature of the committed demo."""
    cycles = sorted(path.parent for path in root.glob("configs/demo/reviews/*/records"))
    found = [record for cycle in cycles for record in read_records(cycle)]
    newest = {
        record.feature.id: record for record in sorted(found, key=lambda one: one.generated_at)
    }
    return [newest[feature] for feature in sorted(newest)]


def excerpt(records: list[DecisionRecord]) -> str:
    """What stands between the marks, as read on the day of the review."""
    counts = Counter(record.verdict for record in records)
    told = [
        plural(counts[verdict], *words) for verdict, words in _VERDICTS.items() if counts[verdict]
    ]
    record = next(each for each in records if each.feature.id == FEATURE)
    page = render(to_document(record, record.generated_at), to="md")
    for end in _ENDS:
        page = page.partition(end)[0]
    lines = f"##{page}".strip().splitlines()
    quoted = "\n".join(f"> {line}".rstrip() for line in lines)
    return f"Of its {plural(len(records), 'feature')}: {listed(told)}.\n\n{quoted}\n"


def with_excerpt(readme: str, made: str) -> str:
    """The README with what was made between its marks."""
    head, begin, rest = readme.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError("README.md has no marks for the demo's excerpt")
    return f"{head}{BEGIN}\n{made}\n{END}{tail}"


def main() -> int:
    """Write it."""
    text = README.read_text(encoding="utf-8")
    README.write_text(with_excerpt(text, excerpt(demo_records())), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
