"""What the base install takes, what the plugin adds to pytest, and how long a gate runs.

python tests/benchmarks/gate/measure.py [ROUNDS]     writes results.md beside this file
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.support.shops import write_shop

ROOT = Path(__file__).parents[3]
PINNED = ("-c", str(ROOT / "constraints.txt"))
TEXT = """\
# The gate

`python tests/benchmarks/gate/measure.py {rounds}` ({cores} cores, shared with other work: the load
was {load:.0f}). Processor time is user and system together, the least of {rounds} rounds in which
the environments take turns; an install is from the package index.

| what | amount |
| --- | --- |
| base install, wheel | {wheel_kb:.0f} KB |
| base install, on disk, pip apart | {size_mb:.0f} MB in {count} distributions |
| base install, pip's cache empty | {cold:.1f} s |
| base install, pip's cache warm | {warm:.1f} s |
| `rightsize gate`, one feature | {gate:.2f} s processor time |
| `pytest` of one test, in an environment without us | {bare:.0f} ms processor time |
| the same, our dependencies installed, we not: anyio brings a plugin too | {libraries:+.0f} ms |
| the same, we installed, `--rightsize` absent | {ours:+.0f} ms; we ourselves {alone:+.0f} ms |
| the same, `--rightsize` present | {present:+.0f} ms, the gate's own run included |

Largest parts of the base install: {parts}.
"""


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        wheel = _wheel(home)
        bare, libraries, ours = (_environment(home / one) for one in ("bare", "libraries", "ours"))
        cold = _install(ours, wheel, home, "--no-cache-dir")
        _install(libraries, wheel, home)
        again = _environment(home / "again")
        warm = _install(again, wheel, home)
        count, size, parts = _size(again)
        for one in (bare, libraries, ours):
            _run(one / "pip", "install", "-q", *PINNED, "pytest", cwd=home)
        _run(libraries / "pip", "uninstall", "-q", "-y", "model-rightsizing", cwd=home)
        shop = home / "shop"
        write_shop(shop)
        (shop / "tests").mkdir()
        (shop / "tests" / "test_one.py").write_text("def test_one():\n    assert True\n")
        pytest = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
        found = _turns(
            {
                "bare": lambda: _run(bare / "python", *pytest, cwd=shop),
                "libraries": lambda: _run(libraries / "python", *pytest, cwd=shop),
                "ours": lambda: _run(ours / "python", *pytest, cwd=shop),
                "present": lambda: _run(
                    ours / "python", *pytest, "--rightsize", "rightsizing", cwd=shop
                ),
                "gate": lambda: _run(ours / "rightsize", "gate", cwd=shop),
            },
            rounds,
        )
        base = found["bare"]
        text = TEXT.format(
            rounds=rounds,
            cores=os.cpu_count(),
            load=os.getloadavg()[1],
            wheel_kb=wheel.stat().st_size / 1e3,
            size_mb=size / 1e6,
            count=count,
            cold=cold,
            warm=warm,
            gate=found["gate"],
            bare=base * 1e3,
            libraries=(found["libraries"] - base) * 1e3,
            ours=(found["ours"] - base) * 1e3,
            alone=(found["ours"] - found["libraries"]) * 1e3,
            present=(found["present"] - base) * 1e3,
            parts=parts,
        )
    (Path(__file__).parent / "results.md").write_text(text, encoding="utf-8")
    sys.stdout.write(text)


def _wheel(home: Path) -> Path:
    source = home / "source"
    archive = subprocess.run(
        ["git", "-C", str(ROOT), "archive", "HEAD"], check=True, capture_output=True
    ).stdout
    source.mkdir()
    subprocess.run(["tar", "x", "-C", str(source)], input=archive, check=True)
    pip = (sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", "dist", "./source")
    _run(*pip, cwd=home)
    return next((home / "dist").glob("*.whl"))


def _environment(folder: Path) -> Path:
    venv.create(folder, with_pip=True)
    return folder / "bin"


def _install(commands: Path, wheel: Path, home: Path, *options: str) -> float:
    start = time.monotonic()
    _run(commands / "pip", "install", "-q", *options, *PINNED, wheel, cwd=home)
    return time.monotonic() - start


def _size(commands: Path) -> tuple[int, int, str]:
    (site,) = (commands.parent / "lib").glob("python*/site-packages")
    sizes = {
        part.name: sum(file.stat().st_size for file in part.rglob("*") if file.is_file())
        for part in site.iterdir()
        if part.is_dir() and not part.name.startswith(("pip", "setuptools"))
    }
    largest = sorted(sizes, key=lambda name: -sizes[name])[:6]
    shown = ", ".join(f"{name} {sizes[name] / 1e6:.0f} MB" for name in largest)
    count = sum(name.endswith(".dist-info") for name in sizes)
    return count, sum(sizes.values()), shown


def _turns(commands: dict[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """Least processor seconds of each command."""
    spent: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds + 1):
        for name, command in commands.items():
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            command()
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
            spent[name].append(user + system)
    return {name: min(each[1:]) for name, each in spent.items()}


def _run(*command: str | Path, cwd: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("COV", "PYTHON"))}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stdout.decode() + done.stderr.decode())


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
