"""Real clips of two domains, where they are at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tcon.cache import FeatureFile
from tcon.extract.lists import read_videos
from tcon.extract.pipeline import ExtractConfig, extract

DATA = Path(__file__).parents[3] / "shared" / "data" / "hockey_surveillance"


@pytest.mark.skipif(not DATA.is_dir(), reason=f"needs {DATA}")
@pytest.mark.parametrize("domain", ["hockey", "surveillance"])
def test_real_clips(tmp_path: Path, domain: str) -> None:
    items = read_videos(DATA / f"{domain}.csv", root=DATA / domain)
    chosen = [next(item for item in items if item.label == c) for c in ("fight", "no_fight")]
    assert extract(chosen, tmp_path / "x.h5", ExtractConfig(device="cpu")) == []
    file = FeatureFile(tmp_path / "x.h5")
    packed = file.packed()
    assert [v.label for v in file.videos] == ["fight", "no_fight"]
    assert packed.count.tolist() == [min(32, v.frames) for v in file.videos]
    assert packed.features.shape == (packed.count.sum(), 1280)
    assert np.isfinite(packed.features).all()
    assert (packed.features.astype(float).std(0) > 0).mean() > 0.9
