"""Messages between processes: every kind of memory arrives, shared or not."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
import torch

from tcon.extract.decoding.messages import receive, send


@dataclass
class Mixed:
    """Arrays and tensors inside of an object."""

    text: str
    small: np.ndarray
    large: torch.Tensor
    view: torch.Tensor
    indices: np.ndarray


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def _transfer(pair: tuple[socket.socket, socket.socket], message: object, *, shared: bool) -> Any:
    sending = Thread(target=send, args=(pair[0], message), kwargs={"shared": shared})
    sending.start()
    received = receive(pair[1])
    sending.join(10)
    return received


@pytest.mark.parametrize("shared", [False, True])
def test_what_is_sent_arrives(pair: tuple[socket.socket, socket.socket], shared: bool) -> None:
    pixels = torch.randint(256, (3, 5, 101, 103), dtype=torch.uint8)
    sent = Mixed("é", np.arange(3), pixels, pixels[:, 1:2], np.arange(9999).reshape(3, -1))
    got = _transfer(pair, [sent, None, np.empty((0, 4))], shared=shared)[0]
    assert got.text == "é"
    np.testing.assert_array_equal(got.small, sent.small)
    np.testing.assert_array_equal(got.indices, sent.indices)
    assert torch.equal(got.large, sent.large) and torch.equal(got.view, sent.view)
    got.large += 1  # it may be written to


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="shared memory needs Linux")
def test_shared_answers_wait_without_being_taken(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    """Far more than a socket holds; and no file stays open."""
    before = len(os.listdir("/proc/self/fd"))
    clips = [torch.full((1000, 1000), n, dtype=torch.uint8) for n in range(20)]
    for each in clips:
        send(pair[0], each, shared=True)  # would wait for ever if it were copied
    got = [receive(pair[1]) for _ in clips]
    assert all(torch.equal(a, b) for a, b in zip(got, clips, strict=True))
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_message_that_breaks_off_ends_the_connection(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    pair[0].sendall(b"\0" * 5)
    pair[0].shutdown(socket.SHUT_WR)
    with pytest.raises(EOFError):
        receive(pair[1])


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="it tells the maps on Linux")
def test_shared_memory_takes_nothing_of_dev_shm(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    """A container has 64 MB of it, which are soon full."""
    got = _transfer(pair, torch.zeros(300, 1000), shared=True)
    assert got.shape == (300, 1000)
    assert "/dev/shm" not in Path("/proc/self/maps").read_text()


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="shared memory needs Linux")
def test_it_arrives_where_no_memory_can_be_shared(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "memfd_create", full)
    assert _transfer(pair, torch.zeros(300, 1000), shared=True).shape == (300, 1000)
