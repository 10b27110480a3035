"""A chain of two calls by OpenAI's SDK: a draft, then a check of it. Knows nothing of rightsize."""

from __future__ import annotations

import json
import sys

from openai import OpenAI


def main() -> None:
    client = OpenAI()
    for line in sys.stdin:
        case = json.loads(line)
        draft = client.chat.completions.create(
            model="big",
            messages=[{"role": "user", "content": f"Topic of: {case['input']}"}],
            max_tokens=8,
        )
        said = draft.choices[0].message.content
        check = client.chat.completions.create(
            model="checker",
            messages=[{"role": "user", "content": f"Say again: {said}"}],
            max_tokens=8,
            stream=True,
        )
        pieces = [chunk.choices[0].delta.content or "" for chunk in check]
        print(json.dumps({"id": case["id"], "answer": "".join(pieces)}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
