"""Which module a job is in, that it is loaded when it is named."""

from __future__ import annotations

_BY_MODULE = {
    "concluding.differences": ("why", "write_differences"),
    "concluding.documents": ("report", "report_files", "report_month"),
    "concluding.proving": ("prove",),
    "concluding.repricing_records": ("export", "reprice"),
    "concluding.signing": ("decide", "lock"),
    "concluding.verifying": ("hold_against_bill", "verify"),
    "gating.change": ("gate",),
    "gating.spend": ("gate_spend",),
    "planning": ("plan",),
    "preparing.hosting_everything": ("hosting",),
    "preparing.importing_answers": ("import_answers",),
    "preparing.importing_sets": ("import_csv", "import_inspect", "import_promptfoo"),
    "preparing.importing_traffic": ("import_traffic",),
    "preparing.keeping_journal": ("journal",),
    "preparing.labelling_cases": ("label",),
    "preparing.listing_models": ("models",),
    "preparing.importing_probe": ("import_probe",),
    "preparing.probing_replica": ("probe",),
    "preparing.trying": ("try_prompt",),
    "running": ("review",),
    "tuning.tuning": ("tune",),
}
JOBS = {job: f"harness.conduct.{module}" for module, jobs in _BY_MODULE.items() for job in jobs}
