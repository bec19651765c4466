"""What is exported is read back to the bit, and K segments are those that evaluation takes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from feature_files import write_domain

from tcon.cache import FeatureFile, FeatureWriter, InputError, Snippets, Video
from tcon.cache.recipe import Views
from tcon.cli import main
from tcon.evaluate.export.features import export_npz


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_domain(tmp_path / "x.h5", videos=9, snippets=7)


def test_round_trip(file: Path, tmp_path: Path) -> None:
    npz, again = tmp_path / "x.npz", tmp_path / "again.h5"
    assert CliRunner().invoke(main, ["export", str(file)]).exit_code == 0
    result = CliRunner().invoke(main, ["import", "auto", str(npz), "-o", str(again)])
    assert result.exit_code == 0, result.output
    before, after = FeatureFile(file), FeatureFile(again)
    assert [(v.id, v.label, v.split) for v in before.videos] == [
        (v.id, v.label, v.split) for v in after.videos
    ]
    assert before.sha256("rgb", labels=True) == after.sha256("rgb", labels=True)
    np.testing.assert_array_equal(before.packed().frame, after.packed().frame)
    np.testing.assert_array_equal(before.packed().count, after.packed().count)


def test_round_trip_of_segments(file: Path, tmp_path: Path) -> None:
    export_npz(file, tmp_path / "k.npz", segments=3)
    result = CliRunner().invoke(
        main, ["import", "npz", str(tmp_path / "k.npz"), "-o", str(tmp_path / "k.h5")]
    )
    assert result.exit_code == 0, result.output
    before, after = FeatureFile(file).packed(), FeatureFile(tmp_path / "k.h5").packed()
    central = [1, 3, 5]  # of 7 snippets: floor((j + 1/2) 7 / 3)
    rows = before.features.reshape(9, 7, -1)[:, central]  # [N, K, D]
    np.testing.assert_array_equal(after.features.reshape(rows.shape), rows)
    assert after.frame.reshape(9, 3).tolist() == [central] * 9


def test_an_unfinished_extraction(tmp_path: Path, recipe, video, snippets) -> None:
    """Its parts are in the order of commits, the export is in that of ids."""
    with (
        pytest.raises(KeyError),
        FeatureWriter(tmp_path / "x.h5", {"rgb": recipe()}, commit_videos=1) as writer,
    ):
        for n, id_ in enumerate("ba"):
            writer.add(video(id_), {"rgb": snippets(2 + n, n)})
        raise KeyError
    export_npz(tmp_path / "x.h5", tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz", allow_pickle=False) as npz:
        assert npz["ids"].tolist() == ["a", "b"]
        own = slice(npz["start"][0], npz["start"][0] + npz["count"][0])
        np.testing.assert_array_equal(npz["features"][own], snippets(3, 1).features)


def test_the_first_view_is_exported(tmp_path: Path, recipe) -> None:
    features = np.arange(24, dtype=np.float16).reshape(3, 2, 4)  # [n, V, D]
    made = replace(recipe(), views=Views("flip"))
    with FeatureWriter(tmp_path / "x.h5", {"flow": made}) as writer:
        writer.add(Video("a", "", "", "", 3, 25.0), {"flow": Snippets(features, np.arange(3))})
    export_npz(tmp_path / "x.h5", tmp_path / "x.npz", modality="flow")
    with np.load(tmp_path / "x.npz", allow_pickle=False) as npz:
        np.testing.assert_array_equal(npz["features"], features[:, 0])


def test_wrong_output(file: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must end in .npz"):
        export_npz(file, tmp_path / "x.h5")
    with pytest.raises(InputError, match="no flow features"):
        export_npz(file, tmp_path / "x.npz", modality="flow")
    assert not (tmp_path / "x.npz").exists()


def test_no_folder_for_the_output(file: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"no such folder: {tmp_path}/no: make it first"):
        export_npz(file, tmp_path / "no" / "x.npz")
