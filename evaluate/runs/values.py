"""Values of settings, and how they are written."""

from __future__ import annotations

Value = str | int | float | bool | None


def as_text(value: Value) -> str:
    """A value as ``--set`` takes it."""
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)
