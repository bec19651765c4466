"""Forward decoding by PyAV: frame i is the i-th frame that ffmpeg decodes."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain, count

import av
import numpy as np
from av.sidedata.sidedata import SideData
from av.video.frame import PictureType
from av.video.reformatter import VideoReformatter

from ...cache.common.counts import counted
from ...cache.parts import Part, rounded
from .video import DecodeError, ForwardVideo

# Containers that keep an index of key frames, and whose time stamps do not go back.
_SEEKABLE = ("avi", "matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2")
_REORDERED = 16  # frames that a codec may hold back to show them in order, at most
_AVI_INDEX = np.dtype([("chunk", "S4"), ("flags", "<u4"), ("offset", "<u4"), ("size", "<u4")])

av.logging.set_level(None)  # what is wrong with a video goes into the feature file


class PyavVideo(ForwardVideo):
    """See `ForwardVideo`. A packet that does not decode is counted and passed over, as ffmpeg does.

    Args:
        path: the file.
        on_progress: see `ForwardVideo`.
        part: to read; None for all. Decoding ends where it ends, and begins at a key frame before
            it where the time stamps tell that nothing is lost.

    Raises:
        DecodeError: no file, an empty one, no video in it.
    """

    decoder = "pyav"

    def __init__(
        self, path: str, on_progress: Callable[[], None], part: Part | None = None
    ) -> None:
        super().__init__(on_progress)
        self._path, self._part = path, part
        stream = self._open()
        self._bad_packets = self._bad_frames = 0
        self._broken_off = _lacks_its_end(path)
        self._announced = 0 if part else _announced(path, self._container, stream)
        # Theora's average is not known before its end.
        self.fps = float(stream.average_rate or stream.guessed_rate or 0)
        self._start = (self._container.start_time or 0) / av.time_base  # seconds
        self.expected = 0 if part else self._announced or _count_packets(path, on_progress)

    def frames(self, wanted: np.ndarray | None) -> Iterator[np.ndarray]:
        # Kept for the whole video: setting up a conversion costs more than converting a frame.
        converter = VideoReformatter()
        left = count() if wanted is None else iter(wanted.tolist())
        next_wanted = next(left, -1)
        for frame in self._decode() if self._part is None else self._inside(self._part):
            self._bad_frames += frame.is_corrupt
            if self.total == next_wanted:
                rgb = converter.reformat(frame, format="rgb24", threads=1).to_ndarray()
                yield _upright(rgb, frame)
                next_wanted = next(left, -1)
            shown, self.duration = self._shown(frame)
            self.times.append(shown)
            self.total += 1
            self.on_progress()

    def announced_times(self) -> tuple[np.ndarray, float]:
        with open_container(self._path) as container:
            stamps: list[tuple[float, float]] = []
            packets = 0
            with suppress(av.error.FFmpegError):  # the rest cannot be read
                for packet in container.demux(container.streams.best("video")):
                    self.on_progress()
                    if not packet.size or packet.is_discard:
                        continue
                    packets += 1
                    if packet.pts is not None:
                        base = packet.time_base
                        ends = packet.pts + (packet.duration or 0)
                        stamps.append((float(packet.pts * base), float(ends * base)))
        if len(stamps) < packets:  # as in an AVI with B-frames
            self.expected = min(self.expected, packets)  # whatever was announced
            return super().announced_times()
        shown, ends_at = np.array(sorted(stamps)).reshape(-1, 2).T - self._start
        if self._part:
            by_time = self._part.unit == "seconds"
            places = np.maximum.accumulate(shown) if by_time else np.arange(len(shown))
            inside = [self._part.holds(place) for place in places.tolist()]
            shown, ends_at = shown[inside], ends_at[inside]
        return shown, float(ends_at[-1]) if len(ends_at) else 0.0

    @property
    def damage(self) -> str:
        found = []
        if self._bad_packets:
            found.append(counted(self._bad_packets, "undecodable packet"))
        if self._bad_frames:
            found.append(counted(self._bad_frames, "damaged frame"))
        if self._broken_off:
            found.append("the file breaks off")
        if self.total < self._announced:
            found.append(f"{self.total} of {self._announced} announced frames")
        return ", ".join(found)

    def close(self) -> None:
        self._container.close()

    def _open(self) -> av.VideoStream:
        self._container = open_container(self._path)
        stream = self._container.streams.best("video")
        if not isinstance(stream, av.VideoStream):
            self.close()
            raise DecodeError("it holds no video stream")
        if getattr(stream, "codec_context", None) is None:  # av's types say that there is one
            self.close()
            raise DecodeError("nothing here decodes its video codec")
        # One thread a video: videos are decoded side by side.
        stream.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        self._stream = stream
        return stream

    def _shown(self, frame: av.VideoFrame) -> tuple[float, float]:
        """From when to when a frame is shown, after one that was until `duration`; one without a
        time stamp follows that."""
        lasting = 1 / self.fps if self.fps else 0.0
        if frame.duration and frame.time_base:
            lasting = float(frame.duration * frame.time_base)
        if frame.pts is None and not lasting:
            return math.nan, self.duration
        shown = self.duration if frame.pts is None else frame.time - self._start
        return shown, shown + lasting

    def _inside(self, part: Part) -> Iterator[av.VideoFrame]:
        """The frames of a part; none after it is decoded."""
        latest = 0.0
        for index, frame in enumerate(self._from_before(part)):
            shown, ends = self._shown(frame)
            latest = max(latest, shown if part.unit == "seconds" else index)
            if part.holds(latest):
                yield frame
            elif latest < part.start:
                self.duration = ends
                self.on_progress()
            else:
                return

    def _from_before(self, part: Part) -> Iterator[av.VideoFrame]:
        """The frames from a key frame before a part on, or else from the start."""
        if part.unit == "frames" or not self._is_seekable():
            return self._decode()
        if frames := self._sought(part.start):
            return frames
        self.close()
        self._open()
        self._bad_packets, self._broken_off = 0, _lacks_its_end(self._path)
        return self._decode()

    def _is_seekable(self) -> bool:
        name = self._container.format.name
        # An AVI tells no times; with B-frames those that ffmpeg makes up go back.
        guessed = name == "avi" and self._stream.codec_context.has_b_frames
        return name in _SEEKABLE and self.fps > 0 and not guessed

    def _sought(self, place: float) -> Iterator[av.VideoFrame] | None:
        """The frames from a key frame on that is shown by a second; None unless they are certain
        to be those of a pass from the start."""
        before = place + self._start - _REORDERED / self.fps
        try:
            self._container.seek(int(before * av.time_base))
        except av.error.FFmpegError:
            return None
        frames = self._decode()
        for frame in frames:
            if frame.pts is None or rounded(frame.time - self._start) > place:
                return None
            # Frames shown before the key frame may be predicted from some that were passed over. A
            # key frame that is predicted itself only begins to refresh the picture.
            if frame.key_frame and frame.pict_type == PictureType.I:
                return chain([frame], frames)
        return None

    def _decode(self) -> Iterator[av.VideoFrame]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except av.error.FFmpegError:  # the rest of the file cannot be read
                self._broken_off, packet = True, None
            try:
                yield from self._stream.codec_context.decode(packet)
            except av.error.EOFError:  # flushed already, by an empty last packet
                return
            except av.error.FFmpegError:
                self._bad_packets += 1
            if packet is None:
                return


def open_container(path: str) -> av.container.InputContainer:
    try:
        if os.path.isfile(path) and not os.path.getsize(path):
            raise DecodeError("it is an empty file")
        # Local files only: a playlist must not make us fetch something.
        options = {"protocol_whitelist": "file"}
        container = av.open(path, metadata_errors="ignore", options=options)
    except av.error.InvalidDataError:
        raise DecodeError("not a video, or its start or its index is damaged or cut off") from None
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise DecodeError(f"it cannot be opened: {getattr(error, 'strerror', error)}") from None
    if container.format.name in ("hls", "concat", "dash"):
        container.close()
        raise DecodeError("it is a list of other files")
    return container


def _announced(path: str, container: av.container.InputContainer, stream: av.VideoStream) -> int:
    """Frames that the container says it holds, 0 where it does not say."""
    if stream.frames and container.format.name == "avi":
        return stream.frames - _empty_chunks(path, stream.index)
    if not stream.frames or "mp4" not in container.format.name:
        return stream.frames
    entries = stream.index_entries
    # Hidden by an edit list, or empty: the picture before stays.
    unseen = sum(entry.is_discard or not entry.size for entry in entries)
    # More than announced where there are fragments.
    return len(entries) - unseen if unseen else max(stream.frames, len(entries))


def _empty_chunks(path: str, stream: int) -> int:
    """Empty chunks of a stream in the index of an AVI: of each the picture before stays."""
    with open(path, "rb") as file:
        file.seek(12)  # RIFF, a size, AVI
        while len(head := file.read(8)) == 8:
            size = int.from_bytes(head[4:], "little")
            if head[:4] == b"idx1":
                rows = np.frombuffer(file.read(size // 16 * 16), _AVI_INDEX)
                of_stream = np.char.startswith(rows["chunk"], b"%02d" % stream)
                return int((of_stream & (rows["size"] == 0)).sum())
            file.seek(size + size % 2, os.SEEK_CUR)
    return 0


def _count_packets(path: str, on_progress: Callable[[], None]) -> int:
    """Packets of the video, for containers that do not announce how many frames they hold."""
    with open_container(path) as container:
        count = 0
        with suppress(av.error.FFmpegError):  # the rest cannot be read
            for packet in container.demux(container.streams.best("video")):
                count += packet.size > 0
                on_progress()
        return count


def _lacks_its_end(path: str) -> bool:
    """Whether a Matroska file is shorter than it says: that ends it without an error."""
    with open(path, "rb") as file:
        head = file.read(4096)
    start = head.find(b"\x18\x53\x80\x67") + 4  # of the size of the segment, the outermost element
    if not head.startswith(b"\x1a\x45\xdf\xa3") or start < 4 or start == len(head):
        return False
    length = 9 - head[start].bit_length()  # of the size: as many bytes as the first bit set says
    unknown = (1 << 7 * length) - 1
    size = int.from_bytes(head[start : start + length], "big") & unknown
    return size != unknown and os.path.getsize(path) < start + length + size


def _upright(image: np.ndarray, frame: av.VideoFrame) -> np.ndarray:
    """Turned and mirrored as the container says, in right angles."""
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if not isinstance(matrix, SideData):
        return image
    xx, xy, _, yx, yy, *_ = np.frombuffer(bytes(matrix), np.int32).tolist()  # xy: how x moves y
    if abs(xy) > abs(xx) and abs(yx) > abs(yy):
        image, xx, yy = image.swapaxes(0, 1), yx, xy
    return image[:: -1 if yy < 0 else 1, :: -1 if xx < 0 else 1]
