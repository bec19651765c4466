"""Stand-ins for numpy's arrays, dtypes and scalars, and for torch's tensors.

Numpy's own ``__setstate__`` is never called: it trusts what it is given, and a dtype whose state
hides that it is of objects makes it follow addresses that the file says.
"""

from __future__ import annotations

import math
import re

import numpy as np

from .unpickler import Buildable, Names, Refused, RestrictedUnpickler, Stream

# Booleans, integers, floats, text, bytes, objects; no records, dates or complex numbers.
_DTYPE = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248]|[US]\d{1,6}|O\d?)")
_SCALAR_BYTES = 256  # 64 characters
_DIMENSIONS = 32
_EMPTY = 10_000  # rows or columns of nothing
_TORCH_MAGIC, _TORCH_PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
_STORAGES = {"HalfStorage": "<f2", "FloatStorage": "<f4", "DoubleStorage": "<f8"}
_STORAGE_NAMES: Names = {("torch", name): name for name in _STORAGES}
_STORAGE_READS = 1000  # of a tensor's five pickles, of 60 instructions

Raw = bytes | bytearray | memoryview | str  # content of an array; text before protocol 3


class Array:
    """An array that is made when it is asked for.

    A file can name the same bytes a million times; only what is used takes memory.

    Attributes:
        shape: of it.
        nbytes: that its numbers take; 0 for objects and text.
    """

    shape: tuple[int, ...] = ()
    nbytes: int = 0

    def numpy(self) -> np.ndarray:
        """The array; one of text is of Python's strings.

        Raises:
            ValueError: what was declared does not fit what is there.
        """
        raise Refused("has an array without content")


class Dtype(Buildable):
    """A dtype by its code, such as "f4"; its byte order comes after it."""

    def __init__(self, code: object, *_: object) -> None:
        if not isinstance(code, str):  # and is not printed, which could take for ever
            raise Refused("has an array whose dtype is not text")
        if not _DTYPE.fullmatch(code):
            raise Refused(f"has an array of {ascii(code[:40])}, not of numbers, text or objects")
        self._code, self._order = code.lstrip("<>|="), "="

    def build(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) < 5 or state[2:5] != (None, None, None):
            raise Refused("has an array of records")
        if state[1] not in ("<", ">", "|", "="):
            raise Refused("has an array of no byte order")
        self._order = state[1]

    def numpy(self) -> np.dtype:
        return np.dtype("O" if self._code[0] == "O" else self._order + self._code)


