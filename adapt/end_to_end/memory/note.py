"""What people are told of the memory of a training step before the first one."""

from __future__ import annotations

from .step import Need


def memory_note(
    need: Need, *, batch: int, at_once: int, kind: str, free: int | None, resumed: bool = False
) -> str:
    """One sentence on passes and memory, with advice where a step may not fit.

    Args:
        need: of a step.
        batch: images or clips of a step.
        at_once: how many of them go through the backbone at once.
        kind: "images" or "clips".
        free: bytes of the device; None where unknown.
        resumed: ``at_once`` is what an interrupted run began with.
    """
    passes = "in one pass" if at_once == batch else f"in two passes, {at_once} at once"
    before = " as before" if resumed else ""
    text = f"a step of {batch} {kind} {passes}{before}, needs about {_gib(need.of(at_once))}"
    if at_once < batch:
        text += f" (all at once {_gib(need.of(batch))})"
    if free is None:
        return f"{text}."
    text += f"; {_gib(free)} are free"
    if need.of(at_once) < free:
        return f"{text}."
    lower = "train.batch_size" if at_once == 1 else "e2e.micro_batch"
    return f"{text}, so it may not fit: lower {lower}."


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
