"""Which addresses a model may be reached at."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

METADATA_HOSTS = frozenset(
    {"metadata", "metadata.google.internal", "metadata.goog", "instance-data", "fd00:ec2::254"}
)
METADATA_ADDRESSES = frozenset(
    {ip_address("100.100.100.200"), ip_address("192.0.0.192"), ip_address("fd00:ec2::254")}
)


def check_base_url(url: str) -> str | None:
    """Say what is wrong with an address, or None when it may be used.

    Allowed: https, and http on loopback. Refused: link-local and cloud-metadata addresses (they
    hand out credentials), user names in the address, queries and fragments.
    """
    if not url.isprintable() or " " in url:
        return f"{shown(url)} holds white space or what nobody sees; write https://host/path"
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return f"{shown(url)} is no address; write https://host/path"
    if not host:
        return f"{shown(url)} names no host; write https://host/path"
    return _form_problem(parts) or _host_problem(parts.scheme, host.rstrip(".").lower())


def is_on_loopback(url: str) -> bool:
    """Whether an address that may be used is this machine's own."""
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    return _is_loopback(host, _as_address(host))


def shown(url: str) -> str:
    """The address without a user name or query, which may hold a secret."""
    without_query = url.split("?", 1)[0].split("#", 1)[0]
    scheme, slashes, rest = without_query.rpartition("://")
    return repr(f"{scheme}{slashes}{rest.rpartition('@')[2]}")


def _form_problem(parts: SplitResult) -> str | None:
    if parts.username is not None or parts.password is not None:
        return "the address holds a user name; name the key's environment variable instead"
    if parts.query or parts.fragment:
        return "the address has a query or fragment; write https://host/path only"
    if parts.scheme not in {"https", "http"}:
        return f"scheme {parts.scheme!r} is not https (or http on loopback)"
    return None


def _host_problem(scheme: str, host: str) -> str | None:
    address = _as_address(host)
    if _is_metadata(host, address):
        return f"{host} is a link-local or metadata address; a model is not served there"
    if scheme == "http" and not _is_loopback(host, address):
        return f"http to {host} is not encrypted; use https (http is for loopback only)"
    return None


def _as_address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host.split("%", 1)[0])
    except ValueError:
        return _as_legacy_address(host)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _as_legacy_address(host: str) -> IPv4Address | None:
    """Read the forms that `inet_aton` accepts: 2852039166, 0xa9fea9fe, 169.254.43518."""
    fields = host.split(".")
    try:
        numbers = [_as_number(field) for field in fields]
    except ValueError:
        return None
    if len(numbers) > 4:  # noqa: PLR2004  # an IPv4 address has at most four fields
        return None
    *bytes_, rest = numbers
    value = rest + sum(byte << (24 - 8 * place) for place, byte in enumerate(bytes_))
    return IPv4Address(value) if 0 <= value < 2**32 else None


def _as_number(field: str) -> int:
    if field.startswith(("0x", "0X")):
        return int(field, 16)
    if field.startswith("0") and field != "0":
        return int(field, 8)
    return int(field)


def _is_metadata(host: str, address: IPv4Address | IPv6Address | None) -> bool:
    if address is None:
        return host in METADATA_HOSTS
    return address.is_link_local or address in METADATA_ADDRESSES or address.is_unspecified


def _is_loopback(host: str, address: IPv4Address | IPv6Address | None) -> bool:
    if address is None:
        return host == "localhost"
    return address.is_loopback
