"""The workspace's files, as their users write them: strict, final, every key documented.

One module a kind of file; this one is the door to all of them.
"""

from __future__ import annotations
