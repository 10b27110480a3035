"""A workspace whose feature is a program, on a scripted server."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from providers.completion import TokenUsage
from tests.support.reviews import MODEL, Shape, answers, write, write_review_workspace
from tests.support.wire.reply import Reply

if TYPE_CHECKING:
    from tests.support.wire.reply import Body

PROGRAMS = Path(__file__).parent / "programs"
PROGRAM = """\
program:
  command: [{python}, {script}]
  roles: {{draft: big, check: checker}}
  instances: {instances}
  max_calls: {max_calls}
  timeout_s: {timeout_s}
"""


def chain_answers(body: Body) -> Reply:
    """`answers` for the draft; the checker says again what it was given."""
    if body["model"] != "checker":
        return answers(body)
    said = re.search(r"Say again: (\w+)", str(body["messages"]))
    return Reply(text=said[1] if said else "", usage=TokenUsage(input_tokens=20, output_tokens=1))


def write_program_workspace(  # noqa: PLR0913  # each is what one test varies
    root: Path,
    port: int,
    *,
    script: str = "chain.py",
    shape: Shape | None = None,
    instances: int = 2,
    max_calls: int = 4,
    timeout_s: float = 20,
) -> Path:
    write_review_workspace(root, port, shape)
    models = root / "models" / "all.yaml"
    entry = MODEL.format(name="checker", port=port, price="1.00")
    text = (models.read_text(encoding="utf-8") + entry).replace(
        "  may_see:", "  window_tokens: 4096\n  may_see:"
    )
    write(models, text)
    program = PROGRAM.format(
        python=sys.executable,
        script=script,
        instances=instances,
        max_calls=max_calls,
        timeout_s=timeout_s,
    )
    for path in (root / "features").glob("*.yaml"):
        feature = path.read_text(encoding="utf-8")
        write(path, feature.replace("request: {max_output_tokens: 8}\n", program))
        shutil.rmtree(root / "prompts" / path.stem)
        folder = root / "programs" / path.stem
        folder.mkdir(parents=True)
        shutil.copy(PROGRAMS / script, folder / script)
    return root
