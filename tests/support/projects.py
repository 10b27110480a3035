"""Three source trees as teams write them, and every model id that was planted in them.

`planted` are the uses that a scan must find, as (path, key, written); everything else that looks
like an id (in tests, documentation, price tables, comments, comparisons) is there to be left alone.
"""

# ruff: noqa: E501  # other people's files have lines of any length
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Project:
    """A tree by path, and what a scan of it must find."""

    name: str
    files: Mapping[str, str]
    planted: tuple[tuple[str, str, str], ...]

    def write(self, parent: Path) -> Path:
        """Write the tree under `parent`, in a folder of the project's name."""
        root = parent / self.name
        for name, text in self.files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return root


PYTHON_SERVICE = Project(
    name="ap-service",
    files={
        "pyproject.toml": '[project]\nname = "ap-service"\ndescription = "not gpt-4o"\n',
        "README.md": "Uses `gpt-4o` for invoices.\n\n```python\nmodel = 'gpt-4o'\n```\n",
        "CHANGELOG.md": '- moved from "gpt-4" to "gpt-4o"\n',
        "docs/models.md": "| gpt-4o | claude-opus-4-5 |\n",
        "docs/conf.py": 'MODEL = "gpt-4o"\n',
        "settings.toml": (
            '[llm.invoice]\nmodel = "claude-opus-4-5"   # was "gpt-4o"\nmax_tokens = 800\n\n'
            '[llm.summary]\nmodel = "anthropic/claude-sonnet-4-5"\n\n'
            '[llm]\nrouter = { model = "gpt-4o-mini", retries = 2 }\n'
            'fallbacks = [\n  "gemini-2.5-pro",\n]\n'
        ),
        ".env": 'LLM_MODEL=gpt-4o-2024-08-06\nexport TRIAGE_MODEL="claude-haiku-4-5"\n# X=gpt-4\n',
        ".env.example": "LLM_MODEL=gpt-4o\n",
        ".env.test": "LLM_MODEL=gpt-4o-mini\n",
        "app/__init__.py": "",
        "app/config.py": (
            '"""Settings. The default is gpt-4o."""\n\n'
            "import os\nfrom typing import Literal\n\n"
            'Known = Literal["gpt-4o", "gpt-4o-mini"]\n\n'
            "class Settings:\n"
            '    """gpt-4o"""\n'
            '    extraction_model: str = "gpt-4.1"\n'
            '    chat = os.environ.get("CHAT_MODEL", "gpt-4.1-mini")\n'
        ),
        "app/prices.py": (
            "PRICES = {\n"
            '    "gpt-4o": (2.5, 10.0),\n    "gpt-4o-mini": (0.15, 0.6),\n    "o1": (15, 60),\n}\n'
            'ALLOWED = ["gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini", "o3"]\n'
        ),
        "app/invoices.py": (
            "from app.config import Settings\n\n"
            "def extract(client, text):\n"
            "    # gpt-4o was worse here\n"
            '    return client.messages.create(model="claude-opus-4-1", max_tokens=800)\n\n'
            "def is_reasoning(model):\n"
            '    return model == "o3" or model.startswith("gpt-5")\n'
        ),
        "app/router.py": (
            'def pick(kind, model="gpt-5-mini"):\n'
            "    match model:\n"
            '        case "gpt-5":\n            return None\n'
            '    routes = {"faq": "gpt-5-nano", "legal": "gpt-5"}\n'
            "    return routes[kind]\n"
        ),
        "app/summaries.py": (
            "async def summarise(client, *, engine='gemini-2.5-flash'):\n"
            "    print('asking gemini-2.5-flash now')\n"
            "    return await client.generate(engine)\n"
        ),
        "app/commands.py": 'COMMANDS = {"kind": "command", "mode": "o1"}\nMODERATION = "moderation"\n',
        "app/logging.ini": "[loggers]\nkeys = root\n",
        "app/worker.cfg": "[llm]\nmodel = gpt-4o\n; old = gpt-4\n",
        "tests/test_invoices.py": 'def test_it():\n    assert run(model="gpt-4o")\n',
        "tests/conftest.py": 'MODEL = "gpt-4o"\n',
        "tests/fixtures/reply.json": '{"model": "gpt-4o"}\n',
        "app/test_router.py": 'MODEL = "gpt-4o"\n',
        "scripts/backfill.sh": "#!/bin/sh\nexport MODEL=gpt-4.1-nano\n",
        "Dockerfile": "FROM python:3.12\nENV SUMMARY_MODEL=claude-sonnet-4-5-20250929\n",
        "poetry.lock": 'name = "gpt-4o"\n',
        ".venv/lib/site-packages/sdk/models.py": 'DEFAULT = "gpt-4o"\n',
        ".github/workflows/ci.yaml": "env:\n  MODEL: gpt-4o\n",
        "build/lib/app/config.py": 'MODEL = "gpt-4o"\n',
    },
    planted=(
        (".env", "LLM_MODEL", "gpt-4o-2024-08-06"),
        (".env", "TRIAGE_MODEL", "claude-haiku-4-5"),
        ("Dockerfile", "SUMMARY_MODEL", "claude-sonnet-4-5-20250929"),
        ("app/config.py", "Settings.chat", "gpt-4.1-mini"),
        ("app/config.py", "Settings.extraction_model", "gpt-4.1"),
        ("app/invoices.py", "extract.model", "claude-opus-4-1"),
        ("app/router.py", "pick.model", "gpt-5-mini"),
        ("app/router.py", "pick.routes.faq", "gpt-5-nano"),
        ("app/router.py", "pick.routes.legal", "gpt-5"),
        ("app/summaries.py", "summarise.engine", "gemini-2.5-flash"),
        ("app/worker.cfg", "llm.model", "gpt-4o"),
        ("scripts/backfill.sh", "MODEL", "gpt-4.1-nano"),
        ("settings.toml", "llm.fallbacks", "gemini-2.5-pro"),
        ("settings.toml", "llm.invoice.model", "claude-opus-4-5"),
        ("settings.toml", "llm.router.model", "gpt-4o-mini"),
        ("settings.toml", "llm.summary.model", "anthropic/claude-sonnet-4-5"),
    ),
)

