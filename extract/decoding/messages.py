"""Messages between a decoding process and the process that asked: pickles through a socket.

The memory of arrays and tensors is not pickled but sent behind the pickle as it is, or handed over
as shared memory: a nameless file that the sender fills and the receiver maps. So a finished clip
can wait without filling up the socket, and nothing is left behind when either side is killed.
"""

from __future__ import annotations

import os
import pickle
import socket
import struct
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

import torch

_HEAD = struct.Struct("=QQ")  # bytes of the pickle, number of buffers
_ALIGNMENT = 64  # bytes
_LEAST_SHARED = 2**16  # bytes: less is copied sooner than mapped


def send(connection: socket.socket, message: object, *, shared: bool = False) -> None:
    """Send a message.

    Args:
        connection: a Unix socket.
        message: anything that can be pickled.
        shared: hand over large arrays and tensors as shared memory, where the system has it; the
            receiver need not be ready to take them.

    Raises:
        BrokenPipeError, ConnectionResetError: the other side is gone.
    """
    buffers: list[pickle.PickleBuffer] = []
    file = BytesIO()
    _Pickler(file, protocol=5, buffer_callback=buffers.append).dump(message)
    pickled, raws = file.getbuffer(), [buffer.raw() for buffer in buffers]
    head = _HEAD.pack(len(pickled), len(raws))
    memory = _share(raws) if shared and sum(map(len, raws)) >= _LEAST_SHARED else None
    try:
        if memory is None:
            connection.sendall(head)
        else:
            socket.send_fds(connection, [head], [memory])
    finally:
        if memory is not None:
            os.close(memory)
    connection.sendall(struct.pack(f"={len(raws)}Q", *map(len, raws)))
    connection.sendall(pickled)
    if memory is None:
        for raw in raws:
            connection.sendall(raw)


def receive(connection: socket.socket) -> Any:
    """Wait for the next message; its arrays and tensors may be written to.

    Raises:
        EOFError: the other side is gone, perhaps in the middle of a message.
        ConnectionResetError: likewise.
    """
    head, memories, _, _ = socket.recv_fds(connection, _HEAD.size, 1)
    head += _receive_bytes(connection, _HEAD.size - len(head)) if head else b""
    if not head:
        raise EOFError
    try:
        size, count = _HEAD.unpack(head)
        sizes = struct.unpack(f"={count}Q", _receive_bytes(connection, 8 * count))
        pickled = _receive_bytes(connection, size)
        if memories:
            buffers = _map(memories[0], sizes)
        else:
            buffers = [memoryview(_receive_bytes(connection, size)) for size in sizes]
    finally:
        for memory in memories:
            os.close(memory)
    return pickle.loads(pickled, buffers=buffers)


class _Pickler(pickle.Pickler):
    """Takes the memory of tensors out of the pickle, as protocol 5 does with that of arrays."""

    def reducer_override(self, obj: object) -> Any:
        if isinstance(obj, torch.Tensor):
            rebuild: Callable[..., torch.Tensor] = torch.from_numpy
            return rebuild, (obj.contiguous().numpy(),)
        return NotImplemented


def _receive_bytes(connection: socket.socket, size: int) -> bytearray:
    """Exactly ``size`` bytes."""
    data = bytearray(size)
    rest = memoryview(data)
    while rest:
        got = connection.recv_into(rest, flags=socket.MSG_WAITALL)
        if not got:
            raise EOFError
        rest = rest[got:]
    return data


def _share(buffers: list[memoryview]) -> int | None:
    """A file in memory that holds the buffers; None where the system has none to give."""
    if not hasattr(os, "memfd_create") or not os.path.isdir("/proc/self/fd"):  # not on Linux
        return None
    try:
        memory = os.memfd_create("tcon")
    except OSError:
        return None
    try:
        with open(memory, "wb", buffering=0, closefd=False) as file:
            starts, total = _layout([len(buffer) for buffer in buffers])
            file.truncate(total)
            for start, buffer in zip(starts, buffers, strict=True):
                file.seek(start)
                while buffer:
                    buffer = buffer[file.write(buffer) :]
    except OSError:  # no memory
        os.close(memory)
        return None
    return memory


def _map(memory: int, sizes: Sequence[int]) -> list[memoryview]:
    """The buffers of these sizes that `_share` has put there."""
    starts, total = _layout(sizes)
    # Unlike `mmap`, which keeps a file descriptor of its own for each mapping.
    file = f"/proc/self/fd/{memory}"
    mapped = torch.from_file(file, shared=True, size=total, dtype=torch.uint8).numpy().data
    return [mapped[start : start + size] for start, size in zip(starts, sizes, strict=True)]


def _layout(sizes: Sequence[int]) -> tuple[list[int], int]:
    """Where each buffer starts in a file that holds them all, and the size of the file."""
    starts, end = [], 0
    for size in sizes:
        starts.append(end)
        end += -(-size // _ALIGNMENT) * _ALIGNMENT
    return starts, end
