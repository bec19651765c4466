"""Run a part of the study: ``python tests/benchmarks/study/run.py PART -o FOLDER``.

The parts are those of plan.toml. FOLDER gets the features of the worlds, the runs, and a JSON file
of each world and seed; the part's results go to docs/results/PART.json, from which write.py makes
the tables. What FOLDER holds is not computed again: stop it at any time, and the same command goes
on. The synthetic clips are deleted once their features are extracted. What was made by another plan
is refused. A run that fails is left out of the part; delete its case's JSON file to try it again.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # a process for each core, before torch is loaded

import torch
from cases import recommended_rows, run_case
from outcomes import CaseOutcome, PartOutcome
from plan import Case, Part, Plan, parse_seeds, read_plan
from worlds import Features, claim, origin_of, real_features, synthetic_features

from tcon.cache import InputError
from tcon.cache.common.records import from_json, to_json

_JOBS = 2
RESULTS = Path(__file__).parents[3] / "docs" / "results"


def main() -> None:
    options = _parser().parse_args()
    try:
        if options.jobs < 1:
            raise InputError(f"--jobs {options.jobs}: at least 1 process is needed")
        plan = read_plan()
        if options.part not in plan.parts:
            raise InputError(f"no part {options.part}: choose one of {', '.join(plan.parts)}")
        part = plan.parts[options.part].some(
            seeds=options.seeds and parse_seeds(options.seeds), methods=options.methods
        )
        _run(plan, part, options)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--seeds", metavar="A:B", help="those from A to B - 1 alone")
    parser.add_argument("--methods", type=_words, default=(), help="these alone, a,b,c")
    parser.add_argument("--data", type=Path, help="real clips or features, of the part `real`")
    parser.add_argument("--jobs", type=int, default=_JOBS, help="processes, one thread each")
    parser.add_argument(
        "--results", type=Path, default=RESULTS, help="folder of the part's results"
    )
    return parser


def _words(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))


def _run(plan: Plan, part: Part, options: argparse.Namespace) -> None:
    directions: dict[str, Features] = {}
    if part.real:
        if options.data is None:
            raise InputError(f"the part {part.name} needs --data FOLDER with two lists of clips")
        home = options.output / "features" / part.name
        directions = real_features(options.data, plan.training, part, home)
        cases = [replace(case, world=way) for way in directions for case in part.cases]
        part = replace(part, cases=tuple(cases))
    whole = not options.methods
    work = partial(finish_case, plan, part, directions, options.output, whole)
    outcomes = _in_processes(work, part.cases, options.jobs)
    made = PartOutcome(
        part=part.name,
        command=_command(options),
        machine=f"{_processor()}, torch {torch.__version__}",
        cases=tuple(outcomes[case.name] for case in part.cases),
    )
    file = options.results / f"{part.name}.json"
    if options.results == RESULTS and (options.seeds or options.methods):
        print(f"{file} is left as it is: it is of all seeds and methods. See --results")
    else:
        write_whole(file, _lines(to_json(made)))


def _in_processes(
    work: Callable[[Case], CaseOutcome], cases: Sequence[Case], jobs: int
) -> dict[str, CaseOutcome]:
    """Outcomes by the names of their cases; the first error ends it."""
    outcomes: dict[str, CaseOutcome] = {}
    spawn = multiprocessing.get_context("spawn")  # a fork of torch's threads may hang
    with ProcessPoolExecutor(jobs, mp_context=spawn, initializer=_end_with_parent) as pool:
        futures = {pool.submit(work, case): case.name for case in cases}
        try:
            for future in as_completed(futures):
                outcomes[futures[future]] = future.result()
                print(f"{len(outcomes)} of {len(cases)}: {futures[future]}", flush=True)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return outcomes


def _end_with_parent() -> None:
    """Let this process of the pool end when the command is killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def finish_case(
    plan: Plan, part: Part, directions: dict[str, Features], folder: Path, whole: bool, case: Case
) -> CaseOutcome:
    """A case's outcome: what an earlier call left, if it is of the same rows, or computed now.

    Args:
        plan, part: with the case.
        directions: features of real clips, by the name of the world; else empty.
        folder: of all features, runs and outcomes.
        whole: the case has all its rows, so that its outcome is worth keeping.
        case: the world, its seed and rows.

    Raises:
        InputError: features or runs could not be made, or an earlier call's are damaged or of
            another plan.
    """
    torch.set_num_threads(1)
    file = folder / "cases" / part.name / f"{case.name}.json"
    if file.exists():
        before = _read_case(file)
        if is_of(before, part, case, plan):
            return before
    if part.real:
        features, kind = directions[case.world], part.name
    else:
        features = synthetic_features(case, plan.training, part.modalities, folder / "features")
        kind = "+".join(part.modalities)
    runs = folder / "runs" / kind / case.name
    claim(runs, origin_of(case, plan.training, part.modalities))
    outcome = run_case(part, case, plan.training, features, runs)
    if whole:
        write_whole(file, to_json(outcome))
    return outcome


def write_whole(path: Path, text: str) -> None:
    """Write a file that, after a kill at any moment, is the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    begun = path.with_name(path.name + ".begun")
    begun.write_text(text)
    os.replace(begun, path)


def _read_case(file: Path) -> CaseOutcome:
    try:
        return from_json(CaseOutcome, file.read_text())
    except ValueError as error:
        raise InputError(f"{file} is damaged ({error}): delete it, to make it again") from None


def is_of(outcome: CaseOutcome, part: Part, case: Case, plan: Plan) -> bool:
    """Whether it is what the plan asks for; what earlier versions did not record counts as such."""
    training = plan.training
    asked = {row.text: row.settings(training) for row in case.rows}
    made = {row: asked.get(row) for row in outcome.failed}
    made |= {o.row: o.settings for o in outcome.outcomes}
    among = tuple(row.text for row in recommended_rows(part, case))
    fused = ("+".join(part.modalities),) if len(part.modalities) > 1 else ()
    modalities = {o.modality for o in outcome.outcomes} or {*part.modalities, *fused}
    return (
        made == asked
        and dict(outcome.knobs) == dict(case.knobs)
        and outcome.among == among
        and modalities == {*part.modalities, *fused}
        and outcome.segments in (0, training.segments)
        and outcome.snippets in (0, training.snippets)
    )


def _lines(text: str) -> str:
    """JSON with a line for each case and row, so that changes can be read."""
    return text.replace('{"row":', '\n{"row":').replace('{"world":', '\n{"world":') + "\n"


def _command(options: argparse.Namespace) -> str:
    """That repeats this, without folders of this machine."""
    words = f"python tests/benchmarks/study/run.py {options.part} -o FOLDER"
    words += " --data DATA" if options.data else ""
    words += f" --jobs {options.jobs}" if options.jobs != _JOBS else ""
    words += f" --seeds {options.seeds}" if options.seeds else ""
    return words + (f" --methods {','.join(options.methods)}" if options.methods else "")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.machine())


if __name__ == "__main__":
    main()
