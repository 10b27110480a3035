from harness.conduct.concluding.differences import why as why
from harness.conduct.concluding.differences import write_differences as write_differences
from harness.conduct.concluding.documents import report as report
from harness.conduct.concluding.documents import report_files as report_files
from harness.conduct.concluding.documents import report_month as report_month
from harness.conduct.concluding.proving import prove as prove
from harness.conduct.concluding.repricing_records import export as export
from harness.conduct.concluding.repricing_records import reprice as reprice
from harness.conduct.concluding.signing import decide as decide
from harness.conduct.concluding.signing import lock as lock
from harness.conduct.concluding.verifying import hold_against_bill as hold_against_bill
from harness.conduct.concluding.verifying import verify as verify
from harness.conduct.gating.change import gate as gate
from harness.conduct.planning import plan as plan
from harness.conduct.preparing.importing_answers import import_answers as import_answers
from harness.conduct.preparing.importing_probe import import_probe as import_probe
from harness.conduct.preparing.importing_sets import import_csv as import_csv
from harness.conduct.preparing.importing_sets import import_inspect as import_inspect
from harness.conduct.preparing.importing_sets import import_promptfoo as import_promptfoo
from harness.conduct.preparing.importing_traffic import import_traffic as import_traffic
from harness.conduct.preparing.keeping_journal import journal as journal
from harness.conduct.preparing.labelling_cases import label as label
from harness.conduct.preparing.listing_models import models as models
from harness.conduct.preparing.probing_replica import probe as probe
from harness.conduct.preparing.trying import try_prompt as try_prompt
from harness.conduct.running import review as review

JOBS: dict[str, str]
