"""What a program can get at: no real key, and no other instance's token."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.journal.trials import Answered
from providers.completion import TokenUsage
from tests.support.other_user import NOBODY, only_as_root
from tests.support.program_runs import journal_in, program, run_all, run_of
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Reply

if TYPE_CHECKING:
    from pathlib import Path

    from harness.journal.trials import CallingProgram
    from tests.support.wire.reply import Body

KEY = "sk-real-4711"
SPY = """\
while read -r line; do
  id=$(printf %s "$line" | sed 's/.*"id": "\\([^"]*\\)".*/\\1/')
  seen=$(cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' \
    | grep -c 'sk-re[a]l-4711')
  others=$(cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep '^OPENAI_API_KEY=' \
    | sort -u | grep -vc "^OPENAI_API_KEY=$OPENAI_API_KEY")
  printf '{"id": "%s", "answer": "%s %s"}\\n' "$id" "$seen" "$others"
done
"""
TWO = """\
import json, os, sys, urllib.error, urllib.request
theirs = open(sys.argv[1], "a+")
theirs.seek(0)
for line in sys.stdin:
    case = json.loads(line)
    theirs.seek(0)
    tokens = [one for one in theirs.read().split() if one != os.environ["OPENAI_API_KEY"]]
    print(os.environ["OPENAI_API_KEY"], file=theirs, flush=True)
    codes = []
    for token in tokens:
        body = json.dumps({"model": "big", "messages": [{"role": "user", "content": "x"}]}).encode()
        asked = urllib.request.Request(
            os.environ["OPENAI_BASE_URL"] + "/chat/completions",
            data=body, headers={"authorization": "Bearer " + token},
        )
        try:
            codes.append(urllib.request.urlopen(asked).status)
        except urllib.error.HTTPError as error:
            codes.append(error.code)
    print(json.dumps({"id": case["id"], "answer": json.dumps(codes)}), flush=True)
    sys.exit(0)
"""


def said(_: Body) -> Reply:
    return Reply(text="fine", usage=TokenUsage(input_tokens=30, output_tokens=4))


def keyed(by: CallingProgram) -> CallingProgram:
    models = tuple(
        replace(model, endpoint=replace(model.endpoint, key_name="REAL_KEY")) for model in by.models
    )
    return replace(by, models=models)


@only_as_root
def test_as_another_user_a_program_reads_no_key_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In no environment and no argument of any process, the guard's and ours among them."""
    monkeypatch.setenv("REAL_KEY", KEY)
    user = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "sh", "-c", SPY)
    with OpenAIServer(said) as server, journal_in(tmp_path) as journal:
        run_all([run_of(9, "call well", keyed(program(server.port)))], journal)
        assert KEY in str(server.calls[0].headers)
        by = keyed(program(server.port, command=user))
        found = run_all([run_of(1, "x", by)], journal)["c1"]
    assert isinstance(found, Answered)
    assert found.text == "0 0"


def test_the_token_of_an_ended_instance_opens_nothing_for_another(tmp_path: Path) -> None:
    command = (sys.executable, "-c", TWO, str(tmp_path / "tokens"))
    with OpenAIServer(said) as server, journal_in(tmp_path) as journal:
        by = program(server.port, command=command, instances=1)
        found = run_all([run_of(at, "x", by) for at in range(3)], journal)
        assert server.calls == []
    codes = [json.loads(one.text) for one in found.values() if isinstance(one, Answered)]
    assert sorted(codes, key=len) == [[], [401], [401, 401]]
