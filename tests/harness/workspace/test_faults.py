"""One fault each, by file and key: `check` names it in one line, and no command begins with it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from evalsets.cases import Case
from evalsets.prompts import render_prompt
from harness.cli.main import run
from harness.conduct.checking import check_workspace, priced_on
from harness.errors import ExitCode, WorkspaceError
from harness.workspace.patterns import TooLongError, pattern_fault, time_limit
from harness.workspace.workspace import load_workspace
from tests.harness.conduct.test_check import TODAY
from tests.support.workspaces import edit, write_workspace

POLICY, MODELS, FEATURE = "policy.yaml", "models/all.yaml", "features/tickets.yaml"
EVALSET = "evalsets/tickets/evalset.yaml"
CASES, PROMPT = "evalsets/tickets/cases.jsonl", "prompts/tickets/default.j2"

FAULTS: list[tuple[str, str, str, str]] = [
    (
        POLICY,
        "max_spend_usd: 10",
        "max_spend_usd: -1",
        "policy.yaml:1: max_spend_usd: must be greater than or equal to 0",
    ),
    (
        POLICY,
        "max_spend_usd: 10",
        "max_spend_usd: ten",
        "policy.yaml:1: max_spend_usd: must be a number, got 'ten'",
    ),
    (POLICY, "max_spend_usd: 10\n", "", "policy.yaml: max_spend_usd: is required and missing"),
    (
        POLICY,
        "max_spend_usd: 10",
        "max_spend_usd: 1e+999999999",
        "policy.yaml:1: max_spend_usd: must be a finite number, got inf",
    ),
    (
        POLICY,
        "max_spend_usd: 10",
        "max_spend_usd: .nan",
        "policy.yaml:1: max_spend_usd: must be a number, got '.nan'",
    ),
    (
        POLICY,
        "max_spend_usd: 10",
        "max_spend_usd: 0.0000000000001",
        "policy.yaml:1: max_spend_usd: must be 0 or at least 1e-12, got 1",
    ),
    (
        POLICY,
        "confidence: 0.95",
        "confidence: 1.5",
        "policy.yaml:2: confidence: must be less than or equal to 0.99",
    ),
    (
        POLICY,
        "confidence: 0.95",
        "confidence: 0.2",
        "policy.yaml:2: confidence: must be greater than 0.5, got 0.2",
    ),
    (
        POLICY,
        "low: {margin: 10}",
        "low: {margin: 0}",
        "policy.yaml:3: risk.low.margin: must be greater than or equal to 0",
    ),
    (
        POLICY,
        "medium: {margin: 5}",
        "medium: {margin: 100}",
        "policy.yaml:3: risk.medium.margin: must be less than or equal to 99,",
    ),
    (
        POLICY,
        "low: {margin: 10}",
        "lowest: {margin: 10}",
        "policy.yaml:3: risk.lowest: must be 'low', 'medium' or 'high',",
    ),
    (
        POLICY,
        "minimum_saving_usd: 50",
        "minimum_saving_usd: -5",
        "policy.yaml:4: minimum_saving_usd: must be greater than or equal to 0",
    ),
    (
        POLICY,
        "minimum_saving_usd: 50",
        "spend: {budget_usd: 60k}",
        "policy.yaml:4: spend.budget_usd: must be a number of USD, without a unit, got '60k'",
    ),
    (
        POLICY,
        "minimum_saving_usd: 50",
        "spend: {idle_hours: 24 h}",
        "policy.yaml:4: spend.idle_hours: must be a number of hours, without a unit, got '24 h'",
    ),
    (
        POLICY,
        "minimum_saving_usd: 50",
        "spend: {untagged_share: 5}",
        "policy.yaml:4: spend.untagged_share: must be a share from 0 to 1, got 5; write 0.05",
    ),
    (
        POLICY,
        "minimum_saving_usd: 50",
        "spend: {teams: {a: {retry_rate: 2 %}}}",
        "policy.yaml:4: spend.teams.a.retry_rate: must be a share from 0 to 1, got 2 %; write 0.02",
    ),
    (
        POLICY,
        "minimum_saving_usd: 50",
        "spend: {budget: 5}",
        "policy.yaml:4: spend.budget: unknown key; did you mean `budget_usd`?",
    ),
    (
        POLICY,
        "minimum_saving_usd: 50",
        "spend: {waive: {idle_hours: {until: 2027-01-01, by: a, reason: b}}}",
        "policy.yaml:4: spend: waive: idle_hours is no limit here; state it, or",
    ),
    (
        POLICY,
        "minimum_saving_usd: 50",
        "minimum_savings: 50",
        "policy.yaml:4: minimum_savings: unknown key; did you mean `minimum",
    ),
    (
        POLICY,
        "minimum_saving_usd: 50",
        "confidence: 0.9",
        "policy.yaml:4: confidence: stated twice (first on line 2)",
    ),
    (
        POLICY,
        "minimum_saving_usd: 50",
        "procedure: {looks: 0}",
        "policy.yaml:4: procedure.looks: must be greater than or equal to 1",
    ),
    (
        POLICY,
        "minimum_saving_usd: 50",
        "procedure: {repeats: 1000000000}",
        "policy.yaml:4: procedure.repeats: must be less than or equal to 100,",
    ),
    (
        POLICY,
        "minimum_saving_usd: 50",
        "procedure: {pilot: 0.9}",
        "policy.yaml:4: procedure.pilot: must be less than 0.5, got 0.9",
    ),
    (
        POLICY,
        "minimum_saving_usd: 50",
        "procedure: {kind: guess}",
        "policy.yaml:4: procedure.kind: must be 'ladder', 'holm' or 'fixed",
    ),
    (
        POLICY,
        "minimum_saving_usd: 50",
        "gate: {model: sometimes}",
        "policy.yaml:4: gate.model: must be 'off', 'warn' or 'fail', g",
    ),
    (
        POLICY,
        "minimum_saving_usd: 50",
        "gate: {evaluation_usd: -1}",
        "policy.yaml:4: gate.evaluation_usd: must be greater than or equal to 0",
    ),
    (
        POLICY,
        "minimum_saving_usd: 50",
        "gate: {by_feature: {tickets: {colour: off}}}",
        "policy.yaml:4: gate.by_feature.tickets.colour: must be 'model', 'prompt', 'evalse",
    ),
    (
        POLICY,
        "minimum_saving_usd: 50",
        "discounts: {anthropic: 2}",
        "policy.yaml:4: discounts.anthropic: must be less than or equal to 1, g",
    ),
    (
        POLICY,
        "minimum_saving_usd: 50",
        "discounts: {acme: 0.1}",
        "policy.yaml:4: discounts.acme: must be 'anthropic', 'openai', 'go",
    ),
    (
        POLICY,
        "minimum_saving_usd: 50",
        "share_of_rate_limit: 0",
        "policy.yaml:4: share_of_rate_limit: must be greater than or equal to 0",
    ),
    (
        POLICY,
        "minimum_saving_usd: 50",
        "expires_days: {justify: 0}",
        "policy.yaml:4: expires_days.justify: must be greater than 0, got 0",
    ),
    (
        POLICY,
        "minimum_saving_usd: 50",
        "gpus: {h100: {on_demand: 3, source: q}}",
        "policy.yaml:4: gpus.h100.as_of: is required and missing",
    ),
    (
        POLICY,
        "minimum_saving_usd: 50",
        "decide_within_days: 0",
        "policy.yaml:4: decide_within_days: must be greater than 0, got 0",
    ),
    (
        POLICY,
        "minimum_saving_usd: 50",
        "deciders: dana@example.com",
        "policy.yaml:4: deciders: must be a list, got 'dana@example.",
    ),
    (
        POLICY,
        "minimum_saving_usd: 50",
        "require_signature: sometimes",
        "policy.yaml:4: require_signature: must be a boolean, got 'sometimes'",
    ),
    (
        POLICY,
        "minimum_saving_usd: 50",
        "discounts: &a {}\ngpus: *a",
        "policy.yaml:4: gpus: aliases (`*name`) are not read; wr",
    ),
    (
        POLICY,
        "minimum_saving_usd: 50",
        "discounts: !!python/object:os.system {}",
        "policy.yaml:4: discounts: the tag !!python/object:os.system",
    ),
    (
        POLICY,
        "minimum_saving_usd: 50",
        "\tminimum_saving_usd: 50",
        "policy.yaml:4: broken YAML: found character that",
    ),
    (
        POLICY,
        "minimum_saving_usd: 50",
        f"gpus: {'[' * 500}{']' * 500}",
        "policy.yaml: nested too deeply: more than",
    ),
    (
        POLICY,
        "minimum_saving_usd: 50",
        "gpus: {h: {source: sk-aaaaaaaaaaaaaaaaaaaaaaaa}}",
        "policy.yaml:4: gpus.h.as_of: is required and missing",
    ),
    (
        MODELS,
        "provider: openai\n",
        "provider: acme\n",
        "models/all.yaml:2: big.provider: must be 'anthropic', 'openai', 'go",
    ),
    (
        MODELS,
        "  key: BIG_KEY",
        "  key: sk-aaaaaaaaaaaaaaaaaaaaaaaa",
        "models/all.yaml:3: big.key: looks like a secret; put it in an",
    ),
    (
        MODELS,
        "  key: BIG_KEY",
        "  key: big_key",
        "models/all.yaml:3: big.key: must be the NAME of an environment",
    ),
    (
        MODELS,
        "  key: BIG_KEY\n  may_see: [public, internal, customer]",
        "  key: BIG_KEY\n  may_see: [secret]",
        "models/all.yaml:4: big.may_see[0]: must be 'public', 'internal', 'cus",
    ),
    (
        MODELS,
        "input: 4.00, output: 20.00",
        "input: -1, output: 20.00",
        "models/all.yaml:6: big.price[0].input: must be greater than or equal to 0",
    ),
    (
        MODELS,
        "input: 4.00, output: 20.00",
        "input: 1e30, output: 20.00",
        "models/all.yaml:6: big.price[0].input: must be less than or equal to 1000",
    ),
    (
        MODELS,
        "input: 4.00, output: 20.00",
        "input: free, output: 20.00",
        "models/all.yaml:6: big.price[0].input: must be a number, got 'free'",
    ),
    (
        MODELS,
        "{from: 2026-09-01, input: 4.00, output: 20.00, source: quote}",
        "{from: soon, input: 4.00, output: 20.00, source: quote}",
        "models/all.yaml:6: big.price[0].from: must be a day, as 2026-11-30, got",
    ),
    (
        MODELS,
        "{from: 2026-09-01, input: 4.00, output: 20.00, source: quote}",
        "{from: 2026-09-01, input: 4.00, output: 20.00}",
        "models/all.yaml:6: big.price[0].source: is required and missing",
    ),
    (
        MODELS,
        "    - {from: 2026-09-01, input: 4.00, output: 20.00, source: quote}\n",
        (
            "    - {from: 2026-09-01, input: 4.00, output: 20.00, source: quote}\n"
            "    - {from: 2026-09-01, input: 5.00, output: 20.00, source: quote}\n"
        ),
        "models/all.yaml:7: big.price[1].from: a price from 2026-09-01 is stated",
    ),
    (
        MODELS,
        "  key: BIG_KEY",
        "  key: BIG_KEY\n  colour: red",
        "models/all.yaml:4: big.colour: unknown key; known: api, api_versi",
    ),
    (
        MODELS,
        "http://127.0.0.1:8000/v1",
        "http://example.com/v1",
        "models/all.yaml:9: small.base_url: http to example.com is not encrypt",
    ),
    (
        MODELS,
        "http://127.0.0.1:8000/v1",
        '"http://127.0.0.1:8000/v1\\r\\nX-Evil: 1"',
        "models/all.yaml:9: small.base_url: 'http://127.0.0.1:8000/v1\\r\\nX-Evi",
    ),
    (
        MODELS,
        "http://127.0.0.1:8000/v1",
        "http://169.254.169.254/v1",
        "models/all.yaml:9: small.base_url: 169.254.169.254 is a link-local or",
    ),
    (
        MODELS,
        "http://127.0.0.1:8000/v1",
        "https://user:word@example.com/v1",
        "models/all.yaml:9: small.base_url: the address holds a user name; nam",
    ),
    (
        MODELS,
        "http://127.0.0.1:8000/v1",
        "ftp://example.com/v1",
        "models/all.yaml:9: small.base_url: scheme 'ftp' is not https (or http",
    ),
    (
        MODELS,
        "  base_url: http://127.0.0.1:8000/v1\n",
        "",
        "models/all.yaml:8: small.provider: an openai-compatible model needs `",
    ),
    (
        MODELS,
        "  key: BIG_KEY",
        "  key: BIG_KEY\n  api: morse",
        "models/all.yaml:4: big.api: must be 'messages', 'responses', '",
    ),
    (
        MODELS,
        "  key: BIG_KEY",
        "  key: BIG_KEY\n  api: messages",
        "models/all.yaml:4: big.api: openai has no API 'messages'; it h",
    ),
    (
        MODELS,
        "  key: BIG_KEY",
        "  key: BIG_KEY\n  sdk: google-generativeai",
        "models/all.yaml:4: big.sdk: google-generativeai is an SDK of g",
    ),
    (
        MODELS,
        "  family: tiny",
        "  batch: true",
        "features/tickets.yaml:9: candidates[0]: PRICE_MISSING: small: `batch: true",
    ),
    (
        MODELS,
        "  key: BIG_KEY",
        "  key: BIG_KEY\n  extra_body: {model: other}",
        "models/all.yaml:4: big.extra_body: names another model under 'model';",
    ),
    (
        MODELS,
        "  key: BIG_KEY",
        "  key: BIG_KEY\n  extra_body: {day: 2026-01-01}",
        "models/all.yaml:4: big.extra_body: holds what no JSON request can car",
    ),
    (
        MODELS,
        "  key: BIG_KEY",
        "  key: BIG_KEY\n  effort: high\n  efforts: [low]",
        "models/all.yaml:4: big.effort: 'high' is not among `efforts`; kno",
    ),
    (
        MODELS,
        "  key: BIG_KEY",
        "  key: BIG_KEY\n  gpu: h900",
        "models/all.yaml:4: big.gpu: policy.yaml has no gpu 'h900'",
    ),
    (
        MODELS,
        "  key: BIG_KEY",
        "  key: BIG_KEY\n  platform: azure",
        "models/all.yaml:4: big.platform: azure needs `base_url:`",
    ),
    (
        MODELS,
        "  key: BIG_KEY",
        "  key: BIG_KEY\n  max_concurrency: 0",
        "models/all.yaml:4: big.max_concurrency: must be greater than 0, got 0",
    ),
    (
        MODELS,
        "  key: BIG_KEY",
        "  key: BIG_KEY\n  timeout_s: 0",
        "models/all.yaml:4: big.timeout_s: must be greater than or equal to 0",
    ),
    (
        MODELS,
        "  key: BIG_KEY",
        "  key: BIG_KEY\n  omit: [colour]",
        "models/all.yaml:4: big.omit[0]: must be 'temperature', 'seed', 'st",
    ),
    (
        MODELS,
        "  key: BIG_KEY",
        "  key: BIG_KEY\n  window_tokens: 0",
        "models/all.yaml:4: big.window_tokens: must be greater than 0, got 0",
    ),
    (
        MODELS,
        "  key: BIG_KEY",
        "  key: BIG_KEY\n  retires_on: someday",
        "models/all.yaml:4: big.retires_on: must be a day, as 2026-11-30, got",
    ),
    (
        MODELS,
        "  key: BIG_KEY",
        "  key: BIG_KEY\n  cache_min_tokens: -1",
        "models/all.yaml:4: big.cache_min_tokens: must be greater than or equal to 0",
    ),
    (
        MODELS,
        "  key: BIG_KEY",
        "  key: BIG_KEY\n  capabilities: [flight]",
        "models/all.yaml:4: big.capabilities[0]: must be 'schema', 'tools', 'images",
    ),
    (MODELS, "small:\n", "big:\n", "models/all.yaml:7: big: stated twice (first on line 1)"),
    (
        MODELS,
        "small:\n",
        '"sm all":\n',
        "features/tickets.yaml:9: candidates[0]: unknown model 'small'; did you mea",
    ),
    (
        MODELS,
        "  family: tiny",
        "  serve: {engine: llama-cpp, weights: x}",
        "models/all.yaml:10: small.serve: states `base_url` too; attach to a",
    ),
    (
        MODELS,
        "  key: BIG_KEY",
        "  key: BIG_KEY\n  requests_per_minute: 0",
        "models/all.yaml:4: big.requests_per_minute: must be greater than 0, got 0",
    ),
    (
        FEATURE,
        "owner: dana.ruiz@example.com\n",
        "",
        "features/tickets.yaml: owner: is required and missing",
    ),
    (
        FEATURE,
        "data: customer",
        "data: private",
        "features/tickets.yaml:5: data: must be 'public', 'internal', 'cus",
    ),
    (
        FEATURE,
        "risk: medium",
        "risk: extreme",
        "features/tickets.yaml:6: risk: must be 'low', 'medium' or 'high',",
    ),
    (
        FEATURE,
        "risk: medium",
        "risk: medium\nmargin: 0",
        "features/tickets.yaml:7: margin: must be greater than or equal to 0",
    ),
    (
        FEATURE,
        "risk: medium",
        "risk: medium\nmargin: 100",
        "features/tickets.yaml:7: margin: must be less than or equal to 99,",
    ),
    (
        FEATURE,
        "incumbent: big",
        "incumbent: bigger",
        "features/tickets.yaml:8: incumbent: unknown model 'bigger'; did you me",
    ),
    (
        FEATURE,
        "[small]",
        "[smaller]",
        "features/tickets.yaml:9: candidates[0]: unknown model 'smaller'; did you m",
    ),
    (
        FEATURE,
        "[small]",
        "[big]",
        "features/tickets.yaml:9: candidates[0]: big is the incumbent itself; remov",
    ),
    (
        FEATURE,
        "[small]",
        "[small, small]",
        "features/tickets.yaml:9: candidates[1]: small is stated twice",
    ),
    (
        FEATURE,
        "[small]",
        "sometimes",
        "features/tickets.yaml:9: candidates: must be 'auto' or a list, got 'som",
    ),
    (
        FEATURE,
        "request: {max_output_tokens: 8}",
        "request: {max_output_tokens: 0}",
        "features/tickets.yaml:10: request.max_output_tokens: must be greater than 0, got 0",
    ),
    (
        FEATURE,
        "request: {max_output_tokens: 8}",
        "request: {temperature: -1}",
        "features/tickets.yaml:10: request.temperature: must be greater than or equal to 0",
    ),
    (
        FEATURE,
        "request: {max_output_tokens: 8}",
        "request: {seed: 99999999999999999999}",
        "features/tickets.yaml:10: request.seed: must be less than 9223372036854775",
    ),
    (
        FEATURE,
        "request: {max_output_tokens: 8}",
        "request: {schema: none.json}",
        "features/tickets.yaml:10: request.schema: the file evalsets/tickets/none.jso",
    ),
    (
        FEATURE,
        "request: {max_output_tokens: 8}",
        "request: {tools: ../../tools.json}",
        "features/tickets.yaml:10: request.tools: must name a file in the eval set's",
    ),
    (
        FEATURE,
        "request: {max_output_tokens: 8}",
        "request: {max_output_tokens: 8}\nused_in: somewhere",
        "features/tickets.yaml:11: used_in: must be repository:path#key, got '",
    ),
    (
        FEATURE,
        "request: {max_output_tokens: 8}",
        "request: {max_output_tokens: 8}\nused_in: 'shop:a.py:/(/'",
        "features/tickets.yaml:11: used_in: the pattern not a regular expressi",
    ),
    (
        FEATURE,
        "request: {max_output_tokens: 8}",
        "request: {max_output_tokens: 8}\nused_in: 'shop:a.py:/(a+)+$/'",
        "features/tickets.yaml:11: used_in: the pattern takes too long on a te",
    ),
    (
        FEATURE,
        "request: {max_output_tokens: 8}",
        "request: {max_output_tokens: 8}\nlatency: {p95_s: 0}",
        "features/tickets.yaml:11: latency.p95_s: must be greater than or equal to 0",
    ),
    (
        FEATURE,
        "requests_per_month: 1000",
        "requests_per_month: -1",
        "features/tickets.yaml:11: traffic.requests_per_month: must be greater than or equal to 0",
    ),
    (
        FEATURE,
        "requests_per_month: 1000",
        "cached_share: 2, requests_per_month: 1",
        "features/tickets.yaml:11: traffic.cached_share: must be less than or equal to 1, g",
    ),
    (
        FEATURE,
        "requests_per_month: 1000",
        "curve: none.csv, requests_per_month: 1",
        "features/tickets.yaml:11: traffic.curve: the file traffic/none.csv is missi",
    ),
    (
        FEATURE,
        "request: {max_output_tokens: 8}",
        "request: {max_output_tokens: 8}\nmix: {channel: {mail: 0.2, chat: 0.2}}",
        "features/tickets.yaml:11: mix.channel: the shares must sum to 1, got 0.4",
    ),
    (
        FEATURE,
        "request: {max_output_tokens: 8}",
        "request: {max_output_tokens: 8}\ncascades: [{first: big, accept_when: format}]",
        "features/tickets.yaml:11: cascades[0].first: big is the incumbent itself; name",
    ),
    (
        FEATURE,
        "request: {max_output_tokens: 8}",
        "request: {max_output_tokens: 8}\ncascades: [{first: small, accept_when: schema}]",
        "features/tickets.yaml:11: cascades[0].accept_when: schema needs `request: {schema: FI",
    ),
    (
        FEATURE,
        "request: {max_output_tokens: 8}",
        "request: {max_output_tokens: 8}\nerror_cost_usd: -1",
        "features/tickets.yaml:11: error_cost_usd: must be greater than or equal to 0",
    ),
    (
        FEATURE,
        "request: {max_output_tokens: 8}",
        "request: {max_output_tokens: 8}\nmode: batch",
        "features/tickets.yaml:11: mode: must be 'live' or 'deferrable', go",
    ),
    (
        FEATURE,
        "request: {max_output_tokens: 8}",
        "request: {max_output_tokens: 8}\nanswers: none",
        "features/tickets.yaml:11: answers: must be 'replayed' or 'imported',",
    ),
    (
        FEATURE,
        "request: {max_output_tokens: 8}",
        "request: {max_output_tokens: 8}\nevalset: ../other",
        "features/tickets.yaml:11: evalset: must be the name of a folder under",
    ),
    (
        FEATURE,
        "on: 2026-09-14",
        "on: 2026-13-14",
        "features/tickets.yaml:7: agreed.on: must be a day, as 2026-11-30, got",
    ),
    (
        FEATURE,
        "request: {max_output_tokens: 8}",
        "request: {max_output_tokens: 8}\ntimeout_s: 0",
        "features/tickets.yaml:11: timeout_s: must be greater than or equal to 0",
    ),
    (
        FEATURE,
        "request: {max_output_tokens: 8}",
        "request: {max_output_tokens: 8}\nevalset: other",
        "evalsets/other/: the folder is missing; it holds th",
    ),
    (
        EVALSET,
        "cases: cases.jsonl",
        "cases: none.jsonl",
        "evalsets/tickets/evalset.yaml:1: cases: the file evalsets/tickets/none.jso",
    ),
    (
        EVALSET,
        "cases: cases.jsonl",
        "cases: ../../../etc/passwd",
        "evalsets/tickets/evalset.yaml:1: cases: must name a file in the eval set's",
    ),
    (
        EVALSET,
        "primary: {scorer: label, labels: [billing, technical]}",
        "primary: {scorer: oracle}",
        "evalsets/tickets/evalset.yaml:5: primary: unknown scorer 'oracle'; known: as",
    ),
    (
        EVALSET,
        "primary: {scorer: label, labels: [billing, technical]}",
        "primary: {scorer: label, labels: []}",
        "evalsets/tickets/evalset.yaml:5: primary: scorer 'label': option 'labels': T",
    ),
    (
        EVALSET,
        "primary: {scorer: label, labels: [billing, technical]}",
        "primary: {scorer: label, lables: [a]}",
        "evalsets/tickets/evalset.yaml:5: primary: scorer 'label': option 'labels': i",
    ),
    (
        EVALSET,
        "primary: {scorer: label, labels: [billing, technical]}",
        (
            "primary: {scorer: label, labels: [billing, technical]}\n"
            "guardrails: [{scorer: format, margin: 0}]"
        ),
        "evalsets/tickets/evalset.yaml:6: guardrails[0].margin: must be greater than or equal to 0",
    ),
    (
        EVALSET,
        "mail: {margin: 10}",
        "mail: {margin: 1000}",
        "evalsets/tickets/evalset.yaml:6: slices.channel.mail.margin: must be le",
    ),
    (
        EVALSET,
        "mail: {margin: 10}",
        "post: {margin: 10}",
        "evalsets/tickets/evalset.yaml:6: slices.channel.post: no case has channel = 'post'; know",
    ),
    (
        EVALSET,
        "tune: 2",
        "tune: -1",
        "evalsets/tickets/evalset.yaml:7: tune: must be greater than or equal to 0",
    ),
    (
        EVALSET,
        "tune: 2",
        "tune: 900",
        "evalsets/tickets/evalset.yaml:7: tune: keeps 900 of 12 cases: none is lef",
    ),
    (
        EVALSET,
        "tune: 2",
        "repeats: 1000000000",
        "evalsets/tickets/evalset.yaml:7: repeats: must be less than or equal to 100,",
    ),
    (
        EVALSET,
        "tune: 2",
        "bar: 101",
        "evalsets/tickets/evalset.yaml:7: bar: must be less than or equal to 100,",
    ),
    (
        EVALSET,
        "kind: written",
        "kind: dreamt",
        "evalsets/tickets/evalset.yaml:3: source.kind: must be 'traffic', 'written', 'imp",
    ),
    (
        EVALSET,
        "primary: {scorer: label, labels: [billing, technical]}",
        "primary: {scorer: regex, pattern: '('}",
        "evalsets/tickets/evalset.yaml:5: primary: scorer 'regex': option 'pattern':",
    ),
    (
        EVALSET,
        "primary: {scorer: label, labels: [billing, technical]}",
        "primary: {scorer: regex, pattern: '^(a+)+$'}",
        "evalsets/tickets/evalset.yaml:5: primary: scorer 'regex': option 'pattern':",
    ),
    (
        EVALSET,
        "cluster: customer",
        "cluster: colour",
        "evalsets/tickets/evalset.yaml:4: cluster: no case has the metadata key 'colo",
    ),
    (
        EVALSET,
        "primary: {scorer: label, labels: [billing, technical]}",
        "primary: {scorer: judge, model: nobody, rubric: r}",
        "evalsets/tickets/evalset.yaml:5: primary.model: unknown judge 'nobody'; known: big",
    ),
    (
        EVALSET,
        "unit: tickets",
        "unit: [a]",
        "evalsets/tickets/evalset.yaml:2: unit: must be a text, got a list",
    ),
    (
        CASES,
        '"id": "t-7", "input": "Ticket number 7"',
        '"id": "t-7", "input": 7',
        "evalsets/tickets/cases.jsonl:8: input: must be a text or chat messages, g",
    ),
    (
        CASES,
        '"id": "t-7", "input": "Ticket number 7"',
        '"id": "t-6", "input": "Another"',
        "evalsets/tickets/cases.jsonl:8: id: the id 't-6' is already on line 7",
    ),
    (
        CASES,
        '"id": "t-7", "input": "Ticket number 7"',
        '"id": "t-7"',
        "evalsets/tickets/cases.jsonl:8: input: is required and missing",
    ),
    (
        CASES,
        '"id": "t-7", "input": "Ticket number 7",',
        '"id": "t-7", "input": "Ticket number 7"',
        "evalsets/tickets/cases.jsonl:8: broken JSON: Expecting ',' delimit",
    ),
    (
        CASES,
        '"id": "t-7", "input": "Ticket number 7"',
        '"id": "t-7", "input": "x", "colour": 1',
        "evalsets/tickets/cases.jsonl:8: colour: unknown key; known: choices, context, files",
    ),
    (
        CASES,
        '"id": "t-7", "input": "Ticket number 7"',
        '"id": "", "input": "x"',
        "evalsets/tickets/cases.jsonl:8: id: must be a text, got ''",
    ),
    (
        CASES,
        '"id": "t-7", "input": "Ticket number 7"',
        '"id": "t-7", "input": [{"role": "king", "content": "x"}]',
        "evalsets/tickets/cases.jsonl:8: input[0]: must be a message with a role of s",
    ),
    (
        CASES,
        '"id": "t-7", "input": "Ticket number 7"',
        '"id": "t-7", "input": "x", "input": "y"',
        "evalsets/tickets/cases.jsonl:8: the key `input` is stated twice",
    ),
    (
        PROMPT,
        "{{ input }}",
        "{{ imput }}",
        "prompts/tickets/default.j2:1: bad template: unknown variable 'im",
    ),
    (
        PROMPT,
        "{{ input }}",
        "{{ input ",
        "prompts/tickets/default.j2:1: bad template: unexpected end of te",
    ),
    (
        PROMPT,
        "{{ input }}",
        "{{ input * 999999999 }}",
        "prompts/tickets/default.j2: case 't-0': line 1 or below: Secur",
    ),
    (
        PROMPT,
        "{{ input }}",
        "{{ 9 ** 9 ** 9 }}{{ input }}",
        "prompts/tickets/default.j2: case 't-0': line 1 or below: Secur",
    ),
    (
        PROMPT,
        "{{ input }}",
        "{{ input | center(999999999) }}",
        "prompts/tickets/default.j2: case 't-0': line 1 or below: Secur",
    ),
    (
        PROMPT,
        "{{ input }}",
        "{{ '%999999999d' % 1 }}{{ input }}",
        "prompts/tickets/default.j2: case 't-0': line 1 or below: Secur",
    ),
    (
        PROMPT,
        "{{ input }}",
        "{{ input.ljust(999999999) }}",
        "prompts/tickets/default.j2: case 't-0': line 1 or below: Secur",
    ),
    (
        PROMPT,
        "{{ input }}",
        "{{ " + "(" * 500 + "1" + ")" * 500 + " }}{{ input }}",
        "prompts/tickets/default.j2:1: bad template: nested too deeply",
    ),
    (
        PROMPT,
        "{{ input }}",
        "{% if 1 %}" * 500 + "{{ input }}" + "{% endif %}" * 500,
        "prompts/tickets/default.j2:1: bad template: nested too deeply",
    ),
    (
        PROMPT,
        "{{ input }}",
        "{{ ''.__class__ }}{{ input }}",
        "prompts/tickets/default.j2: case 't-0': line 1 or below: Secur",
    ),
    (PROMPT, "Topic of: {{ input }}\n", "", "prompts/tickets/default.j2: the prompt is empty"),
    (
        PROMPT,
        "{{ input }}",
        "nothing",
        "prompts/tickets/default.j2: every case is asked the same: the",
    ),
]
"""A file, a text of it, what stands there instead, and how the one line begins."""


@pytest.mark.parametrize(
    ("file", "old", "new", "said"), FAULTS, ids=[f"{n}-{one[3]}" for n, one in enumerate(FAULTS)]
)
def test_a_fault_is_one_line(file: str, old: str, new: str, said: str, tmp_path: Path) -> None:
    root = write_workspace(tmp_path)
    edit(root / file, old, new)
    report = check_workspace(root, has_price=priced_on(TODAY))
    told = [str(one) for one in report.problems]
    assert any(one.startswith(said) for one in told), told
    assert not any("\n" in one or "Traceback" in one for one in told)
    assert report.exit_code == ExitCode.USAGE_ERROR or "PRICE_MISSING" in said


def test_every_fault_is_another() -> None:
    assert len({one[:3] for one in FAULTS}) == len(FAULTS) > 80


@pytest.mark.parametrize("at", range(0, len(FAULTS), 24))
def test_check_and_plan_agree(at: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, old, new, said = FAULTS[at]
    root = write_workspace(tmp_path)
    edit(root / file, old, new)
    for command in (["check"], ["plan"], ["review", "--yes"]):
        capsys.readouterr()
        assert run([*command, "-w", str(root)]) == ExitCode.USAGE_ERROR
        told = capsys.readouterr()
        assert said in told.err + told.out
    assert not (root / ".rightsize" / "journal.sqlite").exists()


POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0a' * 32}\nsize 9\n"


def to_itself(path: Path) -> None:
    path.symlink_to(path)


NO_FILES: dict[str, Callable[[Path], object]] = {
    "a pipe": os.mkfifo,
    "a link to itself": to_itself,
    "a folder": Path.mkdir,
    "a pointer": lambda path: path.write_text(POINTER),
}


@pytest.mark.parametrize("file", [POLICY, FEATURE, EVALSET])
def test_what_is_no_plain_file_is_refused_at_once(file: str, tmp_path: Path) -> None:
    for name, place in NO_FILES.items():
        root = write_workspace(tmp_path / name)
        (root / file).unlink()
        place(root / file)
        report = check_workspace(root, has_price=priced_on(TODAY))
        assert any(one.file == file for one in report.problems if one.severity == "error")
        with pytest.raises(WorkspaceError):
            load_workspace(root)


@pytest.mark.parametrize("pattern", ["^(a+)+$", "(x|xx)+y", r"(\w+\s?)*$", "(0*)*1", "("])
def test_a_pattern_that_never_ends_is_found_before_it_is_used(pattern: str) -> None:
    assert pattern_fault(pattern) is not None


@pytest.mark.parametrize("pattern", [r"(\d+)", r"answer:\s*(.+)$", "^[A-Z]{3}$", "a*b*c*", ""])
def test_a_pattern_that_ends_is_used(pattern: str) -> None:
    assert pattern_fault(pattern) is None


LOOP = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}{{ input }}"


def test_what_runs_too_long_is_ended() -> None:
    began = time.process_time()
    case = Case(id="c", input="x", target=None, metadata=())
    with (
        pytest.raises(TooLongError, match=r"prompt: takes longer than 0\.2 s"),
        time_limit("prompt", 0.2),
    ):
        render_prompt(LOOP, case)
    assert time.process_time() - began < 5


@pytest.mark.parametrize("folder", ["reviews", ".rightsize", "traffic"])
def test_a_file_in_place_of_a_folder_is_one_line_before_anything_is_asked(
    folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_workspace(tmp_path)
    (root / folder).write_text("x", encoding="utf-8")
    for command in (["check"], ["plan"], ["review", "--yes"]):
        capsys.readouterr()
        assert run([*command, "-w", str(root)]) == ExitCode.USAGE_ERROR
        told = capsys.readouterr()
        assert f"{folder}: must be a folder" in told.err + told.out
