"""How a model is named: `model`, or `model@effort`."""

from __future__ import annotations


def split_option(name: str) -> tuple[str, str | None]:
    """The model and the effort that an option's name states.

    >>> split_option("gpt-5@low")
    ('gpt-5', 'low')
    >>> split_option("claude-haiku-4-5")
    ('claude-haiku-4-5', None)
    """
    model, at, effort = name.partition("@")
    return model, effort if at else None
