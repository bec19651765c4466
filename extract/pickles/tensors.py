"""Stand-ins for torch's tensors as `pickle.dump` writes them, one by one.

A tensor's storage is inside its pickle as bytes: a file of `torch.save`'s legacy form, that is
five pickles (magic number, protocol, system, storage, keys) and then the numbers.
"""

from __future__ import annotations

import io
import math

import numpy as np

from .arrays import Array, Raw, as_bytes, shape_of
from .machine import Name, Names, Refused, run

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_INSTRUCTIONS = 200  # of each of the five; the longest has 40

_DTYPES = {
    "HalfStorage": "<f2",
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
}
_STORAGES: Names = {("torch", name): Name(name) for name in _DTYPES}


class Tensor(Array):
    """A contiguous tensor of floats; ``storage`` is the legacy file as bytes."""

    def __init__(
        self, storage: object, offset: object, size: object, stride: object, *_: object
    ) -> None:
        self.shape = shape_of(size)
        contiguous = tuple(math.prod(self.shape[n + 1 :]) for n in range(len(self.shape)))
        if shape_of(stride) != contiguous and math.prod(self.shape) > 1:
            raise Refused("has a tensor that is not contiguous: save it as an array of numpy")
        if not isinstance(storage, Raw) or type(offset) is not int or offset < 0:
            raise Refused("has a tensor in a form that is not known")
        self._storage, self._offset = storage, offset
        self.nbytes = len(storage)  # that of all tensors that it holds

    def numpy(self) -> np.ndarray:
        content = as_bytes(self._storage)
        stream = io.BytesIO(content)
        parts = [
            run(stream, _STORAGES, persistent=_dtype_of, limit=_INSTRUCTIONS) for _ in range(5)
        ]
        if parts[:2] != [_MAGIC, _PROTOCOL]:
            raise Refused("has a tensor in a form that is not known")
        if not (isinstance(parts[3], str) and parts[3] in _DTYPES.values()):
            raise Refused("has a tensor without a storage")  # numpy would believe what it is
        dtype, start = np.dtype(parts[3]), stream.tell() + 8  # after the count of numbers
        return np.frombuffer(
            content,
            dtype,
            count=math.prod(self.shape),
            offset=start + self._offset * dtype.itemsize,
        ).reshape(self.shape)


def _dtype_of(storage: object) -> str:
    """The dtype of ("storage", type, key, device, ...)."""
    kind = storage[1]
    if not isinstance(kind, Name):
        raise Refused("has a tensor in a form that is not known")
    return _DTYPES[kind.name]


def _storage(content: object) -> object:
    """The bytes as they are: they are read when the tensor is asked for."""
    return content


def _hooks() -> dict:
    """A tensor's hooks: none."""
    return {}


NAMES: Names = {
    ("torch._utils", "_rebuild_tensor_v2"): Name("_rebuild_tensor_v2", Tensor),
    ("torch.storage", "_load_from_bytes"): Name("_load_from_bytes", _storage),
    ("collections", "OrderedDict"): Name("OrderedDict", _hooks),
}
