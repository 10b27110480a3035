"""Is a server ready? `/health` and one answer say so."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.serving.specs import Wire

HEALTH_S = 2.0
ANSWER_S = 120.0


def is_healthy(port: int) -> bool:
    """Does `/health` answer 200 (404 counts too: a server that has no such page)?"""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HEALTH_S)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status in {200, 404}
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def counts_tokens(port: int) -> bool:
    """Does `/metrics` count tokens? By them the guard knows whether a server is idle."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HEALTH_S)
    try:
        connection.request("GET", "/metrics")
        reply = connection.getresponse()
        return reply.status == http.client.OK and b"token" in reply.read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def answers(port: int, model: str, wire: Wire, key: str | None) -> bool:
    """Does the model answer one request of one token?"""
    body: dict[str, object] = {"model": model, "max_tokens": 1, "temperature": 0}
    if wire == "chat":
        body["messages"] = [{"role": "user", "content": "Hello"}]
        path = "/v1/chat/completions"
    else:
        body["prompt"] = "Hello"
        path = "/v1/completions"
    headers = {"content-type": "application/json"}
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)
    try:
        connection.request("POST", path, json.dumps(body), headers)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
