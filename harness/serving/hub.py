"""The vendor's own file, where the model hub can be reached."""

from __future__ import annotations

import shutil
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.serving.weights_file import HubSource

REACH_S = 3.0


def fetch_from_hub(
    source: HubSource,
    target: Path,
    size: int,
    progress: Callable[[str, int, int], None],
    endpoint: str | None = None,
) -> bool:
    """Fetch the file into `target`; False, with one line of progress, when the hub cannot give it.

    The hub is asked without the user's token, and given up after three seconds without an answer:
    the library's own retries would take half a minute to say that a host has no network.
    """
    try:
        import huggingface_hub  # noqa: PLC0415  # heavy, optional; this is its one door
    except ImportError:
        progress(f"{source.file}: huggingface_hub is not installed, trying the parts", 0, size)
        return False
    url = huggingface_hub.hf_hub_url(source.repo, source.file, endpoint=endpoint)
    if not _reachable(url):
        progress(f"{source.file}: the model hub does not answer, trying the parts", 0, size)
        return False
    progress(f"{source.file}: from the model hub, {source.repo}", 0, size)
    folder = target.with_name("hub")
    try:
        download = cast("Callable[..., str]", huggingface_hub.hf_hub_download)
        found = download(
            source.repo,
            source.file,
            revision=source.revision,
            local_dir=folder,
            etag_timeout=REACH_S,
            token=False,
            endpoint=endpoint,
        )
    except (OSError, ValueError, RuntimeError) as error:
        reason = type(error).__name__
        progress(f"{source.file}: not from the model hub ({reason}), trying the parts", 0, size)
        return False
    shutil.move(found, target)
    return True


def _reachable(url: str) -> bool:
    request = urllib.request.Request(url, method="HEAD")  # noqa: S310  # the hub's https, or a test's loopback
    try:
        with urllib.request.urlopen(request, timeout=REACH_S):  # noqa: S310  # as above
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return error.code < 500  # noqa: PLR2004  # HTTP's own line between ours and theirs
    except OSError:
        return False
