from harness.conduct.concluding.differences import why as why
from harness.conduct.concluding.differences import write_differences as write_differences
from harness.conduct.concluding.documents import export as export
from harness.conduct.concluding.documents import report as report
from harness.conduct.concluding.documents import reprice as reprice
from harness.conduct.concluding.signing import decide as decide
from harness.conduct.concluding.signing import lock as lock
from harness.conduct.concluding.verifying import hold_against_bill as hold_against_bill
from harness.conduct.concluding.verifying import verify as verify
from harness.conduct.gating.change import gate as gate
from harness.conduct.planning import plan as plan
from harness.conduct.running import review as review

JOBS: dict[str, str]
