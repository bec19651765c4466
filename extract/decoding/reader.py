"""What decoding processes do with a request, and how its answers end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from .video import DecodeError

RequestT = TypeVar("RequestT")
AnswerT = TypeVar("AnswerT")
RequestT_contra = TypeVar("RequestT_contra", contravariant=True)
AnswerT_co = TypeVar("AnswerT_co", covariant=True)


class Reader(Protocol[RequestT_contra, AnswerT_co]):
    """Reads videos on request. It is pickled, and so are requests and answers; their classes must
    be importable, not those of a script or notebook."""

    def prepare(self) -> None:
        """Compile what reading needs: no hang, however long it takes."""

    def read(
        self, request: RequestT_contra, *, on_progress: Callable[[], None]
    ) -> Iterator[AnswerT_co]:
        """Answer a request.

        Args:
            request: what to read.
            on_progress: to be called after every few frames that decode.

        Raises:
            DecodeError: the video cannot be decoded. Any other exception is taken for one.
        """


@dataclass(frozen=True)
class Done:
    """Comes after the last answer to a request.

    Args:
        error: why the rest is missing; None where nothing is.
    """

    error: DecodeError | None = None


def answers(
    reader: Reader[RequestT, AnswerT], request: RequestT, on_progress: Callable[[], None]
) -> Iterator[AnswerT | Done]:
    """The answers to a request, then a `Done`: one strange video must not stop the others."""
    try:
        yield from reader.read(request, on_progress=on_progress)
    except Exception as error:
        yield Done(DecodeError.of(error))
    else:
        yield Done()
