"""How many examples a law is tried on; no deadline, because two cores are shared."""

from __future__ import annotations

from hypothesis import settings

law = settings(deadline=None, max_examples=60)
