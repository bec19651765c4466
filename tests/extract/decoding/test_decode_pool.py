"""Decoding processes: right answers, and a way out of hangs, crashes and a killed parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from weakref import WeakValueDictionary

import pytest
import torch
from process_tree import children

from tcon.cache import InputError
from tcon.cache.recipe import Preprocessing, Sampling, Views
from tcon.extract.decoding import DecodeError
from tcon.extract.decoding import server as fork_servers
from tcon.extract.decoding.pool import DecodePool
from tcon.extract.decoding.server import ForkServer, fork_server
from tcon.extract.lists.videos import VideoItem
from tcon.extract.snippets.cutting import FrameCut
from tcon.extract.snippets.reading import Chunk, Decoded, Reading

Write = Callable[..., Path]

CUT = FrameCut(
    Sampling("uniform", 8),
    Preprocessing(resize=40, input_size=32),
    Views("multiscale", 1),
    clip=True,
    length=4,
)
READING = Reading({"rgb": CUT})
# Several chunks a video, each larger than what a socket holds back.
LARGE = Reading({"rgb": FrameCut(Sampling("stride", 1), Preprocessing(resize=224, input_size=224))})
LIMIT = 1.5  # seconds
Pool = DecodePool[VideoItem, Chunk | Decoded]
Answer = Chunk | Decoded | DecodeError

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/fd").is_dir(), reason="needs Linux's /proc and named pipes"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, write_video: Write) -> Path:
    """Sound videos of 20 to 60 frames, one that is none, and one that hangs whoever opens it."""
    folder = tmp_path_factory.mktemp("videos")
    for n in range(5):
        write_video(folder / f"{n}.mp4", 20 + 10 * n, b_frames=2, tint=(1, n / 5, 1 - n / 5))
    (folder / "text.mp4").write_text("no video")
    os.mkfifo(folder / "hangs.mp4")
    return folder


@pytest.fixture(scope="module")
def patient() -> Iterator[Pool]:
    with DecodePool(READING, workers=2, time_limit=1000) as pool:
        yield pool


@pytest.fixture(scope="module")
def impatient() -> Iterator[Pool]:
    with DecodePool(LARGE, workers=1, time_limit=LIMIT) as pool:
        yield pool


def _items(folder: Path, *names: str) -> list[VideoItem]:
    return [VideoItem(id=name, path=folder / name, label="", split="") for name in names]


SOUND = tuple(f"{n}.mp4" for n in range(5))


def _collect(answers: Iterable[tuple[VideoItem, Answer] | None]) -> dict[str, list[Answer]]:
    """The answers of each video; nothing comes after its last."""
    found: dict[str, list[Answer]] = {}
    seconds = 0
    for answered in answers:
        if answered is None:
            seconds += 1
            assert seconds < 60, "it waits for ever"
            continue
        item, answer = answered
        of_video = found.setdefault(item.id, [])
        assert not of_video or isinstance(of_video[-1], Chunk)
        of_video.append(answer)
    assert all(isinstance(of_video[-1], Decoded | DecodeError) for of_video in found.values())
    return found


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"  # a zombie has ended; somebody has yet to ask how


# --- answers


@pytest.mark.slow
def test_processes_answer_as_this_one_does(folder: Path, patient: Pool) -> None:
    items = _items(folder, *SOUND, "text.mp4")
    found = _collect(patient.stream(items))
    with DecodePool(READING, workers=0, time_limit=1000) as here:
        expected = _collect(here.stream(items))
    assert set(found) == set(expected) == {item.id for item in items}
    for name in SOUND:
        *chunks, decoded = found[name]
        *expected_chunks, expected_decoded = expected[name]
        snippets = torch.cat([chunk.snippets for chunk in chunks])
        assert torch.equal(snippets, torch.cat([chunk.snippets for chunk in expected_chunks]))
        assert len(snippets) == len(decoded.centres["rgb"]) == 8
        assert decoded.centres["rgb"].tolist() == expected_decoded.centres["rgb"].tolist()
        assert decoded.frames == expected_decoded.frames == 20 + 10 * int(name[0])
    assert str(found["text.mp4"][0]) == str(expected["text.mp4"][0])
    assert (
        len({chunk.snippets.numpy().tobytes() for name in SOUND for chunk in found[name][:-1]}) == 5
    )


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_a_video_that_nobody_foresaw_stops_no_other(
    folder: Path, patient: Pool, workers: int
) -> None:
    """The id is no text: no views can be drawn from it."""
    strange = VideoItem(id="\udcff", path=folder / "1.mp4", label="", split="")
    pool = patient if workers else DecodePool(READING, workers=0, time_limit=1000)
    found = _collect(pool.stream([strange, *_items(folder, "0.mp4", "2.mp4")]))
    (error,) = found[strange.id]
    assert isinstance(error, DecodeError)
    assert str(error).startswith("UnicodeEncodeError: ")
    assert "\n" not in str(error)
    assert all(isinstance(found[name][-1], Decoded) for name in ("0.mp4", "2.mp4"))


def test_no_videos(patient: Pool) -> None:
    assert list(patient.stream([])) == []


# --- hangs and crashes


@pytest.mark.slow
def test_a_video_that_hangs_is_given_up(folder: Path, impatient: Pool) -> None:
    found = _collect(impatient.stream(_items(folder, "0.mp4", "hangs.mp4", "1.mp4", "2.mp4")))
    (error,) = found["hangs.mp4"]
    assert str(error) == f"no new frame within {LIMIT} s, the time limit"
    frames = [found[name][-1].frames for name in ("0.mp4", "1.mp4", "2.mp4")]
    assert frames == [20, 30, 40]


@pytest.mark.slow
def test_a_slow_consumer_is_no_hang(folder: Path, impatient: Pool) -> None:
    answers = []
    for _, answer in filter(None, impatient.stream(_items(folder, "4.mp4"))):
        answers.append(answer)
        if len(answers) <= 2:  # the process has more to give
            time.sleep(LIMIT + 0.3)
    *chunks, decoded = answers
    assert len(chunks) >= 2
    assert isinstance(decoded, Decoded)
    assert sum(len(chunk.snippets) for chunk in chunks) == decoded.frames == 60


@pytest.mark.slow
def test_a_crash_fails_one_video(folder: Path) -> None:
    """And a long wait for one video, here the first, holds up no other."""
    items = _items(folder, "hangs.mp4", *SOUND)
    others_done = threading.Event()
    others = _forks()
    with DecodePool(READING, workers=2, time_limit=1000) as pool:
        before, crashed = _forks(besides=others, count=2), []

        def crash() -> None:
            with open(folder / "hangs.mp4", "wb"):  # waits until the other side opens it too
                in_time = others_done.wait(30)
                for pid in before:
                    if any("hangs.mp4" in link for link in _open_files(pid)):
                        os.kill(pid, signal.SIGSEGV)
                        crashed.append((pid, in_time))

        killer = threading.Thread(target=crash, daemon=True)
        killer.start()
        answers = []
        for answer in pool.stream(items):
            if answer is not None:
                answers.append(answer)
            elif sum(isinstance(last, Decoded) for _, last in answers) == len(SOUND):
                others_done.set()  # time passes, and only one video is left
        killer.join()
        after = _forks(besides=others, count=2)
    found = _collect(answers)
    (error,) = found["hangs.mp4"]
    assert str(error) == f"the decoding process ended with signal {signal.SIGSEGV:d}"
    assert all(isinstance(found[name][-1], Decoded) for name in SOUND)
    ((pid, in_time),) = crashed
    assert in_time
    assert len(after) == 2
    assert before - after == {pid}


def _forks(pid: int | None = None, *, besides: Collection[int] = (), count: int = 0) -> set[int]:
    """The decoding processes of a process, this one if None; waits until there are so many."""
    deadline = time.monotonic() + 60
    while True:
        servers = children(os.getpid() if pid is None else pid)
        forks = {fork for server in servers for fork in children(server)} - set(besides)
        if len(forks) >= count:
            return forks
        assert time.monotonic() < deadline, "they do not start"
        time.sleep(0.01)


def _open_files(pid: int) -> list[str]:
    links = []
    for entry in os.scandir(f"/proc/{pid}/fd"):
        try:
            links.append(os.readlink(entry.path))
        except FileNotFoundError:
            continue
    return links


def test_a_process_that_does_not_start(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no video's fault: better to stop at once than to fail them all."""
    monkeypatch.setattr(fork_servers, "_SERVERS", WeakValueDictionary())
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with (
        DecodePool(READING, workers=1, time_limit=1000) as pool,
        pytest.raises(InputError, match=r"does not start \(exit code 1,"),
    ):
        list(pool.stream(_items(folder, "0.mp4")))


