"""Runs trained by several processes: the same bytes, and nothing left behind by any end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from feature_files import write_domain

from tcon.adapt import adapt
from tcon.adapt.events import Event, RunChanged

SETTINGS = {
    "train.epochs": 1,
    "train.min_steps": 12,
    "train.batch_size": 5,
    "train.evaluations": 3,
    "source_only.features": 8,
}
COMPARED = ("metrics.jsonl", "logits.h5", "checkpoint.pt", "health.json")
PLUGIN = """
import time
from tcon.adapt.methods import entry, register
from tcon.adapt.methods.source_only import SourceOnly

@register("slow", entry("source_only").config)
class Slow(SourceOnly):
    def losses(self, *args, **options):
        time.sleep(0.05)
        return super().losses(*args, **options)
"""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="workers are forked"),
]
needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return write_domain(tmp_path / "s.h5"), write_domain(tmp_path / "t.h5", shift=0.5, seed=1)


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """A plug-in whose steps take their time."""
    (tmp_path / "slow.py").write_text(PLUGIN)
    return tmp_path / "slow.py"


def contents(folder: Path) -> dict[str, bytes]:
    return {
        f"{run.name}/{name}": (run / name).read_bytes()
        for run in folder.iterdir()
        for name in COMPARED
    }


def test_the_same_bytes_as_in_one_process(files: tuple[Path, Path], tmp_path: Path) -> None:
    """Of trained and of fitted runs, which start from the former; one thread each."""
    heard: list[Event] = []
    for jobs in (1, 3):
        runs = adapt(
            *files,
            methods=["cmfglr", "dan"],
            segments=4,
            seeds=2,
            settings=SETTINGS | {"dan.features": 8, "cmfglr.features": 8, "cmfglr.iterations": 3},
            output=tmp_path / str(jobs),
            device="cpu",
            jobs=jobs,
            on_event=heard.append if jobs == 3 else None,
        )
        assert len(runs) == 6 and not runs.failed
    assert contents(tmp_path / "1") == contents(tmp_path / "3")
    order = [(event.folder.name, event.state) for event in heard if isinstance(event, RunChanged)]
    assert len(order) == 12
    for seed in range(2):
        base, fitted = f"source_only_rgb_k4_seed{seed}", f"cmfglr_rgb_k4_seed{seed}"
        assert order.index((base, "finished")) < order.index((fitted, "running"))


def test_a_plug_in_and_a_script_from_standard_input(
    files: tuple[Path, Path], slow: Path, tmp_path: Path
) -> None:
    script = (
        "from tcon.adapt import adapt\n"
        f"runs = adapt({str(files[0])!r}, {str(files[1])!r}, methods=['slow'], seeds=3, jobs=3,\n"
        f"    settings={ {'train.epochs': 1, 'train.min_steps': 2, 'slow.features': 8} },\n"
        f"    plugins=[{str(slow)!r}], output={str(tmp_path / 'runs')!r}, device='cpu')\n"
        "print(len(runs), runs.failed)\n"
    )
    done = subprocess.run(
        [sys.executable, "-"], input=script, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("3 ()\n", 0), done.stderr


@needs_proc
def test_an_error_of_whoever_looks_on_ends_the_processes(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    """As when the output is a pipe that nobody reads any more."""
    started: list[int] = []

    def look(event: Event) -> None:
        if isinstance(event, RunChanged) and event.state == "running":
            started.extend(family(os.getpid()))
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        adapt(
            *files,
            methods="source_only",
            seeds=2,
            settings={"train.min_steps": 5000, "source_only.features": 8},
            output=tmp_path / "runs",
            device="cpu",
            jobs=2,
            on_event=look,
        )
    assert len(started) >= 2 and gone(started)


def test_wrong_data_is_one_line(files: tuple[Path, Path], tmp_path: Path) -> None:
    files[1].unlink()
    write_domain(files[1], dim=13)
    done = subprocess.run(
        command(files, tmp_path, "--method", "source_only"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2 and "differ in dim" in done.stderr
    assert done.stderr.startswith("Error: ") and done.stderr.count("\n") == 1


def command(files: tuple[Path, Path], folder: Path, *more: str) -> list[str]:
    paths = ["--source", str(files[0]), "--target", str(files[1]), "-o", str(folder / "runs")]
    options = ["--device", "cpu", "--seeds", "4", "--segments", "4", "--jobs", "2"]
    run = "from tcon.cli import main; main()"
    return [sys.executable, "-c", run, "adapt", *paths, *options, *more]


def family(pid: int) -> dict[int, int]:
    """The parents of all processes that a process has started, and that these have."""
    parents = {}
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "stat").read_text().rpartition(")")[2].split()
        except (OSError, ValueError):
            continue
        if entry.name.isdigit() and words[0] != "Z":
            parents[int(entry.name)] = int(words[1])
    found: dict[int, int] = {}
    for _ in range(3):
        found |= {p: parent for p, parent in parents.items() if parent in {pid, *found}}
    return found


def wait_for(what: Callable[[], object]) -> None:
    for _ in range(600):
        if what():
            return
        time.sleep(0.1)
    raise AssertionError("it did not happen within a minute")


def gone(processes: Sequence[int]) -> bool:
    """Whether none of them is running."""
    for pid in processes:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z":
            return False
    return True


class Training:
    """A command that trains two slow runs at once, each for many steps."""

    def __init__(self, files: tuple[Path, Path], folder: Path, slow: Path) -> None:
        self.folder = folder / "runs"
        more = ["--method", "slow", "--plugin", str(slow), "--set", "slow.features=8"]
        more += ["--set", "train.min_steps=60", "--epochs", "1", "--set", "train.evaluations=60"]
        self.process = subprocess.Popen(
            command(files, folder, *more),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A shell's background jobs, and what they start, would ignore Ctrl-C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        wait_for(lambda: len(list(self.folder.glob("*/metrics.jsonl"))) == 2)
        started = family(self.process.pid)
        (self.leader,) = [pid for pid, parent in started.items() if parent == self.process.pid]
        self.workers = [pid for pid, parent in started.items() if parent == self.leader]

    def left(self, name: str) -> int:
        """In how many of the runs' folders a file lies."""
        return len(list(self.folder.glob(f"*/{name}")))


