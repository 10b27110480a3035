"""A model hub on loopback that has one data set, in two revisions; each file is a Parquet table."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pyarrow as pa
from pyarrow import parquet

DATA_SET = "owner/name"
API, FILES = f"/api/datasets/{DATA_SET}", f"/datasets/{DATA_SET}/resolve/"
Splits = Mapping[str, Sequence[Mapping[str, Any]]]


class Hub(ThreadingHTTPServer):
    """Revisions by name, each with its splits; `asked` lists the requests' paths."""

    def __init__(self, revisions: Mapping[str, Splits]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []
        self.commits: dict[str, dict[str, bytes]] = {}
        for name, splits in revisions.items():
            files = {f"{split}.parquet": _table(rows) for split, rows in splits.items()}
            self.commits[name] = self.commits[_commit(name)] = files

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def serving(revisions: Mapping[str, Splits]) -> Iterator[Hub]:
    with Hub(revisions) as hub:
        Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield hub
        finally:
            hub.shutdown()


def _table(rows: Sequence[Mapping[str, Any]]) -> bytes:
    out = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist([dict(row) for row in rows]), out)
    return out.getvalue()


def _commit(revision: str) -> str:
    """A revision's commit; a commit's own name is itself."""
    named = len(revision) == 40
    return revision if named else hashlib.sha1(revision.encode()).hexdigest()  # noqa: S324


class _Handler(BaseHTTPRequestHandler):
    server: Hub  # type: ignore[assignment]
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        del format, args

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append(path)
        if path.startswith(FILES):
            revision, _, file = path.removeprefix(FILES).partition("/")
            self._file(revision, file)
        elif path == API or path.startswith(f"{API}/revision/"):
            self._commit_of(path.removeprefix(API).removeprefix("/revision/") or "main")
        elif path.startswith(f"{API}/tree/"):
            revision, _, folder = path.removeprefix(f"{API}/tree/").partition("/")
            self._tree({} if folder else self.server.commits.get(revision, {}))
        else:
            self._say(404, b"", {"x-error-code": "RepoNotFound"})

    def do_HEAD(self) -> None:
        self.do_GET()

    def _file(self, revision: str, file: str) -> None:
        files = self.server.commits.get(revision)
        if files is None:
            self._say(404, b"", {"x-error-code": "RevisionNotFound"})
        elif file not in files:
            commit = {"x-repo-commit": _commit(revision)}
            self._say(404, b"", {"x-error-code": "EntryNotFound", **commit})
        else:
            tag = hashlib.sha256(files[file]).hexdigest()
            self._say(200, files[file], {"etag": f'"{tag}"', "x-repo-commit": _commit(revision)})

    def _commit_of(self, revision: str) -> None:
        files = self.server.commits.get(revision)
        if files is None:
            self._say(404, b"", {"x-error-code": "RevisionNotFound"})
            return
        found = {
            "id": DATA_SET,
            "sha": _commit(revision),
            "private": False,
            "tags": [],
            "downloads": 0,
            "siblings": [{"rfilename": name} for name in files],
        }
        self._say(200, json.dumps(found).encode(), {"content-type": "application/json"})

    def _tree(self, files: Mapping[str, bytes]) -> None:
        rows = [
            {"type": "file", "oid": "b" * 40, "size": len(data), "path": name}
            for name, data in files.items()
        ]
        self._say(200, json.dumps(rows).encode(), {"content-type": "application/json"})

    def _say(self, code: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