# Inserts a folder of modules, starts in a folder that holds a broken `json` and `torch`.
SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
from tcon.extract.decoding.pool import DecodePool
from reader_of_my_own import Echo
with DecodePool(Echo(), workers=1, time_limit=60) as pool:
    print(*pool.map(["one", "two"], ahead=1))
"""
ECHO = """
class Echo:
    def prepare(self):
        pass

    def read(self, request, *, on_progress):
        yield request
"""


@pytest.mark.slow
@pytest.mark.parametrize("safe_path", [False, True])
def test_modules_come_from_where_those_of_the_script_come_from(
    tmp_path: Path, safe_path: bool
) -> None:
    script, modules, videos = (tmp_path / name for name in ("script", "modules", "videos"))
    for folder in (script, modules, videos):
        folder.mkdir()
    (script / "run.py").write_text(SCRIPT)
    (modules / "reader_of_my_own.py").write_text(ECHO)
    for name in ("json", "torch"):
        (videos / f"{name}.py").write_text("raise SystemExit('not this one')")
    places = [place for place in sys.path if place]  # `tcon` may have no other home
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(places)}
    if safe_path:
        environment["PYTHONSAFEPATH"] = "1"
    ran = subprocess.run(
        [sys.executable, str(script / "run.py"), str(modules)],
        cwd=videos,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert ran.stdout == "one two\n", ran.stderr


# --- the process that they are forked from


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ForkServer]:
    """One of its own, as other tests' pools hold theirs."""
    monkeypatch.setattr(fork_servers, "_SERVERS", WeakValueDictionary())
    yield fork_server()


