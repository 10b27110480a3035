"""Writes a GGUF file's model as plain safetensors, for engines that read no GGUF.

    python dequantise.py MODEL.gguf FOLDER

Runs in the environment that has transformers, torch, gguf and accelerate; imports nothing of ours.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(gguf: Path, folder: Path) -> int:
    import torch  # noqa: PLC0415  # of the other environment
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415

    source = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    tokenizer = AutoTokenizer.from_pretrained(**source)
    model = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32)
    # The weights are plain numbers now; what says otherwise would have them unpacked again.
    model.config.__dict__.pop("quantization_config", None)
    for attribute in ("hf_quantizer", "is_quantized", "quantization_method"):
        model.__dict__.pop(attribute, None)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    config = folder / "config.json"
    content = json.loads(config.read_text())
    content.pop("quantization_config", None)
    config.write_text(json.dumps(content, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
