"""Damaged annotation files and file names of official layouts end in a clear error or a table."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from fuzz import damaged, damaged_text, ends_well
from hypothesis import given
from hypothesis import strategies as st

from tcon.cache.schema import SPLITS
from tcon.extract.lists.datasets import LAYOUTS, read_dataset

# The annotation files of each, and two of its videos.
MINIATURES = {
    "ucf101": (
        {
            "trainlist01.txt": "YoYo/v_YoYo_g08_c01.avi 1\r\nDiving/v_Diving_g09_c01.avi 2\r\n",
            "testlist01.txt": "YoYo/v_YoYo_g01_c01.avi\r\n",
        },
        ("YoYo/v_YoYo_g08_c01.avi", "YoYo/v_YoYo_g01_c01.avi"),
    ),
    "ucf50": ({}, ("Diving/v_Diving_g07_c01.avi", "YoYo/v_YoYo_g25_c04.avi")),
    "hmdb51": (
        {"run_test_split1.txt": "a_(1).avi 1 \nb.avi 2 \n", "wave_test_split1.txt": "c.avi 0 \n"},
        ("run/a_(1).avi", "run/b.avi"),
    ),
    "olympic": (
        {"train/vault.txt": "ab_1\r\nab_2\r\n", "test/springboard 3m.txt": "cd_1\n"},
        ("vault/ab_1.avi", "diving_springboard_3m/cd_1.avi"),
    ),
    "jester": (
        {"jester-v1-train.csv": "34;Thumb Up\n5;Stop\n", "jester-v1-validation.csv": "9;Stop\n"},
        ("34/00001.jpg", "9/00001.jpg"),
    ),
    "kinetics": (
        {"x.csv": 'label,youtube_id,time_start,time_end,split\n"a, b",abcdefghijk,1,11,train\n'},
        ("a, b/abcdefghijk_000001_000011.mp4", "a, b/abcdefghijk.mp4"),
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
@given(data=st.data())
def test_damaged_dataset(tmp_path: Path, name: str, data: st.DataObject) -> None:
    texts, videos = MINIATURES[name]
    files = {text.encode(): content.encode() for text, content in texts.items()}
    files |= {video.encode(): b"" for video in videos}
    chosen = data.draw(st.sampled_from(sorted(files)))
    content = files.pop(chosen)
    if content and data.draw(st.booleans()):
        files[chosen] = data.draw(damaged_text(content))
    else:
        files[data.draw(damaged(chosen))] = content
    with TemporaryDirectory(dir=tmp_path) as root:
        for file, content in files.items():
            write(os.fsencode(root), file, content)
        with ends_well():
            for item in read_dataset(name, root).items:
                assert item.id and item.label and item.split in SPLITS
                assert item.path.is_relative_to(root) and item.path.exists()


def write(root: bytes, file: bytes, content: bytes) -> None:
    """Write a file below the root, if its damaged name is one."""
    path = os.path.normpath(os.path.join(root, file.replace(b"\0", b"").lstrip(b"/")))
    if path.startswith(root + b"/"):
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            Path(os.fsdecode(path)).write_bytes(content)
        except OSError:  # too long, or a folder's
            return
