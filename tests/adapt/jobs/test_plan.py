"""How many runs are trained at once."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import toy_methods as toy

from tcon.adapt.config.grid import Grid
from tcon.adapt.config.number_or_auto import NumberOrAuto
from tcon.adapt.config.runs import make_runs
from tcon.adapt.jobs.plan import Jobs, Machine, plan_jobs
from tcon.cache import InputError

GIGABYTE = 2**30
LAPTOP = Machine(cores=4, threads=4, memory=64 * GIGABYTE, gpus=0)


def planned(
    wanted: NumberOrAuto = "auto",
    *,
    methods: str = "source_only",
    seeds: int = 8,
    steps: int = 600,
    output: str = "nowhere",
    device: str = "cpu",
    machine: Machine = LAPTOP,
    bundle: int = 1,
) -> Jobs:
    grids = [grid(methods, f"train.min_steps={steps}", seeds=seeds, output=output)]
    return plan_jobs(wanted, grids, torch.device(device), machine, bundle=bundle)


def grid(
    methods: str = "source_only",
    *settings: str,
    seeds: int = 8,
    output: str = "nowhere",
    end_to_end: bool = False,
) -> Grid:
    runs = make_runs([methods], settings, seeds=seeds, end_to_end=end_to_end)
    return Grid(source=Path("s"), target=Path("t"), runs=tuple(runs), output=Path(output))


def divided(jobs: Jobs) -> tuple[int, int]:
    return jobs.processes, jobs.threads


def test_auto_takes_a_process_for_two_runs_but_no_more_than_cores() -> None:
    assert divided(planned()) == divided(planned(seeds=9)) == (4, 1)
    assert divided(planned(seeds=6)) == divided(planned(seeds=7)) == (3, 1)
    assert divided(planned(seeds=4)) == divided(planned(seeds=5)) == (2, 2)
    assert planned(seeds=2) == planned(seeds=3) == Jobs()  # all threads, one after another
    assert divided(planned(2, seeds=2)) == (2, 2)  # who asks for two gets two
    one_thread = Machine(cores=4, threads=1, memory=None, gpus=0)
    assert divided(planned(seeds=4, machine=one_thread)) == (2, 1)  # OMP_NUM_THREADS=1
    assert planned().notes == ("4 runs are trained at once, 1 thread each.",)


def test_bundles_are_told_and_cut_so_that_every_process_gets_some() -> None:
    said = "2 processes train up to 3 runs each as one program, 2 threads each."
    assert planned(2, seeds=6, bundle=8).notes == (said,)
    assert planned(2, seeds=6, bundle=1).notes == ("2 runs are trained at once, 2 threads each.",)
    assert planned(1, seeds=6, bundle=4).notes == ("Up to 3 runs are trained as one program.",)
    assert planned(1, seeds=1, bundle=4).notes == ()
    mixed = grid(), grid("dann", seeds=1), grid(end_to_end=True)  # not all are of one kind
    (note,) = plan_jobs(1, mixed, torch.device("cpu"), LAPTOP, bundle=32).notes
    assert note == "Up to 8 runs are trained as one program."


def test_auto_takes_no_more_than_memory_allows() -> None:
    tight = Machine(cores=4, threads=4, memory=int(2.5 * GIGABYTE), gpus=0)
    assert divided(planned(machine=tight)) == (2, 2)
    full = Machine(cores=4, threads=4, memory=GIGABYTE, gpus=0)
    assert planned(machine=full) == Jobs()
    assert planned(3, machine=full).processes == 3  # who asks for three gets three


def test_auto_starts_no_process_for_a_few_steps_or_one_run() -> None:
    assert planned(steps=10, seeds=3) == Jobs()  # 3 runs of 90 epochs, at least a step each
    assert planned(3, steps=10).processes == 3
    assert planned(seeds=1) == planned(4, seeds=1) == planned(1) == Jobs()


def test_finished_runs_need_no_process(tmp_path: Path) -> None:
    for seed in range(7):
        folder = tmp_path / f"source_only_rgb_k6_seed{seed}"
        folder.mkdir()
        (folder / "logits.h5").touch()
    assert planned(4, output=str(tmp_path)) == Jobs()
    assert planned(4, output=str(tmp_path), seeds=9).processes == 2


def test_every_gpu_gets_a_process() -> None:
    gpus = Machine(cores=16, threads=16, memory=None, gpus=3)
    jobs = planned(device="cuda", machine=gpus)
    assert divided(jobs) == (3, 5) and jobs.devices == ("cuda:0", "cuda:1", "cuda:2")
    assert jobs.notes == ("3 runs are trained at once, 5 threads each, on 3 GPUs.",)
    assert planned(6, device="cuda", machine=gpus).devices == jobs.devices
    assert planned(device="cuda:1", machine=gpus) == Jobs()
    assert planned(2, device="cuda:1", machine=gpus).devices == ("cuda:1",)


@pytest.mark.usefixtures("temporary_methods")
def test_what_the_program_alone_knows_is_trained_in_it() -> None:
    toy.add("mine", toy.Equal)
    jobs = planned(4, methods="mine")
    assert jobs.processes == 1 and jobs.notes[0].startswith("mine is known to this program alone")


def test_processes_of_torchrun_start_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert planned() == planned(1) == Jobs()
    (note,) = planned(4).notes
    assert planned(4).processes == 1
    assert note == "Runs are trained one by one: torchrun's processes train together already."


def test_a_device_that_processes_cannot_share() -> None:
    assert planned(device="mps") == Jobs()
    assert planned(4, device="mps") == Jobs(
        notes=("Runs are trained one by one: mps cannot be shared by processes.",)
    )


def test_a_number_of_jobs_that_end_to_end_runs_ignore_is_said() -> None:
    clips, cached = grid(end_to_end=True), grid()

    def notes(wanted: NumberOrAuto, *grids: Grid) -> tuple[str, ...]:
        return plan_jobs(wanted, grids, torch.device("cpu"), LAPTOP).notes

    said = (
        "End-to-end runs are trained one after another; jobs applies to runs on cached features "
        "only."
    )
    assert notes(2, clips) == (said,)
    assert notes(2, clips, cached) == ("2 runs are trained at once, 2 threads each.", said)
    assert notes(2, grid(end_to_end=True, seeds=1)) == ()  # one run asks for no processes
    assert notes("auto", clips) == notes(1, clips) == ()


@pytest.mark.parametrize("wanted", ["all", 0, -1, 1.5, True])
def test_what_is_no_number_of_jobs(wanted: object) -> None:
    with pytest.raises(InputError, match="^jobs must be auto or a number from 1 to 1000, not "):
        planned(wanted)
