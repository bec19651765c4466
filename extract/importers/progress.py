"""What ``tcon import`` shows: what was understood, a bar while it runs, a summary at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...cache.common.counts import counted
from ...cache.common.output.console import OutputDisplay, VideoBar, console
from ...cache.reader import FeatureFile
from ...cache.schema import SPLITS, Failure
from .run import Progress
from .wanted import Wanted

_SHOWN = 10  # failures, and names that were not found


class ImportDisplay(OutputDisplay):
    """Shows an import: give it as ``on_event`` inside of `showing`, then print the `summary`.

    Args:
        output: the feature file.
    """

    def __init__(self, output: Path) -> None:
        super().__init__(output, VideoBar("import", before="looking for the videos"))
        self._last = Progress(0, 0)
        self._wanted: Wanted | None = None

    def __call__(self, event: Wanted | Progress) -> None:
        """Say what was understood, or move the bar."""
        if isinstance(event, Wanted):
            self._wanted = event
            for note in (*event.notes, describe(event)):
                console().print(f"{note}.")
            return
        self._last = event
        if event.todo:
            self.held = event.before + event.done
        self.bar.count(event.todo, done=event.done, failed=event.failed)

    def complete(self, file: FeatureFile) -> bool:
        """Whether every video wanted is in the file."""
        return not (self._failures(file) or self._unmatched())

    def summary(self, file: FeatureFile) -> Iterator[tuple[str, str]]:
        """What was done, what failed and what to do next, as lines and their styles."""
        last, output = self._last, self.output
        before = f"; it held {last.before} before" if last.before else ""
        yield f"{counted(last.done, 'video')} imported to {output}{before}.", ""
        if last.relabelled:
            changed = counted(last.relabelled, "video")
            yield f"The labels and splits of {changed} that it held before were changed.", ""
        if last.underflow:
            lost = f"{last.underflow} of {last.nonzero} numbers that are not 0 became 0"
            if any(recipe.dtype == "float16" for recipe in file.recipes.values()):
                remedy = "in float16, whose least is 6e-08: --dtype float32 -o OTHER.h5 keeps them"
            else:
                remedy = "in float32: scale them"
            yield f"{lost} {remedy}.", "yellow"
        if last.transposed:
            yield f"The features {last.transposed}.", "yellow"
        if unmatched := self._unmatched():
            yield f"{len(unmatched)} listed are not there, or are not clear:", "yellow"
            yield from ((f"  {said}", "") for said in unmatched[:_SHOWN])
            if len(unmatched) > _SHOWN:
                yield f"  and {len(unmatched) - _SHOWN} more", ""
        if failures := self._failures(file):
            yield f"{len(failures)} failed:", "yellow"
            yield from ((f"  {f.video}: {f.reason}", "") for f in failures[:_SHOWN])
            if len(failures) > _SHOWN:
                yield f"  and {len(failures) - _SHOWN} more: tcon inspect {output}", ""
            yield "Fix them and run the same command again.", ""
        yield f"Next: tcon inspect {output}; tcon adapt --source {output} --target OTHER.h5", ""

    def _unmatched(self) -> Sequence[str]:
        """Listed names that mean no video, each with the video that may be meant; the first ones
        alone are explained."""
        if self._wanted is None:
            return ()
        entries = self._wanted.unmatched
        said = [self._wanted.explain(entry) for entry in entries[:_SHOWN]]
        return [*said, *(entry.name for entry in entries[_SHOWN:])]

    def _failures(self, file: FeatureFile) -> list[Failure]:
        wanted = self._wanted.videos if self._wanted else {}
        return [failure for failure in file.failures if failure.video in wanted]


def describe(wanted: Wanted) -> str:
    """One line that says which videos are taken: classes, splits."""
    videos = wanted.videos.values()
    classes = {video.label for video in videos if video.label}
    splits = Counter(video.split for video in videos if video.split)
    parts = (
        counted(len(videos), "video"),
        counted(len(classes), "class") if classes else "unlabelled",
        ", ".join(f"{s} {splits[s]}" for s in SPLITS if splits[s]) or "no splits",
    )
    return "; ".join(parts)