WEB_SHOP = Project(
    name="web-shop",
    files={
        "package.json": '{"name": "web-shop", "keywords": ["gpt-4o"], "config": {"x": 1}}\n',
        "package-lock.json": '{"packages": {"": {"name": "gpt-4o"}}}\n',
        "tsconfig.json": '{\n  // gpt-4o\n  "compilerOptions": {"strict": true}\n}\n',
        "README.md": "Set `CHAT_MODEL` to gpt-4o.\n",
        "src/models.ts": (
            "export type ModelName = 'gpt-4o' | 'gpt-4o-mini';\n"
            "export const CHAT_MODEL = process.env.CHAT_MODEL ?? 'gpt-4.1';\n"
            "export const searchModel: string = `gpt-4.1-mini`;\n"
            "// const old = 'gpt-4';\n"
            "/* 'gpt-4'\n   'gpt-4-turbo' */\n"
        ),
        "src/prices.ts": (
            "export const PRICES: Record<string, number> = {\n  'gpt-4o': 2.5,\n  'o1': 15,\n};\n"
        ),
        "src/chat.ts": (
            "import { openai } from '@ai-sdk/openai';\n\n"
            "export async function answer(question: string) {\n"
            "  const url = 'https://example.com/gpt-4o'; // \"gpt-4o\"\n"
            "  return generateText({\n"
            "    model: openai('gpt-5-mini'),\n"
            "    prompt: `Say it isn't ${question}`,\n"
            "  });\n"
            "}\n"
        ),
        "src/reviews.tsx": (
            "export const Reviews = () => {\n"
            "  const model = isPro ? 'claude-sonnet-4-5' : 'claude-haiku-4-5';\n"
            "  if (model === 'claude-opus-4-1') return null;\n"
            "  switch (model) {\n    case 'gpt-4o':\n      return <b title='don`t'>gpt-4o</b>;\n  }\n"
            "};\n"
        ),
        "src/search.mjs": (
            "const config = {\n"
            "  ranking: {\n"
            "    model: 'gemini-2.5-flash-lite',\n"
            "  },\n"
            "  rewriting: {\n"
            '    "model": "gemini-2.5-flash",\n'
            "  },\n"
            "};\n"
        ),
        "src/legacy.js": (
            "module.exports = function translate(text) {\n"
            "  return client.chat.completions.create({ model: 'gpt-4o-mini', messages: [] });\n"
            "};\n"
        ),
        "src/types.d.ts": "export interface Options { model: string }\n",
        "src/index.ts": "export * from './chat';\n",
        "src/utils.ts": "export const trim = (text: string) => text.replace(/['\"]/g, '');\n",
        "src/flags.ts": "export const isMini = (model: string) => model.includes('gpt-4o-mini');\n",
        "src/__tests__/chat.test.ts": "const model = 'gpt-4o';\n",
        "src/chat.spec.ts": "const model = 'gpt-4o';\n",
        "e2e/chat.ts": "const model = 'gpt-4o';\n",
        "mocks/openai.ts": "export const model = 'gpt-4o';\n",
        "stories/Chat.stories.tsx": "export const model = 'gpt-4o';\n",
        "config/default.json": '{\n  "assistant": {\n    "model": "gpt-5"\n  }\n}\n',
        "config/production.jsonc": '{\n  // chosen in May\n  "tagging": {"model": "gpt-5-nano"}\n}\n',
        ".env.local": "VISION_MODEL='gpt-4o'\n",
        "node_modules/sdk/index.js": "exports.model = 'gpt-4o';\n",
        "dist/main.js": "const model = 'gpt-4o';\n",
        "src/bundle.min.js": "var m='gpt-4o';\n",
    },
    planted=(
        (".env.local", "VISION_MODEL", "gpt-4o"),
        ("config/default.json", "assistant.model", "gpt-5"),
        ("config/production.jsonc", "tagging.model", "gpt-5-nano"),
        ("src/chat.ts", "answer.model", "gpt-5-mini"),
        ("src/legacy.js", "translate.model", "gpt-4o-mini"),
        ("src/models.ts", "CHAT_MODEL", "gpt-4.1"),
        ("src/models.ts", "searchModel", "gpt-4.1-mini"),
        ("src/reviews.tsx", "Reviews.model", "claude-haiku-4-5"),
        ("src/reviews.tsx", "Reviews.model", "claude-sonnet-4-5"),
        ("src/search.mjs", "config.ranking.model", "gemini-2.5-flash-lite"),
        ("src/search.mjs", "config.rewriting.model", "gemini-2.5-flash"),
    ),
)

