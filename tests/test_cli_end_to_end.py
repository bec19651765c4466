"""``tcon adapt --end-to-end`` and what takes its runs, by exit codes and messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from still_videos import write_still_videos
from tiny_backbones import MACHINE, table_of, tiny_backbones
from words import with_option

from tcon.adapt.inference.features import plan_features
from tcon.adapt.inference.loaded_run import load_run
from tcon.adapt.run.record import read_record
from tcon.cache import FeatureFile, InputError
from tcon.cache.recipe import FlowRecipe, Preprocessing, Sampling
from tcon.cli import main
from tcon.extract.flow import FlowParameters
from tcon.extract.flow.cache import FlowCache
from tcon.extract.flow.cutting import FlowCut

QUICK = [
    *("--method", "source_only", "--segments", "2", "--epochs", "1", "--set", "train.min_steps=2"),
    *("--set", "train.batch_size=4", "--set", "train.evaluations=1", "--device", "cpu"),
    *("--backbone", "tiny", "--weights", "random", "--workers", "0", "--end-to-end"),
]
FLOW = FlowCut(
    Sampling("uniform", 1),
    Preprocessing(resize=36, input_size=32),
    length=5,
    flow=FlowRecipe(parameters=FlowParameters(scales=1, warps=1), bound=15.0),
)


@pytest.fixture(autouse=True, scope="module")
def _backbones() -> Iterator[None]:
    with tiny_backbones():
        yield


@pytest.fixture
def domains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two folders of videos beside an empty cache."""
    monkeypatch.chdir(tmp_path)
    made = [write_still_videos(tmp_path / name, seed=n, train=2) for n, name in enumerate("st")]
    return made[0], made[1]


def tcon(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def refusal(*arguments: object) -> str:
    refused = tcon(*arguments)
    assert refused.exit_code == 2, refused.output
    assert refused.output.startswith("Error: ") and refused.output.count("\n") == 1
    return refused.output


def test_broken_videos_of_a_list_are_named_and_tried_again(domains: tuple[Path, Path]) -> None:
    source, target = domains
    image = source / "train" / "run" / "0" / "00003.png"
    sound = image.read_bytes()
    image.write_bytes(b"broken")  # 15 frames are left, and 16 are needed
    files = ["--source", source, "--target", target]
    done = tcon("adapt", *files, *QUICK, "-o", "first")
    assert done.exit_code == 1, done.output
    assert "the same command tries them again" in done.output
    assert f"{source}: 8 videos decoded and counted.\n" in done.output
    assert "--retry-failed" not in done.output
    assert f"1 video cannot be read, left out:\n  {source}: train/run/0: 15 frames" in done.output
    assert "source_only_rgb_k2_e2e_seed0: started\n" in done.output
    assert "source_only_rgb_k2_e2e_seed0: step 2/2 after" in done.output
    again = tcon("adapt", *files, *QUICK, "-o", "first")
    assert (again.exit_code, again.output.count("finished before")) == (1, 1)
    image.write_bytes(sound)
    mended = tcon("adapt", *files, *QUICK, "-o", "mended")
    assert mended.exit_code == 0, mended.output
    assert "cannot be read" not in mended.output


def test_several_jobs_are_not_ignored_in_silence(domains: tuple[Path, Path]) -> None:
    files = ["--source", domains[0], "--target", domains[1]]
    done = tcon("adapt", *files, *QUICK, "--seeds", 2, "--jobs", 2)
    assert done.exit_code == 0 and "2 of 2 runs finished" in done.output, done.output
    assert "End-to-end runs are trained one after another; jobs applies to" in done.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--source", "nowhere.csv"], "no such list or folder: nowhere.csv"),
        (["--source", "nowhere.h5"], "nowhere.h5"),
        (["--source-flow", "nowhere"], "no flow cache: nowhere"),
        (["--flow-engine", "coda"], "no flow engine 'coda': did you mean cuda"),
    ],
)
def test_a_dry_run_looks_at_what_is_named(
    domains: tuple[Path, Path], options: list[str], message: str
) -> None:
    files = ["--source", domains[0], "--target", domains[1], *QUICK, "--dry-run"]
    assert message in refusal("adapt", *with_option(files, *options))
    listed = tcon("adapt", *files)
    assert listed.exit_code == 0 and listed.output.count(": to start\n") == 1


