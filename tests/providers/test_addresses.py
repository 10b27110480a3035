from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.addresses import check_base_url
from providers.errors import BadRequestError
from providers.opening import open_provider
from providers.provider import Endpoint

ALLOWED = [
    "https://api.openai.com/v1",
    "https://llm.internal.example:8443/v1/",
    "https://10.0.0.7/v1",
    "http://127.0.0.1:8080/v1",
    "http://127.9.9.9/v1",
    "http://localhost:11434/v1",
    "http://[::1]:8000/v1",
]
REFUSED = [
    ("http://llm.example/v1", "not encrypted"),
    ("http://10.0.0.7/v1", "not encrypted"),
    ("http://localhost.example/v1", "not encrypted"),
    ("ftp://llm.example/v1", "scheme"),
    ("llm.example/v1", "no host"),
    ("https:///v1", "no host"),
    ("https://llm.example:port/v1", "no address"),
    ("https://[::1/v1", "no address"),
    ("https://me:secret@llm.example/v1", "user name"),
    ("https://llm.example/v1?api-key=secret", "query"),
    ("https://llm.example/v1#top", "fragment"),
    ("https://169.254.169.254/latest", "metadata"),
    ("http://169.254.169.254/latest", "metadata"),
    ("https://[fe80::1%25eth0]/v1", "metadata"),
    ("https://[::ffff:169.254.169.254]/v1", "metadata"),
    ("https://[fd00:ec2::254]/v1", "metadata"),
    ("https://metadata.google.internal/v1", "metadata"),
    ("https://METADATA.google.internal./v1", "metadata"),
    ("https://100.100.100.200/v1", "metadata"),
    ("https://2852039166/v1", "metadata"),
    ("https://0xa9fea9fe/v1", "metadata"),
    ("https://0251.0376.0251.0376/v1", "metadata"),
    ("https://169.254.43518/v1", "metadata"),
    ("http://0.0.0.0:8000/v1", "metadata"),
]


@pytest.mark.parametrize("url", ALLOWED)
def test_allowed(url: str) -> None:
    assert check_base_url(url) is None


@pytest.mark.parametrize(("url", "why"), REFUSED)
def test_refused_with_the_reason(url: str, why: str) -> None:
    problem = check_base_url(url)
    assert problem is not None
    assert why in problem
    assert "secret" not in problem


@given(st.integers(min_value=0, max_value=2**16 - 1))
def test_every_link_local_address_is_refused(rest: int) -> None:
    assert check_base_url(f"https://169.254.{rest >> 8}.{rest & 255}/v1") is not None


@given(st.text())
def test_any_text_has_an_answer(text: str) -> None:
    problem = check_base_url(text)
    assert problem is None or len(problem) > 10


def test_no_provider_opens_a_refused_address() -> None:
    endpoint = Endpoint(vendor="openai", api="chat", base_url="http://llm.example/v1")
    with pytest.raises(BadRequestError, match="base_url: http to "):
        open_provider(endpoint, key=None)
