"""Nothing in a pickle is run, and no pickle takes more time or memory than its size warrants."""

from __future__ import annotations

import functools
import operator
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tcon.cache import InputError
from tcon.extract.pickles import Array, Frame, Refused, read_pickle
from tcon.extract.pickles.unpickler import RestrictedUnpickler, Stream

# Tables of MM-SADA's columns, each written by the pandas that it is named after.
FRAMES = sorted((Path(__file__).parent / "samples").glob("*.pkl"))
COLUMNS = ("uid", "narration_id", "video_id", "start_frame", "verb_class", "nothing")


class Call:
    """Pickles as a call, of which the function can be another."""

    def __init__(self, function: object, *arguments: object) -> None:
        self._reduced = function, arguments

    def __reduce__(self) -> tuple:
        return self._reduced

    def __call__(self) -> None:  # pickle asks that functions can be called
        raise NotImplementedError


def in_array(value: object) -> np.ndarray:
    array = np.empty(1, dtype=object)
    array[0] = value
    return array


def python(command: str) -> str:
    return f"__import__('os').system({command!r})"


# Each runs the command when pickle loads it.
PAYLOADS: dict[str, Callable[[str], object]] = {
    "os.system": lambda command: Call(os.system, command),
    "eval": lambda command: Call(eval, python(command)),
    "exec": lambda command: Call(exec, python(command)),
    "partial": lambda command: Call(Call(functools.partial, os.system), command),
    "getattr": lambda command: Call(Call(getattr, Call(__import__, "os"), "system"), command),
    "attrgetter": lambda command: Call(
        Call(Call(operator.attrgetter, "system"), Call(__import__, "os")), command
    ),
    "numpy.testing": lambda command: Call(np.testing.runstring, python(command), {}),
    "in a list": lambda command: {"features": [Call(os.system, command)]},
    "in an array": lambda command: in_array(Call(os.system, command)),
    "as an argument": lambda command: Call(np.float32, Call(os.system, command)),
}


def read(path: Path, content: bytes) -> object:
    path.write_bytes(content)
    return read_pickle(path, trust=True)


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("kind", PAYLOADS)
def test_no_payload_is_run(tmp_path: Path, kind: str, protocol: int) -> None:
    ran = tmp_path / "ran"
    payload = pickle.dumps(PAYLOADS[kind](f"touch {ran}"), protocol)
    with pytest.raises(InputError, match="in none of the documented forms|something else than a"):
        read(tmp_path / "x.pkl", payload)
    assert not ran.exists()
    pickle.loads(payload)
    assert ran.exists()


def text(value: str) -> bytes:
    """An instruction of protocol 4 that gives a text."""
    return b"\x8c" + bytes([len(value)]) + value.encode()


def name(module: str, attribute: str) -> bytes:
    """A dotted attribute is looked up step by step by pickle."""
    return text(module) + text(attribute) + b"\x93"


