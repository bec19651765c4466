"""A file of predictions has its name only once it is complete, and what was done is never lost."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from tcon.cache import Failure, InputError
from tcon.evaluate.predict.files import CsvPredictions, JsonPredictions, PredictionFile

RUN = SimpleNamespace(
    path=Path("runs/tcon"),
    classes=("jump", "run"),
    seeds=(0,),
    first=SimpleNamespace(
        segments=lambda: 2, config=SimpleNamespace(method="tcon", modality="rgb")
    ),
)
RESULTS = [Failure("a.mp4", "decode", "not a video"), Failure("b.mp4", "decode", "empty")]
KINDS = pytest.mark.parametrize("kind", [CsvPredictions, JsonPredictions])


def videos(kind: type[PredictionFile], path: Path) -> list[str]:
    text = path.read_text()
    rows = (
        json.loads(text)["videos"] if kind is JsonPredictions else csv.DictReader(text.splitlines())
    )
    return [row["video"] for row in rows]


@KINDS
def test_a_complete_file(kind: type, tmp_path: Path) -> None:
    path = tmp_path / "out"
    with kind(path, RUN) as file:
        for result in RESULTS:
            file.add(result)
            assert not path.exists()
    assert videos(kind, path) == ["a.mp4", "b.mp4"]
    assert list(tmp_path.iterdir()) == [path]


@KINDS
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_a_stopped_file_is_called_unfinished(
    kind: type, error: type[BaseException], tmp_path: Path
) -> None:
    path = tmp_path / "out"
    path.write_text("an older one")
    with pytest.raises(error), kind(path, RUN) as file:
        file.add(RESULTS[0])
        raise error
    assert path.read_text() == "an older one"
    assert videos(kind, tmp_path / "out.unfinished") == ["a.mp4"]


def test_a_device_is_written_to_directly(tmp_path: Path) -> None:
    with CsvPredictions(Path("/dev/null"), RUN) as file:
        file.add(RESULTS[0])
    assert Path("/dev/null").is_char_device()
    with pytest.raises(InputError, match="cannot write"):
        CsvPredictions(tmp_path, RUN)
