"""The process that decodes, at the other end of a socket.

A decoder can loop forever or crash inside native code, so it runs where it can be killed. The
kernel does the killing: the process sets itself an alarm that nothing catches and puts it off
whenever a video has got on. See `decode_pool` for the other side.
"""

from __future__ import annotations

import contextlib
import os
import signal
from multiprocessing.connection import Connection

import numpy as np
import torch

from ..snippets.reading import Chunk, Reading, read_snippets
from . import DecodeError


def serve(connection: Connection) -> None:
    """Answer each (path, id) with `Chunk`s, then a `Decoded` or a `DecodeError`."""
    reading: Reading
    reading, time_limit, niceness = connection.recv()
    for cut in reading.cuts.values():
        cut.prepare()  # compiling for a minute is no hang
    connection.send("ready")
    # Decoders write a line about every damaged frame.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    os.nice(niceness)
    torch.set_num_threads(1)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)

    def put_off() -> None:
        signal.setitimer(signal.ITIMER_REAL, time_limit)

    while True:
        path, video = connection.recv()
        put_off()
        try:
            for answer in read_snippets(path, video, reading, on_progress=put_off):
                signal.setitimer(signal.ITIMER_REAL, 0)  # waiting for the reader is no hang
                if isinstance(answer, Chunk) and isinstance(answer.snippets, torch.Tensor):
                    pixels = answer.snippets.numpy()
                    connection.send((answer.modality, pixels.shape, pixels.dtype))
                    connection.send_bytes(pixels.reshape(-1).view(np.uint8).data)
                else:
                    connection.send(answer)
                put_off()
        except (BrokenPipeError, ConnectionResetError):
            raise
        except Exception as error:  # one strange video must not stop the others
            signal.setitimer(signal.ITIMER_REAL, 0)
            connection.send(DecodeError.of(error))
        signal.setitimer(signal.ITIMER_REAL, 0)


def main(descriptor: str) -> None:
    """Serve at a socket until whoever asks is gone."""
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        serve(Connection(int(descriptor)))
