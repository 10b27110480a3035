"""A feature whose cases are pictures: reserved by their size, on each vendor's own wire."""

from __future__ import annotations

import io
import json
import math
import re
import sqlite3
from base64 import b64decode, b64encode
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image

from evalsets.cases import Turn
from harness.conduct.checking import check_workspace, priced_on
from harness.errors import BudgetRefusedError, ExitCode
from harness.plan.asking import message_of
from harness.record.base import Reason
from tests.support.images import png, png_size
from tests.support.judged import judged_answers, write_judged_workspace
from tests.support.pdfs import pdf
from tests.support.reviews import NOW, Shape, inline_cluster, run_review, write
from tests.support.reviews import write_review_workspace as written
from tests.support.wire.anthropic_server import AnthropicServer
from tests.support.wire.google_server import GoogleServer
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Body, Reply, WireUsage
from tests.support.wire.server import WireServer

CASES = 26
MODEL = """\
{name}:
  provider: {provider}
  version: {version}
  base_url: {origin}
  key: IMAGE_KEY
{api}  may_see: [public, internal, customer]
  price: [{{from: 2026-09-01, input: {price}, output: {price}, source: quote}}]
"""
SIZES = ((2048, 768), (769, 1537), (8000, 8000), (33, 4000), (640, 480))


def _of_claude(width: int, height: int) -> float:
    return min(4784, math.ceil(width / 28) * math.ceil(height / 28))


def _of_gpt_56(width: int, height: int) -> float:
    return 1.2 * math.ceil(width / 32) * math.ceil(height / 32)


def _of_4o_mini(width: int, height: int) -> float:
    """The page's own words: within 2,048 each way, then the short side 768, pieces of 512."""
    shrunk = max(1, max(width, height) / 2048)
    width, height = round(width / shrunk), round(height / shrunk)
    shrunk = max(1, min(width, height) / 768)
    width, height = round(width / shrunk), round(height / shrunk)
    return 2833 + 5667 * math.ceil(width / 512) * math.ceil(height / 512)


def _of_gemini(width: int, height: int) -> float:
    tiles = math.ceil(width / 768) * math.ceil(height / 768)
    return 258 * tiles if max(width, height) > 384 else 258


WIRES: dict[str, tuple[type[WireServer], str, str, str, Callable[[int, int], float]]] = {
    "messages": (AnthropicServer, "anthropic", "", "claude-opus-4-5", _of_claude),
    "responses": (OpenAIServer, "openai", "", "gpt-5.6", _of_gpt_56),
    "chat": (OpenAIServer, "openai", "  api: chat\n", "gpt-4o-mini", _of_4o_mini),
    "generate-content": (GoogleServer, "google", "", "gemini-3-pro", _of_gemini),
}


def _script(tokens_of: Callable[[int, int], float]) -> Callable[[Body], Reply]:
    """Answers by the ticket's number, and counts each picture as its vendor's page says."""

    def script(body: Body) -> Reply:
        text = json.dumps(body)
        found = re.findall(r"iVBORw0KGgo[\w+/]*=*", text)
        assert len(found) == 1, "one picture a case"
        tokens = math.ceil(tokens_of(*png_size(b64decode(found[0]))))
        number = re.search(r"Ticket number (\d+)", text)
        assert number is not None
        usage = WireUsage(input_tokens=tokens + 40, output_tokens=2)
        return Reply(text="billing" if int(number[1]) % 2 else "technical", usage=usage)

    return script