PLATFORM = Project(
    name="platform",
    files={
        "README.md": "Charts of the assistants (gpt-4o, claude-opus-4-5).\n",
        "charts/assistant/Chart.yaml": "name: assistant\nversion: 1.2.3\n",
        "charts/assistant/values.yaml": (
            "replicas: 2\n"
            "llm:\n  model: gpt-5   # gpt-4o before\n  fallback:\n    model: openai/gpt-5-mini\n"
            "env:\n  - name: SUMMARY_MODEL\n    value: claude-haiku-4-5\n"
            "  - name: MODE\n    value: command\n"
        ),
        "charts/assistant/values-production.yaml": "llm:\n  model: claude-opus-4-5-20251101\n",
        "charts/assistant/values.example.yaml": "llm:\n  model: gpt-4o\n",
        "charts/assistant/templates/deployment.yaml": (
            "containers:\n  - name: app\n    env:\n      {{- range .Values.env }}\n"
            "      - name: {{ .name }}\n      {{- end }}\n"
            '      - name: ROUTER_MODEL\n        value: {{ .Values.router | default "gpt-5-nano" }}\n'
        ),
        "charts/assistant/templates/configmap.yaml": (
            "apiVersion: v1\nkind: ConfigMap\ndata:\n  settings.ini: |\n"
            "    [llm]\n    model = gemini-2.5-pro\n"
        ),
        "compose.yaml": (
            "services:\n  worker:\n    environment:\n      - TAG_MODEL=gpt-4.1-nano\n"
            "    command: [--model=gpt-4.1, --retries, '3']\n"
            "  gateway:\n    environment:\n      GATEWAY_MODEL: us.anthropic.claude-haiku-4-5-20251001-v1:0\n"
        ),
        "litellm.yaml": (
            "model_list:\n"
            "  - model_name: fast\n    litellm_params:\n      model: gemini/gemini-2.5-flash\n"
            "  - model_name: slow\n    litellm_params:\n      model: vertex_ai/gemini-2.5-pro\n"
            "allowed: [gpt-4o, gpt-4o-mini, gpt-4.1, gpt-5]\n"
        ),
        "terraform/main.tf": (
            'resource "aws_lambda_function" "moderate" {\n'
            "  environment {\n    variables = {\n"
            '      MODERATION_MODEL = "gpt-4o-mini" # gpt-4o\n    }\n  }\n}\n'
        ),
        "terraform/prod.tfvars": 'classifier_model = "claude-sonnet-4-5"\n',
        "gateway/main.go": (
            "package main\n\n// gpt-4o\nfunc Route() string {\n"
            '\tmodel := "gpt-4.1-mini"\n\tif model == "gpt-4o" {\n\t\treturn ""\n\t}\n'
            "\treturn model\n}\n"
        ),
        "gateway/main_test.go": 'package main\n\nvar model = "gpt-4o"\n',
        "billing/src/main/java/Billing.java": (
            'class Billing {\n    private static final String DISPUTE_MODEL = "gpt-4o";\n}\n'
        ),
        "billing/src/test/java/BillingTest.java": 'class BillingTest { String m = "gpt-4o"; }\n',
        "billing/application.properties": "# gpt-4\nbilling.llm.model=gpt-4.1\n",
        "support/config.rb": "# 'gpt-4o'\nMODEL = 'claude-opus-4-1'\n",
        "support/locales/en.yaml": "greeting: We asked gpt-4o for you\n",
        "notebooks/try.ipynb": '{"cells": [{"source": ["model = \'gpt-4o\'"]}]}\n',
        "examples/quickstart.py": 'MODEL = "gpt-4o"\n',
        "docs/adr/0007-models.md": "We chose gpt-5 over gpt-4o.\n",
        "schemas/settings.schema.json": (
            '{"properties": {"model": {"enum": ["gpt-4o", "gpt-4o-mini", "gpt-5", "o3"]}}}\n'
        ),
    },
    planted=(
        ("billing/application.properties", "billing.llm.model", "gpt-4.1"),
        ("billing/src/main/java/Billing.java", "Billing.DISPUTE_MODEL", "gpt-4o"),
        (
            "charts/assistant/templates/configmap.yaml",
            "data.settings.ini.llm.model",
            "gemini-2.5-pro",
        ),
        (
            "charts/assistant/templates/deployment.yaml",
            "containers.env.value",
            "gpt-5-nano",
        ),
        (
            "charts/assistant/values-production.yaml",
            "llm.model",
            "claude-opus-4-5-20251101",
        ),
        ("charts/assistant/values.yaml", "env[SUMMARY_MODEL].value", "claude-haiku-4-5"),
        ("charts/assistant/values.yaml", "llm.fallback.model", "openai/gpt-5-mini"),
        ("charts/assistant/values.yaml", "llm.model", "gpt-5"),
        (
            "compose.yaml",
            "services.gateway.environment.GATEWAY_MODEL",
            "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        ),
        ("compose.yaml", "services.worker.command.model", "gpt-4.1"),
        ("compose.yaml", "services.worker.environment.TAG_MODEL", "gpt-4.1-nano"),
        ("gateway/main.go", "Route.model", "gpt-4.1-mini"),
        ("litellm.yaml", "model_list[0].litellm_params.model", "gemini/gemini-2.5-flash"),
        ("litellm.yaml", "model_list[1].litellm_params.model", "vertex_ai/gemini-2.5-pro"),
        ("support/config.rb", "MODEL", "claude-opus-4-1"),
        ("terraform/main.tf", "environment.variables.MODERATION_MODEL", "gpt-4o-mini"),
        ("terraform/prod.tfvars", "classifier_model", "claude-sonnet-4-5"),
    ),
)

PROJECTS = (PYTHON_SERVICE, WEB_SHOP, PLATFORM)