@needs_proc
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_the_command(
    files: tuple[Path, Path], slow: Path, tmp_path: Path, stop: signal.Signals
) -> None:
    training = Training(files, tmp_path, slow)
    assert len(training.workers) == 2
    training.process.send_signal(stop)
    out, error = training.process.communicate(timeout=60)
    wait_for(lambda: gone([training.leader, *training.workers]))
    if stop == signal.SIGINT:
        assert training.process.returncode == 130
        assert error == "stopped: the same command continues\n", error
    else:
        assert training.process.returncode == -stop
    assert training.left(".lock") == 0 and training.left("logits.h5") == 0
    assert "Traceback" not in out + error


@needs_proc
def test_a_worker_that_is_killed_fails_its_run_alone(
    files: tuple[Path, Path], slow: Path, tmp_path: Path
) -> None:
    training = Training(files, tmp_path, slow)
    os.kill(training.workers[0], signal.SIGKILL)
    out, error = training.process.communicate(timeout=120)
    assert training.process.returncode == 1 and not error, error
    assert training.left("logits.h5") == 3
    assert "1 of 4 runs failed:" in out
    assert out.count("failed: its process was killed by signal 9: if memory ran out, repeat") == 1
    assert gone([training.leader, *training.workers])


@needs_proc
@pytest.mark.parametrize("leader", [False, True])
def test_a_process_that_is_stopped_says_so(
    files: tuple[Path, Path], slow: Path, tmp_path: Path, leader: bool
) -> None:
    training = Training(files, tmp_path, slow)
    os.kill(training.leader if leader else training.workers[0], signal.SIGTERM)
    out, error = training.process.communicate(timeout=120)
    assert training.process.returncode == 1 and not error, error
    assert f"{4 if leader else 1} of 4 runs failed:" in out
    assert "was stopped by a signal: repeat the command, and it continues" in out
    wait_for(lambda: gone([training.leader, *training.workers]))
    assert training.left(".lock") == 0


@needs_proc
def test_a_leader_that_is_killed_fails_all_that_is_left(
    files: tuple[Path, Path], slow: Path, tmp_path: Path
) -> None:
    training = Training(files, tmp_path, slow)
    os.kill(training.leader, signal.SIGKILL)
    out, error = training.process.communicate(timeout=60)
    assert training.process.returncode == 1 and not error, error
    assert "4 of 4 runs failed:" in out
    wait_for(lambda: gone(training.workers))