def _pictures(root: Path, sizes: tuple[tuple[int, int], ...]) -> None:
    """Give each case a picture beside its text."""
    folder = root / "evalsets" / "tickets"
    rows = [json.loads(line) for line in (folder / "cases.jsonl").read_text().splitlines()]
    for at, row in enumerate(rows):
        (folder / f"{at}.png").write_bytes(png(*sizes[at % len(sizes)]))
        text = {"type": "text", "text": row["input"]}
        row["input"] = [
            {"role": "user", "content": [text, {"type": "image", "image": f"{at}.png"}]}
        ]
    write(folder / "cases.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    write(root / "prompts" / "tickets" / "default.j2", "=== turns ===\n")


def _workspace(root: Path, wire: str, origin: str, cap: str = "400") -> Path:
    written(root, 1, Shape(cases=CASES, candidates="good", cap=cap, extra="margin: 25"))
    _, provider, api, version, _ = WIRES[wire]
    prices = {"big": "4.00", "good": "0.50", "bad": "0.25"}
    models = (
        MODEL.format(name=n, provider=provider, version=version, origin=origin, api=api, price=p)
        for n, p in prices.items()
    )
    write(root / "models" / "all.yaml", "".join(models))
    return root


def _attempts(root: Path) -> list[tuple[Decimal, Decimal]]:
    """What each call set aside, and what it cost."""
    with sqlite3.connect(root / ".rightsize" / "journal.sqlite") as journal:
        rows = journal.execute("SELECT reserve_usd, cost_usd FROM attempts").fetchall()
    return [(Decimal(reserve), Decimal(cost)) for reserve, cost in rows]


@pytest.mark.parametrize("wire", sorted(WIRES))
def test_no_reserve_of_a_picture_is_below_what_the_server_counts(
    wire: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGE_KEY", "sk-images")
    kind, *_, tokens_of = WIRES[wire]
    with kind(_script(tokens_of)) as server, inline_cluster() as cluster:
        path = "/v1" if kind is OpenAIServer else ""
        root = _workspace(tmp_path, wire, f"{server.origin}{path}")
        _pictures(root, SIZES)
        (record,) = run_review(root, cluster)
    assert record.options[0].quality is not None
    found = _attempts(root)
    assert len(found) >= CASES
    assert all(0 < cost <= reserve for reserve, cost in found)


@pytest.mark.parametrize("wire", ["responses", "chat"])
def test_pictures_of_few_bytes_and_many_pixels_do_not_pass_the_cap(
    wire: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGE_KEY", "sk-images")
    kind, *_, tokens_of = WIRES[wire]
    with kind(_script(tokens_of)) as server, inline_cluster() as cluster:
        root = _workspace(tmp_path, wire, f"{server.origin}/v1", cap="1.00")
        _pictures(root, ((8000, 8000),))
        (record,) = run_review(root, cluster)
        asked = len(server.calls)
    spent = sum(cost for _, cost in _attempts(root))
    assert asked > 0
    assert Decimal("0.5") < spent <= Decimal("1.00"), "one call more might have passed it"
    assert Reason.RUN_INCOMPLETE in record.reason_codes


def test_a_cap_below_one_picture_is_refused_before_a_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGE_KEY", "sk-images")
    with OpenAIServer(_script(_of_gpt_56)) as server, inline_cluster() as cluster:
        root = _workspace(tmp_path, "responses", f"{server.origin}/v1", cap="0.03")
        _pictures(root, ((8000, 8000),))
        with pytest.raises(BudgetRefusedError, match="allows not one call") as refused:
            run_review(root, cluster)
        assert not server.calls
    assert refused.value.exit_code is ExitCode.BUDGET_REFUSED


def _saved(kind: str, size: tuple[int, int] = (9, 9)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size).save(out, kind)
    return out.getvalue()


def _with(root: Path, data: bytes, provider: str = "anthropic") -> Path:
    wire = {"anthropic": "messages", "google": "generate-content"}[provider]
    _workspace(root, wire, "http://127.0.0.1:1")
    _pictures(root, ((9, 9),))
    (root / "evalsets" / "tickets" / "3.png").write_bytes(data)
    return root


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "cases.jsonl: input: case t-0004: the image '3.png' is empty"),
        (b"<svg/>", "the image '3.png' is no image of a kind that is known (png, jpeg, gif, webp"),
        (pdf(["a"]), "the image '3.png' is no image of a kind that is known"),
        (png(9, 9)[:20], "the image '3.png' is broken: its header tells no size"),
        (_saved("BMP"), "incumbent: big takes no image/bmp, and case t-0004 has one"),
        (_saved("TIFF"), "incumbent: big takes no image/tiff, and case t-0004 has one"),
        (png(8001, 2), "big takes images of at most 8,000 pixels a side, and case t-0004 has a la"),
    ],
)
def test_a_picture_that_a_model_cannot_be_shown_is_one_line_of_check(
    data: bytes, why: str, tmp_path: Path
) -> None:
    root = _with(tmp_path, data)
    report = check_workspace(root, has_price=priced_on(NOW.date()), on=NOW.date())
    (told,) = [str(each) for each in report.errors]
    assert why in told


def test_a_picture_is_sent_as_the_kind_that_it_is(tmp_path: Path) -> None:
    kinds = {"JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp", "PNG": "image/png"}
    root = _with(tmp_path, b"")
    for kind, media_type in kinds.items():
        data = _saved(kind)
        (root / "evalsets" / "tickets" / "scan.png").write_bytes(data)
        inline = f"data:image/png;base64,{b64encode(data).decode()}"
        turn = Turn(role="user", content="", images=("scan.png", inline))
        sent = message_of(turn, root / "evalsets" / "tickets").images
        assert [each.media_type for each in sent] == [media_type, media_type]
    (root / "evalsets" / "tickets" / "3.png").write_bytes(_saved("GIF"))
    assert not check_workspace(root, has_price=priced_on(NOW.date()), on=NOW.date()).errors
    models = root / "models" / "all.yaml"
    write(models, models.read_text().replace("anthropic", "google").replace("claude-opus-4-5", "g"))
    (told,) = check_workspace(root, has_price=priced_on(NOW.date()), on=NOW.date()).errors
    assert "big takes no image/gif" in str(told)


def test_a_judge_that_sees_a_picture_reserves_it_by_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGE_KEY", "sk-images")

    def script(body: Body) -> Reply:
        if body["model"] != "gpt-5.6":
            body["messages"] = [{"content": str(body["messages"][0]["content"][-1])}]
            return judged_answers(body)
        usage = WireUsage(input_tokens=75_000 + 300, output_tokens=20)
        return Reply(text=json.dumps({"reason": "seen", "grade": "pass"}), usage=usage)

    shape = Shape(cases=CASES, candidates="good", cap="400", extra="margin: 25")
    with OpenAIServer(script) as server, inline_cluster() as cluster:
        root = write_judged_workspace(tmp_path, server.port, shape)
        _pictures(root, ((8000, 8000),))
        models = root / "models" / "all.yaml"
        head, _, _ = models.read_text().partition("referee:")
        judge = MODEL.format(
            name="referee", provider="openai", version="gpt-5.6", api="", price="1.00",
            origin=f"{server.origin}/v1",
        )  # fmt: skip
        write(models, head + judge)
        run_review(root, cluster)
    dear = [each for each in _attempts(root) if each[1] > Decimal("0.07")]
    assert len(dear) > CASES
    assert all(cost <= reserve for reserve, cost in dear)
