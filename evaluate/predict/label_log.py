"""The csv of `watch`: it remembers what is done, each row on the disk before the next."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from ...adapt.inference.ensemble import Ensemble
from ...adapt.inference.stream import Result
from ...cache import InputError
from ...cache.common.files.locks import release, try_lock
from ...cache.common.files.writing import sync, write_errors
from ...cache.errors import visible
from ...cache.parts import completes
from .files import csv_columns, csv_row
from .watch import Arrival, Stamp


class LabelLog:
    """A csv that only grows; a context manager.

    A row is a line, whatever names hold, so that half a row, which a kill may leave, is what stands
    after the last line break. It is removed.

    Args:
        path: of the csv. One that is there is gone on with.
        runs: whose predictions it takes.

    Attributes:
        known: by id, the videos and windows that it has, and the recordings with all windows.

    Raises:
        InputError: it cannot be read or written, another process writes it, or it holds something
            else, which is left as it is.
    """

    def __init__(self, path: Path, runs: Ensemble) -> None:
        self.path = path
        self._columns = ["video", "size", "modified", *csv_columns(runs)[1:]]
        self.known: dict[str, Stamp] = {}
        if path.exists() and not path.is_file():
            raise InputError(f"{path} is no file: --watch needs one that it can read again")
        if not path.parent.is_dir():  # the lock would make it
            raise InputError(f"no such folder: {path.parent}: make it first")
        with ExitStack() as stack, write_errors(path):
            lock = try_lock(path.with_name(f"{path.name}.lock"))
            if lock is None:
                raise InputError(f"another process writes {path}: name another --csv")
            stack.callback(release, lock)
            self._file = stack.enter_context(path.open("a+b", buffering=0))
            self._read()
            self._open = stack.pop_all()

    def add(self, arrival: Arrival, result: Result) -> None:
        """Write a row and wait until it is on the disk.

        Raises:
            InputError: it cannot be written, or nobody could read it, as the csv was deleted.
        """
        if not os.fstat(self._file.fileno()).st_nlink:
            raise InputError(f"{self.path} was deleted meanwhile: repeat the command for a new one")
        row = csv_row(result)
        row |= {"size": arrival.stamp.size, "modified": arrival.stamp.modified}
        self._write(_line(row.get(name, "") for name in self._columns))

    def __enter__(self) -> LabelLog:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _read(self) -> None:
        self._file.seek(0)
        content = self._file.readall()
        whole, header = content[: content.rfind(b"\n") + 1], _line(self._columns)
        try:
            # Each line by itself, so that a stray quote spoils no other.
            first, *rows = [_cells(line) for line in whole.decode("utf-8-sig").splitlines()] or [[]]
        except (UnicodeDecodeError, csv.Error):
            raise self._other() from None
        if first != _cells(header.decode()) if whole else not header.startswith(content):
            raise self._other()
        for cells in rows:
            if len(cells) > 2:
                stamp = Stamp(cells[1], cells[2])
                self.known[cells[0]] = self.known[completes(cells[0])] = stamp
        self._file.truncate(len(whole))
        if not whole:
            self._write(header)
            sync(self.path.parent)  # its name

    def _write(self, line: bytes) -> None:
        with write_errors(self.path):
            while line:
                line = line[self._file.write(line) :]
            os.fsync(self._file.fileno())

    def _other(self) -> InputError:
        return InputError(
            f"{self.path} is not what tcon predict --watch wrote with RUN: name another --csv"
        )


def _line(cells: Iterable[object]) -> bytes:
    """Cells as a row of a csv without line breaks of their own."""
    text = io.StringIO(newline="")
    csv.writer(text).writerow([visible(c) if isinstance(c, str) else c for c in cells])
    return text.getvalue().encode("utf-8", "backslashreplace")


def _cells(line: str) -> list[str]:
    return next(csv.reader([line]), [])
