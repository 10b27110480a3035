"""Evidence + policy -> verdict. Pure.

The product's loop: `procedure.next_step(design, evidence)` says `Ask` (replay and score those
cases, hand the longer evidence back), `Confirm` (an option passed on quality: look for vetoes,
name it in `cleared` or `vetoed`) or `Finished`; then `verdict.decide` weighs everything.
"""