@pytest.mark.parametrize(
    "option",
    [
        ("--backbone", "tiny"),
        ("--weights", "random"),
        ("--workers", "0"),
        ("--source-flow", "s"),
        ("--target-flow", "t"),
        ("--flow-engine", "cpu"),
    ],
)
def test_what_needs_the_mode(option: tuple[str, str], tmp_path: Path) -> None:
    files = ["--source", "s.h5", "--target", "t.h5"]
    assert f"{option[0]} needs --end-to-end" in refusal("adapt", *files, *option)
    assert f"{option[0]} needs --end-to-end" in refusal("adapt", *files, *option, "--dry-run")
    plan = tmp_path / "plan.toml"
    plan.write_text('source = "s.h5"\ntarget = "t.h5"\n')
    assert "needs --end-to-end" in refusal("adapt", "--plan", plan, *option)


def test_export_of_what_is_not_there() -> None:
    assert "there is no such run or feature file: nowhere" in refusal(
        "export", "nowhere", "-o", "x.pt2"
    )
    assert "are for a run, and" in refusal("export", __file__, "--weights", "w.pt")


def _kept(domain: Path, cut: FlowCut) -> Path:
    """A table of a domain's videos, beside a folder with their flow: none of them moves."""
    file, folder = table_of(domain), domain.with_suffix(".flow")
    cache = FlowCache.extend(folder, cut.flow, 10**9)
    for video in FeatureFile(file).videos:
        with cache.writing(video.id, video.path) as writer:
            for _ in range(video.frames - 1):
                writer.add(np.full((2, 256, 340), 128, np.uint8), early_stopped=False)
    return folder


@pytest.mark.slow
def test_kept_flow_decides_how_flow_is_computed(domains: tuple[Path, Path]) -> None:
    """In the run, and of new videos."""
    flows = [_kept(domain, FLOW) for domain in domains]
    files = ["--source", "s.h5", "--target", "t.h5", *QUICK, "--modality", "flow"]
    done = tcon("adapt", *files, "--source-flow", flows[0], "--target-flow", flows[1])
    assert done.exit_code == 0, done.output
    run = Path("runs/source_only_flow_k2_e2e_seed0")
    recipe = read_record(run).data.recipe
    assert recipe.flow == FLOW.flow and recipe.flow_engine == "cpu"
    deployed = load_run(run)
    cut = plan_features(deployed, MACHINE).cuts["flow"]
    assert cut.flow == FLOW.flow
    with pytest.raises(InputError, match="holds it: leave out --weights nofile.pt"):
        plan_features(deployed, MACHINE, weights=Path("nofile.pt"))
    with pytest.raises(InputError, match="records how .*: leave out --features nofile.h5"):
        load_run(run, features=Path("nofile.h5"))
    # The target's flow given for the source's: other videos of the same names.
    for dry in ([], ["--dry-run"]):
        assert "is that of other videos of the same names, as test/jump/0 (8 of 8)" in refusal(
            "adapt", *files, "--source-flow", flows[1], "-o", "swapped", *dry
        )


def test_flow_of_two_kinds_is_refused(domains: tuple[Path, Path]) -> None:
    flows = [
        _kept(domains[0], FLOW),
        _kept(domains[1], replace(FLOW, flow=replace(FLOW.flow, bound=20.0))),
    ]
    files = ["--source", "s.h5", "--target", "t.h5", *QUICK, "--modality", "flow"]
    assert "was made differently from the target's (bound=15.0 in place of bound=20.0)" in refusal(
        "adapt", *files, "--source-flow", flows[0], "--target-flow", flows[1]
    )
