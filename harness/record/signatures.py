"""Signed decisions: an SSH signature over a record's finding and history, as git signs a commit.

Hashes detect accidents; a signature tells who decided. It is made by `ssh-keygen -Y sign` with the
decider's own git signing key, and checked against the keys of `allowed_signers`.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.errors import UsageError
from harness.record.model import DecisionRecord, canonical
from harness.record.parts import HistoryEntry

NAMESPACE = "rightsizing"
"""What the signatures are for: one made for a commit does not pass here."""
SIGNERS_FILE = "allowed_signers"
"""In a workspace: one line a key, `dana@example.com ssh-ed25519 AAAA...`, as OpenSSH reads it."""


def statement(record: DecisionRecord, at: int) -> bytes:
    """What the decider of an entry of the history signs: the finding, and all decided till then."""
    entries = [one.model_dump(mode="json") for one in record.history[: at + 1]]
    entries[at].pop("signature", None)
    return canonical(
        {
            "decision_id": record.decision_id,
            "feature": record.feature.id,
            "cycle": record.cycle,
            "finding_sha256": record.finding_sha256,
            "history": entries,
        }
    )


def sign(text: bytes, key: str) -> str:
    """An armoured signature, with a key's file, or by the agent with a public key as text.

    Raises:
        UsageError: there is no such key, or ssh-keygen refuses it.
    """
    if key.startswith(("ssh-", "ecdsa-", "sk-")):
        with TemporaryDirectory(prefix="rightsize-signature-") as folder:
            public = Path(folder, "key.pub")
            public.write_text(f"{key}\n", encoding="utf-8")
            return _signed(text, public, "the agent's key")
    path = Path(key).expanduser()
    if not path.is_file():
        raise UsageError(f"{path}: no key is here; git's user.signingKey names it")
    return _signed(text, path, str(path))


def _signed(text: bytes, key: Path, shown: str) -> str:
    done = _ssh_keygen(["-Y", "sign", "-n", NAMESPACE, "-f", str(key)], text)
    if done.returncode:
        raise UsageError(f"{shown}: cannot sign with it ({_words(done.stderr)})")
    return done.stdout.decode("ascii")


def unsigned(record: DecisionRecord, signers: bytes | None) -> str | None:
    """Why the decision in force is not signed by who made it; None: it is, as each one before.

    Args:
        record: a record that somebody moved.
        signers: the keys that count, as `allowed_signers` states them; None: there are none.
    """
    decided = [at for at, one in enumerate(record.history) if one.by_source != "machine"]
    if not decided:
        return "nobody decided it"
    if signers is None:
        return f"there is no {SIGNERS_FILE} beside policy.yaml that says whose key counts"
    for at in decided:
        entry = record.history[at]
        if entry.signature is None:
            return f"{entry.state.value} by {entry.by} is not signed"
        if not _holds(statement(record, at), entry, entry.signature, signers):
            return f"the signature of {entry.state.value} by {entry.by} does not hold"
    return None


def _holds(text: bytes, entry: HistoryEntry, signature: str, signers: bytes) -> bool:
    with TemporaryDirectory(prefix="rightsize-signature-") as folder:
        keys, armour = Path(folder, "signers"), Path(folder, "signature")
        keys.write_bytes(signers)
        armour.write_text(signature, encoding="utf-8")
        day = f"verify-time={entry.at:%Y%m%d%H%M%S}Z"
        # Only keys with a term need the moment, which older programs do not take.
        moment = ["-O", day] if b"valid-" in signers else []
        who = ["-n", NAMESPACE, "-f", str(keys), "-I", entry.by, "-s", str(armour)]
        return _ssh_keygen(["-Y", "verify", *moment, *who], text).returncode == 0


def _ssh_keygen(arguments: Sequence[str], text: bytes) -> subprocess.CompletedProcess[bytes]:
    command = ["ssh-keygen", *arguments]
    try:
        return subprocess.run(command, input=text, capture_output=True, check=False)  # noqa: S603
    except OSError as error:
        raise UsageError(
            f"ssh-keygen cannot be run ({error.strerror}); signatures are OpenSSH's"
        ) from None


def _words(stderr: bytes) -> str:
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "it failed"