NDARRAY = name("numpy._core.multiarray", "_reconstruct") + name("numpy", "ndarray")
EMPTY_ARRAY = NDARRAY + b"K\0\x85C\x01b\x87R"
FLOAT32 = name("numpy", "dtype") + text("f4") + b"\x89\x88\x87R"
REFUSED = {
    "dotted": name("numpy", "core.multiarray._reconstruct"),
    "of a listed module": name("numpy", "fromfile"),
    "class in a function": name("numpy._core.multiarray", "_reconstruct.__globals__"),
    "private": name("pandas.core.frame", "DataFrame.__init__"),
    "pandas.read_pickle": name("pandas", "read_pickle") + text("x.pkl") + b"\x85R",
    "odd class": b"ccopyreg\n_reconstructor\ncsubprocess\nPopen\ncbuiltins\nobject\nNtR",
    "attributes of a name": name("numpy", "dtype") + b"}" + text("__call__") + b"Nsb",
    "attributes by slots": name("numpy", "dtype") + b"N}" + text("construct") + b"Ns\x86b",
    "call of a class": name("numpy", "ndarray") + b"K\5\x85R",
    "call of text": text("os.system") + text("true") + b"\x85R",
    "new object with keywords": name("numpy", "dtype") + b")}\x92",
    "old-style object": b"(cos\nsystem\nVtrue\no",
    "old-style instance": b"(Vtrue\nios\nsystem\n",
    "registered extension": b"\x82\x01",
    "persistent id": b"Pfile\n",
    "buffer out of band": b"\x97",
    "records": FLOAT32 + b"(K\3" + text("<") + b"N" + text("a") + b"\x85}tb",
    "dtype of code": name("numpy", "dtype") + text("O,f4") + b"\x85R",
    "partial of another": name("functools", "partial") + name("builtins", "slice") + b"\x85R",
    "twisted partial": name("functools", "partial")
    + name("pandas.core.internals.blocks", "new_block")
    + b"\x85R("
    + name("builtins", "slice")
    + b")NNtb",
    "codec": name("_codecs", "encode") + text("x") + text("unicode_escape") + b"\x86R",
    "half a character": b"\x8c\x03\xed\xa0\x80",
    "number as a list": b"K\1K\2a",
    "tuple as a key": b"})K\1s",
    "many arguments": name("builtins", "slice") + b"(" + b"N" * 9 + b"tR",
    # Numpy's own dtype would believe that it holds no objects, and follow 8 bytes as an address.
    "dtype that hides objects": name("numpy", "dtype") + text("V8") + b"\x89\x88\x87R",
    "records that hide objects": FLOAT32
    + (b"(K\3" + text("|") + b"N" + text("a") + b"\x85}" + text("a") + FLOAT32)
    + b"K\0\x86sK\x08K\1K\0tb",
    "subarray": FLOAT32 + b"(K\3" + text("<") + FLOAT32 + b"K\2\x85\x86NNtb",
    "byte order": FLOAT32 + b"(K\3" + text("#") + b"NNNtb",
    "state of a class": name("pandas", "DataFrame") + b"}" + text("build") + b"Nsb",
    "state of a function": name("pandas._libs.internals", "_unpickle_block")
    + (b"N}" + text("__defaults__") + b")s\x86b"),
    "state of a list": b"]}" + text("append") + b"Nsb",
    "state of an index": name("pandas.core.indexes.base", "_new_Index")
    + (name("pandas", "Index") + b"}\x86R}" + text("data") + b"Nsb"),
    "manager of another kind": name("pandas", "DataFrame") + b")\x81}" + text("_mgr") + b"]sb",
    "object of another class": name("copyreg", "_reconstructor")
    + (name("numpy", "dtype") + name("builtins", "object") + b"N\x87R"),
    "array of a negative shape": EMPTY_ARRAY
    + (b"(K\1J\xff\xff\xff\xff\x85" + FLOAT32 + b"\x89C\4xxxxtb"),
    "objects as bytes": EMPTY_ARRAY
    + (b"(K\1K\1\x85" + name("numpy", "dtype") + text("O8") + b"\x85R\x89C\x08AAAAAAAAtb"),
    "scalar of objects": name("numpy._core.multiarray", "scalar")
    + (name("numpy", "dtype") + text("O8") + b"\x85RC\x08AAAAAAAA\x86R"),
    "set": b"\x8f(K\1\x90",
    "frozen set": b"(K\1\x91",
    "read-only buffer": b"C\1x\x98",
    "negative text": b"T\xff\xff\xff\xff",
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_no_documented_form_does_is_refused(tmp_path: Path, kind: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path / "x.pkl", b"\x80\x04" + REFUSED[kind] + b".")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


def laughs(levels: int = 60) -> bytes:
    """A list of ten of the list below it, and so on: 10^60 in all."""
    level = b"](" + b"h\0" * 10 + b"eq\0"
    return b"]q\0" + level * levels


def tensor(storage: bytes) -> bytes:
    """A tensor of one number, whose storage's pickle is the given one."""
    start = b"\x8a\x0a" + 0x1950A86A20F9469CFC6C.to_bytes(10, "little")
    legacy = b".".join([start, b"M\xe9\x03", b"}", storage, b"]", bytes(12)])
    return (
        (
            name("torch._utils", "_rebuild_tensor_v2")
            + b"("
            + name("torch.storage", "_load_from_bytes")
        )
        + (b"B" + struct.pack("<I", len(legacy)) + legacy + b"\x85R")
        + (b"K\0K\1\x85K\1\x85\x89" + name("collections", "OrderedDict") + b")RtR")
    )


def records(levels: int) -> bytes:
    """Ten fields of the fields below them, and so on: 10^levels in all, as a dtype's fields."""
    level = b"(" + b"".join(text(field) + b"h\0\x86" for field in "abcdefghij") + b"lq\0"
    return text("<f4") + b"q\0" + level * levels


LYING = {
    "dtype": laughs() + b"0" + name("numpy", "dtype") + b"h\0\x85R",
    "bytes": b"\x8e" + struct.pack("<Q", 2**40) + b"xx",
    "text": b"\x8d" + struct.pack("<Q", 2**40) + b"xx",
    "array": EMPTY_ARRAY + b"(K\1\x8a\x06" + b"\0" * 5 + b"\1\x85" + FLOAT32 + b"\x89C\4xxxxtb",
    "shape": EMPTY_ARRAY + b"(K\1(" + b"K\1" * 99 + b"t" + FLOAT32 + b"\x89C\4xxxxtb",
    "filled twice": EMPTY_ARRAY + (b"(K\1)" + FLOAT32 + b"\x89C\4xxxxtb") * 2,
    "nothing": EMPTY_ARRAY + (b"(K\1\x8a\x06" + b"\0" * 5 + b"\1K\0\x86" + FLOAT32 + b"\x89C\0tb"),
    "key": b"}" + b")" + b"2\x86" * 99 + b"Ns",
    "scalar": name("numpy._core.multiarray", "scalar")
    + (name("numpy", "dtype") + text("S999999") + b"\x85R")
    + (b"B" + struct.pack("<I", 999_999) + bytes(999_999))
    + b"\x86R",
    "storage": tensor(records(5)),
}


@pytest.mark.parametrize("kind", LYING)
def test_what_declares_more_than_it_holds_is_refused(tmp_path: Path, kind: str) -> None:
    with pytest.raises((InputError, Refused)):
        read(tmp_path / "x.pkl", b"\x80\x04" + LYING[kind] + b".").numpy()


@pytest.mark.parametrize("place", [1, 10**12, -1])
def test_places_outside_a_table_are_refused(tmp_path: Path, place: int) -> None:
    """Pandas itself writes to the address that they say."""
    integer = name("numpy", "dtype") + text("i8") + b"\x85R"
    places = EMPTY_ARRAY + b"(K\1K\1\x85" + integer + b"\x89C\x08" + struct.pack("<q", place)
    values = EMPTY_ARRAY + b"(K\1K\1K\1\x86" + integer + b"\x89C\x08" + bytes(8) + b"tb"
    labels = EMPTY_ARRAY + b"(K\1K\1\x85" + name("numpy", "dtype") + text("O8") + b"\x85R\x89]"
    labels += text("uid") + b"atb"
    new_index = name("pandas.core.indexes.base", "_new_Index") + name("pandas", "Index")
    columns = new_index + b"}" + text("data") + labels + b"s\x86R"
    rows = new_index + b"}\x86R"
    block = name("pandas._libs.internals", "_unpickle_block") + values + places + b"tbK\2\x87R"
    manager = name("pandas.core.internals.managers", "BlockManager")
    manager += block + b"\x85](" + columns + rows + b"e\x86R"
    frame = name("pandas", "DataFrame") + b")\x81}" + text("_mgr") + manager + b"sb"
    found = read(tmp_path / "x.pkl", b"\x80\x04" + frame + b".")
    with pytest.raises(Refused, match="lacks its column 0"):
        found.columns(("uid",))


def test_large_arrays_of_python_2_are_read(tmp_path: Path) -> None:
    """Their bytes are text, here of more than 64 KiB."""
    content = bytes(range(256)) * 300
    array = EMPTY_ARRAY + b"(K\1J" + struct.pack("<i", len(content) // 4) + b"\x85" + FLOAT32
    array += b"\x89T" + struct.pack("<i", len(content)) + content + b"tb"
    found = read(tmp_path / "x.pkl", b"\x80\x04" + array + b".")
    assert found.numpy().tobytes() == content


def test_a_tensor_has_the_storage_of_floats(tmp_path: Path) -> None:
    storage = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("0") + b"tQ"
    found = read(tmp_path / "x.pkl", b"\x80\x04" + tensor(storage) + b".")
    assert found.numpy().tolist() == [0.0]
    for other in (text("O"), text("f4"), b"](" + text("a") + text("f4") + b"\x86e"):
        with pytest.raises(Refused, match="without a storage"):
            read(tmp_path / "x.pkl", b"\x80\x04" + tensor(other) + b".").numpy()


@pytest.mark.slow
def test_depth_and_repetition_cost_nothing(tmp_path: Path) -> None:
    assert isinstance(read(tmp_path / "x.pkl", b"(" * 300_000 + b"l" * 300_000 + b"."), list)
    assert len(read(tmp_path / "x.pkl", laughs() + b".")) == 10
    # A place in the memo far away, for which pickle would take 16 GiB.
    assert read(tmp_path / "x.pkl", b"Nr\xff\xff\xff\x7f.") is None
    with pytest.raises(Refused, match="more than 150 reads"):
        RestrictedUnpickler(Stream(b"N0" * 99 + b"N.", limit=150), {}).load()


def test_cells_of_a_frame_are_text_or_numbers(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    nested: list = []
    for _ in range(60):
        nested = [nested] * 10
    frame = pandas.DataFrame({"uid": [1], "video_id": [nested]})
    found = read(tmp_path / "x.pkl", pickle.dumps(frame))
    assert found.columns(("uid",)) == {"uid": [1]}
    with pytest.raises(Refused, match="neither text nor numbers"):
        found.columns(("video_id",))


def test_trust_is_asked_for_before_the_file_is_opened(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--trust-pickle"):
        read_pickle(tmp_path / "missing.pkl", trust=False)
    with pytest.raises(InputError, match="no such file"):
        read_pickle(tmp_path / "missing.pkl", trust=True)
    os.mkfifo(tmp_path / "pipe.pkl")
    with pytest.raises(InputError, match="no such file"):
        read_pickle(tmp_path / "pipe.pkl", trust=True)


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "f2", "f8", "i8", "u1", "?", "U3", "S3", "O"])
@pytest.mark.parametrize("protocol", range(6))
def test_arrays_are_read_as_numpy_wrote_them(tmp_path: Path, dtype: str, protocol: int) -> None:
    array = np.array([[0, 1, 2], [3, 4, 5]]).astype(dtype)
    for wrote in (array, np.asfortranarray(array), array[:, ::2], array[:0], array[0, 0:1]):
        found = read(tmp_path / "x.pkl", pickle.dumps([wrote, wrote[:1]], protocol))
        assert all(isinstance(part, Array) for part in found)
        expected = wrote.astype(str) if dtype == "S3" else wrote  # as text, for names
        np.testing.assert_array_equal(found[0].numpy(), expected)
        np.testing.assert_array_equal(found[1].numpy(), expected[:1])
        assert found[0].shape == wrote.shape


@pytest.mark.parametrize("protocol", range(6))
def test_scalars_and_text_are_read_as_python_wrote_them(tmp_path: Path, protocol: int) -> None:
    wrote = {
        "int": [0, -1, 255, 65_536, 2**31, -(2**70)],
        "float": [1.5, float("inf")],
        "text": ["", "é", "\U0001f600", "x" * 300],
        "tuple": ((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)),
        "rest": [None, True, False, {}],
    }
    assert read(tmp_path / "x.pkl", pickle.dumps(wrote, protocol)) == wrote
    numbers = [np.float32(2.5), np.int64(-3), np.str_("é"), np.bool_(True)]
    assert read(tmp_path / "x.pkl", pickle.dumps(numbers, protocol)) == [2.5, -3, "é", True]


def test_text_of_python_2_is_latin_1(tmp_path: Path) -> None:
    # pickle.dumps({"a": "caf\xe9"}, protocol) of Python 2.7, protocols 0 and 2
    assert read(tmp_path / "x.pkl", b"(dp0\nS'a'\np1\nS'caf\\xe9'\np2\ns.") == {"a": "café"}
    assert read(tmp_path / "x.pkl", b"\x80\x02}q\x00U\x01aq\x01U\x04caf\xe9q\x02s.") == {
        "a": "café"
    }


@pytest.mark.parametrize("path", FRAMES, ids=lambda path: path.stem)
def test_frames_of_old_pandas_are_read(path: Path) -> None:
    frame = read_pickle(path, trust=True)
    assert isinstance(frame, Frame)
    assert frame.columns((*COLUMNS, "narration", "stop_timestamp")) == {
        "uid": [12917, 12918, 12920],
        "video_id": ["P08_01", "P08_02", "P08_02"],
        "start_frame": [437, 540, 4037],
        "verb_class": [3, 9, 2],
        "narration": ["close fridge", "pour café", "wash pan"],
        "stop_timestamp": ["00:00:08.95", "00:00:10.00", "00:01:08.95"],
    }


@pytest.mark.parametrize("protocol", range(6))
def test_frames_of_the_pandas_that_is_here_are_read(tmp_path: Path, protocol: int) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "narration_id": ["P01_11_0", "P01_11_1", "P02_03_7"],
            "video_id": ["P01_11", "P01_11", "P02_03"],
            "start_frame": [8, 900, 17],
            "verb_class": [3.0, float("nan"), 0.0],
            "all_nouns": [["tap"], [], ["cup", "tea"]],
        }
    ).set_index("narration_id")
    for part in (frame, frame.iloc[[2, 0]], frame[["verb_class", "start_frame"]]):
        found = read(tmp_path / "x.pkl", pickle.dumps(part, protocol)).columns(COLUMNS)
        expected = part.reset_index().reindex(columns=[*found]).to_dict("list")
        assert repr(found) == repr(expected)  # NaN is not equal to itself
        assert "narration_id" in found and "start_frame" in found