@pytest.mark.slow
def test_it_has_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fork of a process that has more may hang: its locks stay locked."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(fork_servers, "_SERVERS", WeakValueDictionary())
    others, other_forks = children(os.getpid()), _forks()
    with DecodePool(READING, workers=1, time_limit=1000):
        _forks(besides=other_forks, count=1)  # it has imported all by now
        (pid,) = children(os.getpid()) - others
        assert len(os.listdir(f"/proc/{pid}/task")) == 1


@pytest.mark.slow
def test_pools_share_it_and_it_ends_with_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fork_servers, "_SERVERS", WeakValueDictionary())
    others = children(os.getpid())
    pools = [DecodePool(READING, workers=1, time_limit=1000) for _ in range(2)]
    assert len(children(os.getpid()) - others) == 1
    pools.pop().close()
    assert len(children(os.getpid()) - others) == 1
    pools.pop().close()
    assert children(os.getpid()) == others


@pytest.mark.slow
def test_relative_paths_start_where_the_pool_was_made(
    folder: Path, server: ForkServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    with DecodePool(READING, workers=1, time_limit=1000) as pool:
        found = _collect(pool.stream(_items(Path(), "0.mp4")))
    assert isinstance(found["0.mp4"][-1], Decoded)


@pytest.mark.slow
def test_without_it_the_processes_go_on_and_a_new_one_replaces_it(
    folder: Path, server: ForkServer
) -> None:
    with DecodePool(READING, workers=1, time_limit=LIMIT) as pool:
        assert len(_collect(pool.stream(_items(folder, "0.mp4")))) == 1
        os.kill(server._process.pid, signal.SIGKILL)
        server._process.wait()
        found = _collect(pool.stream(_items(folder, "1.mp4", "hangs.mp4", "2.mp4")))
        assert isinstance(found["1.mp4"][-1], Decoded)
        assert isinstance(found["hangs.mp4"][-1], DecodeError)
        assert isinstance(found["2.mp4"][-1], Decoded)  # by a fork of the new one


# --- ends


@pytest.mark.slow
def test_no_process_outlives_the_pool(folder: Path) -> None:
    """Whatever it was doing, and although not all answers were taken."""
    others = _forks()
    pool = DecodePool(LARGE, workers=1, time_limit=1000)
    (pid,) = _forks(besides=others, count=1)
    assert _alive(pid)
    answers = pool.stream(_items(folder, "4.mp4", "hangs.mp4"))
    item, answer = next(filter(None, answers))
    assert (item.id, type(answer)) == ("4.mp4", Chunk)
    answers.close()
    pool.close()
    assert not Path(f"/proc/{pid}").exists()


PARENT = """
import sys
from pathlib import Path
from tcon.extract.snippets.cutting import FrameCut
from tcon.extract.decoding.pool import DecodePool
from tcon.extract.lists.videos import VideoItem
from tcon.cache.recipe import Preprocessing
from tcon.cache.recipe import Sampling
from tcon.extract.snippets.reading import Reading

cut = FrameCut(Sampling("stride", 1), Preprocessing(resize=224, input_size=224))
reading = Reading({"rgb": cut})
pool = DecodePool(reading, workers=2, time_limit=1000)
items = [VideoItem(id=p, path=Path(p), label="", split="") for p in sys.argv[1:]]
last = {}
for item, answer in filter(None, pool.stream(items)):
    last[item.id] = answer
    if len(last) == 2:
        break
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.slow
def test_processes_end_with_a_killed_parent(folder: Path) -> None:
    """One of them idle, the other with answers that nobody takes any more."""
    names = [str(folder / name) for name in ("text.mp4", "4.mp4")]
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, *names],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout.readline() == "ready\n"
        pids = _forks(parent.pid) | children(parent.pid)
        assert len(pids) == 3
        assert all(_alive(pid) for pid in pids)
        parent.kill()
    deadline = time.monotonic() + 30
    while any(_alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_alive(pid) for pid in pids)
