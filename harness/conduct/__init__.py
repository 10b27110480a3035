"""One function per job, told to a listener; loaded when named. Types: the stub beside this."""

import importlib

_BY_MODULE = {
    "concluding.differences": ("why", "write_differences"),
    "concluding.documents": ("export", "report", "reprice"),
    "concluding.proving": ("prove",),
    "concluding.signing": ("decide", "lock"),
    "concluding.verifying": ("hold_against_bill", "verify"),
    "gating.change": ("gate",),
    "planning": ("plan",),
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
}
JOBS = {job: f"{__name__}.{module}" for module, jobs in _BY_MODULE.items() for job in jobs}


def __getattr__(name: str) -> object:
    if name in JOBS:
        return getattr(importlib.import_module(JOBS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
