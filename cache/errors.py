"""The one exception for wrong input, shared by every room, and helpers for its messages."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Collection

_HASH = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
# Unprintable by Unicode's book, yet part of names: the joiners of emoji and of Arabic and Indian
# scripts, and the space of Chinese and Japanese.
_JOINERS = "\u200c\u200d\u3000"


class InputError(ValueError):
    """What the user gave cannot be used.

    The message is one line that says what is wrong, where, and how to mend it. The command line
    prints it without a traceback and exits with code 2. Where it quotes a file, characters that a
    terminal would obey or hide are escaped.
    """

    def __str__(self) -> str:
        said = super().__str__()
        return visible(said)


class MissingFile(InputError):
    """No feature file at the path that was named."""


def visible(text: str) -> str:
    """A text for a terminal or a table: control characters become ``\\x1b`` and the like."""
    return "".join(c if c.isprintable() or c in _JOINERS else ascii(c)[1:-1] for c in text)


def visible_lines(text: str) -> str:
    """As `visible`, with the breaks between lines kept."""
    return text if text.isprintable() else "\n".join(map(visible, text.split("\n")))


def printable(name: str) -> str:
    """A file's name as text that UTF-8 can hold; other bytes become ``\\xe9`` and the like."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def shorten(text: str) -> str:
    """The start of a text, for a message, and of each hash in it; words stay whole, unless they are
    very long."""
    text = _HASH.sub(r"\1...", text)
    if len(text) <= 80:
        return text
    words = text[:78].rpartition(" ")[0]
    return (words if len(words) >= 50 else text[:77]) + "..."


def unknown(what: str, name: str, known: Collection[str]) -> InputError:
    """The error for a name that is not among ``known``; suggests the nearest, or lists all."""
    lower = {one.lower(): one for one in known}
    near = difflib.get_close_matches(name.lower(), lower, n=1)
    hint = f"did you mean {lower[near[0]]}?" if near else f"there are {', '.join(known)}"
    return InputError(f"no {what} '{shorten(name)}': {hint}")


def unknown_backbone(name: str, known: Collection[str]) -> InputError:
    """The error for a short name that no backbone has; it may be that of a library's model."""
    error = str(unknown("backbone", name, known))
    stop = "" if error.endswith("?") else "."
    searched = shlex.quote(shorten(name.rpartition("/")[2]))
    return InputError(
        f"{error}{stop} Models of libraries are named timm:MODEL, torchvision:MODEL or hf:MODEL: "
        f"search them by tcon backbones {searched}"
    )
