"""What ``tcon extract`` shows: a bar while it runs, and a summary at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from ..cache import FeatureFile
from ..cache.common.counts import counted
from ..cache.common.output.console import OutputDisplay, VideoBar, console
from ..cache.common.output.pace import rate
from ..cache.prompts import prototypes_path, read_prototypes
from ..cache.schema import Failure
from .features.check import Checked
from .features.sink import LONG, Progress
from .flow.cache import FlowCache
from .snippets.timeline import untimed_note

_SHOWN_FAILURES = 10
_LONG = (
    f"A recording of more than {LONG:g} s: a run sees a few moments of it. To label what happens "
    "when, extract windows instead: --window 4s --hop 2s, into another file (-o)."
)


class ExtractionDisplay(OutputDisplay):
    """Shows an extraction: give it as ``on_event`` inside of `showing`, then print the `summary`.

    Args:
        output: the feature file.
    """

    def __init__(self, output: Path) -> None:
        super().__init__(output, VideoBar("extract", before="loading the backbone"))
        self._last, self._seconds = Progress(0, 0), 0.0

    def __call__(self, progress: Progress) -> None:
        """Move the bar, and say at the first long recording what else could be done."""
        if progress.long and not self._last.long:
            console().print(_LONG)
        self._last = progress
        if progress.todo:
            self.held = progress.before + progress.videos
        self.bar.count(progress.todo, done=progress.done, failed=progress.failed)
        self._seconds = self.bar.pace.seconds

    def summary(self, file: FeatureFile, failures: Sequence[Failure]) -> Iterator[tuple[str, str]]:
        """What was done, what failed and what to do next, as lines and their styles.

        Args:
            file: that was made.
            failures: of the videos that were asked for, earlier ones included.
        """
        last, output = self._last, self.output
        if last.before:
            more = f", {last.unlisted} of them not in this list" if last.unlisted else ""
            yield f"The file held {counted(last.before, 'video')} before{more}.", ""
        if last.relabelled:
            changed = f"labels and splits of {counted(last.relabelled, 'video')}"
            yield f"The {changed} are now those of this list; no video was read for that.", ""
        if last.todo:
            done = "extracted to" if file.modalities else "decoded and counted in"
            windows = f", cut into {last.videos} videos" if last.videos != last.done else ""
            said = f"{counted(last.done, 'video')} {done} {output}{windows}"
            yield f"{said} ({self._rates()}).", ""
        else:
            but = f" but {len(failures)} that failed before" if failures else ""
            yield f"Nothing to do: {output} holds every video listed{but}.", ""
        if last.damaged:
            yield (
                f"{last.damaged} of them are damaged and were read as far as they decode: "
                f"tcon inspect {output}",
                "yellow",
            )
        if last.untimed:
            taken = next(r.clip_rate for r in file.recipes.values() if r.clip_rate)
            yield untimed_note(last.untimed, taken), ""
        if last.long:
            yield (
                f"{counted(last.long, 'recording')} of more than {LONG:g} s "
                f"{'was' if last.long == 1 else 'were'} left whole.",
                "",
            )
        if last.early_stopped:
            yield (
                f"Flow stopped early on {last.early_stopped} pairs of frames, scene cuts and the "
                f"like: tcon inspect {output}",
                "",
            )
        yield from _failed(failures, output)

    def _rates(self) -> str:
        seconds = max(self._seconds, 1e-3)
        videos, images = self._last.done / seconds, self._last.images / seconds
        return f"{rate(videos)} videos/s, {rate(images)} images/s"


def saying_that_flow_compiles() -> AbstractContextManager[None]:
    """Say so if the kernels of flow are compiled in the block."""
    from .flow.engines.compiling import when_compiling  # imports numba, which RGB does not need

    def say(kept: bool) -> None:
        once = "once" if kept else "in each process, as numba finds no folder to keep it in"
        text = f"Compiling the flow for this processor, {once}: about 12 s."
        remedy = "" if kept else " Name one that can be written by NUMBA_CACHE_DIR."
        console().print(text + remedy)

    return when_compiling(say)


def about_check(checked: Checked) -> Iterator[str]:
    """What a backbone sees in a video, and what a batch costs, as lines."""
    for name, probability in checked.classes:
        yield f"{probability:6.1%}  {name}"
    near = checked.neighbours
    yield (
        f"The nearest snippet is a neighbour in time for {near.found} of {near.snippets} snippets "
        f"(by chance for {near.chance:g})."
    )
    cost = checked.cost
    where = "on the GPU" if cost.on_gpu else "in this process"
    yield (
        f"A batch of {counted(cost.snippets, 'snippet')} {list(checked.shape)} takes "
        f"{cost.seconds:.2g} s and gives {checked.dim} dimensions each; at most "
        f"{cost.bytes / 1e9:.1f} GB were in use {where}."
    )


def about_kept_flow(cache: FlowCache) -> Iterator[tuple[str, str]]:
    """How much a flow cache holds, and whether it is full, as lines and their styles."""
    gigabytes = cache.size / 1e9
    videos = counted(cache.count, "video")
    yield f"{cache.folder} holds the flow of {videos}, {gigabytes:.2f} GB.", ""
    if cache.full:
        yield (
            "It is full, by --keep-flow-gb or by its disk: the flow of the other videos was "
            "computed where snippets need it, and not kept.",
            "yellow",
        )


def about_prompts(features: Path) -> Iterator[tuple[str, str]]:
    """Which classes were stored as texts beside a feature file, as a line and its style."""
    if stored := read_prototypes(features):
        classes = counted(len(stored.vectors), "class")
        yield f"{prototypes_path(features)} holds {classes} as texts.", ""


def _failed(failures: Sequence[Failure], output: Path) -> Iterator[tuple[str, str]]:
    if not failures:
        return
    yield f"{len(failures)} failed:", "yellow"
    for failure in failures[:_SHOWN_FAILURES]:
        yield f"  {failure.video}: {failure.reason} ({failure.stage})", ""
    if len(failures) > _SHOWN_FAILURES:
        yield f"  and {len(failures) - _SHOWN_FAILURES} more: tcon inspect {output}", ""
    yield "Fix them and run again with --retry-failed.", ""