class NumpyArray(Array, Buildable):
    """An array of numpy, whose state is its shape, dtype, order and raw content."""

    _raw: Raw | list | None = None

    def __init__(self, *_: object) -> None:
        pass

    def build(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise Refused("has an array in an unknown format")
        _, shape, dtype, fortran, raw = state
        self.fill(shape, dtype, "F" if fortran else "C", raw)

    def fill(self, shape: object, dtype: object, order: object, raw: object) -> NumpyArray:
        """Take the content, once.

        Raises:
            Refused: it is not as large as the shape says.
        """
        if self._raw is not None or not isinstance(dtype, Dtype) or order not in ("C", "F"):
            raise Refused("has an array that is filled twice or of no dtype")
        self.shape, kind = _shape(shape), dtype.numpy()
        if not isinstance(raw, list if kind.kind == "O" else Raw):
            raise Refused(f"has an array of {kind} as a {type(raw).__name__}")
        size = math.prod(self.shape) * (1 if kind.kind == "O" else kind.itemsize)
        if size != len(raw) or (not size and math.prod(n or 1 for n in self.shape) > _EMPTY):
            raise Refused(f"has an array of shape {self.shape} with another size than its content")
        self._dtype, self._order, self._raw = kind, order, raw
        self.nbytes = size if kind.kind in "biuf" else 0
        return self

    def numpy(self) -> np.ndarray:
        if self._raw is None:
            return super().numpy()
        if isinstance(self._raw, list):  # objects, listed row by row whatever the order in memory
            values = np.fromiter(self._raw, dtype=object, count=math.prod(self.shape))
            return values.reshape(self.shape)
        values = np.frombuffer(_bytes(self._raw), dtype=self._dtype)
        if self._dtype.kind in "US":
            texts = values.tolist()
            texts = [t.decode("latin-1") if isinstance(t, bytes) else t for t in texts]
            values = np.array(texts, dtype=object)
        return values.reshape(self.shape, order="F" if self._order == "F" else "C")


class Tensor(Array):
    """A contiguous tensor of floats; its storage is a file of `torch.save`'s legacy form as bytes.

    That is five pickles (magic number, protocol, system, storage, keys), then the numbers.
    """

    def __init__(
        self, storage: object, offset: object, size: object, stride: object, *_: object
    ) -> None:
        self.shape = _shape(size)
        contiguous = tuple(math.prod(self.shape[n + 1 :]) for n in range(len(self.shape)))
        if _shape(stride) != contiguous and math.prod(self.shape) > 1:
            raise Refused("has a tensor that is not contiguous: save it as an array of numpy")
        if not isinstance(storage, Raw) or type(offset) is not int or offset < 0:
            raise Refused("has a tensor in an unknown format")
        self._storage, self._offset = storage, offset
        self.nbytes = len(storage)  # that of all tensors that it holds

    def numpy(self) -> np.ndarray:
        content = bytes(_bytes(self._storage))
        stream = Stream(content, _STORAGE_READS)
        parts: list[object] = [
            RestrictedUnpickler(stream, _STORAGE_NAMES, persistent=_dtype_of_storage).load()
            for _ in range(5)
        ]
        if parts[:2] != [_TORCH_MAGIC, _TORCH_PROTOCOL]:
            raise Refused("has a tensor in an unknown format")
        if not isinstance(parts[3], str) or parts[3] not in _STORAGES.values():
            raise Refused("has a tensor without a storage")  # numpy would believe what it is
        dtype = np.dtype(parts[3])
        start = stream.at + 8 + self._offset * dtype.itemsize  # after the count of numbers
        numbers = np.frombuffer(content, dtype, count=math.prod(self.shape), offset=start)
        return numbers.reshape(self.shape)


def _shape(shape: object) -> tuple[int, ...]:
    if isinstance(shape, tuple) and len(shape) <= _DIMENSIONS:
        sizes = tuple(n for n in shape if type(n) is int and 0 <= n < 2**63)
        if len(sizes) == len(shape):
            return sizes
    raise Refused("has an array without a valid shape")


def _bytes(raw: Raw) -> bytes | bytearray | memoryview:
    return raw.encode("latin-1") if isinstance(raw, str) else raw


def _dtype_of_storage(persistent: object) -> str:
    """The dtype of ("storage", type, key, device, ...)."""
    kind = persistent[1] if isinstance(persistent, tuple) and len(persistent) > 1 else None
    if not isinstance(kind, str) or kind not in _STORAGES:
        raise Refused("has a tensor in an unknown format")
    return _STORAGES[kind]


def _scalar(dtype: object, raw: object) -> object:
    """A number or text of Python for one of numpy."""
    if not isinstance(raw, Raw) or len(raw) > _SCALAR_BYTES:
        raise Refused("has a text too long for a name")
    return NumpyArray().fill((), dtype, "C", raw).numpy().item()


def _from_buffer(raw: object, dtype: object, shape: object, order: object) -> NumpyArray:
    """Arrays of protocol 5."""
    return NumpyArray().fill(shape, dtype, order, raw)


def _encode(text: object, encoding: object) -> str:
    """Bytes in protocols before 3; they stay text until they are wanted."""
    if encoding not in ("latin1", "latin-1") or not isinstance(text, str):
        raise Refused("has bytes in another encoding than latin-1")
    return text


def _empty_bytes() -> bytes:
    return b""


def _storage(content: object) -> object:
    """The bytes as they are: they are read when the tensor is asked for."""
    return content


def _hooks() -> dict[str, object]:
    """A tensor's hooks: none."""
    return {}


_CORE = ("numpy.core", "numpy._core")  # before numpy 2, and since
NAMES: Names = {
    ("numpy", "ndarray"): "numpy.ndarray",
    ("numpy", "dtype"): Dtype,
    **{(f"{core}.multiarray", "_reconstruct"): NumpyArray for core in _CORE},
    **{(f"{core}.multiarray", "scalar"): _scalar for core in _CORE},
    **{(f"{core}.numeric", "_frombuffer"): _from_buffer for core in _CORE},
    ("_codecs", "encode"): _encode,
    ("builtins", "bytes"): _empty_bytes,
    ("__builtin__", "bytes"): _empty_bytes,
    ("torch._utils", "_rebuild_tensor_v2"): Tensor,
    ("torch.storage", "_load_from_bytes"): _storage,
    ("collections", "OrderedDict"): _hooks,
}
