"""What ``--method recommended`` trains, and by what ``tcon eval`` then chooses among it."""

from collections.abc import Iterable

NAME = "recommended"
BASELINE = "source_only"  # what one stays with where no method convinces
METHODS = (BASELINE, "im", "tcon", "tcon+")
VALIDATOR = "ensv"  # one of evaluate's; why it is this one is in docs/evaluation.md


def expand(methods: Iterable[str]) -> list[str]:
    """The same methods with `METHODS` in place of ``recommended``, each of them once."""
    each = [METHODS if name == NAME else (name,) for name in methods]
    return list(dict.fromkeys(name for names in each for name in names))
