"""The feature files that a run was made with, found again and checked."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ...cache import FeatureFile, InputError
from ...cache.errors import MissingFile
from ..run.data_record import Domain
from ..run.record import RunRecord
from ..run.videos import VIDEOS, Changes, RunVideos, read_videos

_OPTION = {"source": "--source-features", "target": "--features"}


def feature_file(
    folder: Path,
    record: RunRecord,
    domain: Domain,
    features: str | Path | None = None,
    *,
    logged: Collection[str] = (),
) -> FeatureFile:
    """The feature file of a domain that a run was made with. It may hold other videos too.

    Args:
        folder: the run's.
        record: of the run.
        domain: whose file.
        features: where it is now; None for where it was.
        logged: ids of the target videos that the run has logits of, by which a run from before runs
            knew their videos recognises a file that has grown.

    Raises:
        InputError: the file is gone, or it lacks videos of the run's or has other features or
            source labels of them; names these.
    """
    path = Path(features or record.data.domain(domain).path)
    try:
        file = FeatureFile(path)
    except MissingFile:
        raise InputError(
            f"the {domain}'s feature file {path} is gone: name it with {_OPTION[domain]} FILE"
        ) from None
    except OSError as error:
        raise InputError(
            f"the {domain}'s feature file {path} cannot be read ({error.strerror}): name it with "
            f"{_OPTION[domain]} FILE"
        ) from None
    if record.data.domain(domain).videos_sha256:
        _check_videos(file, folder, record, domain)
    else:
        _check_whole(file, folder, record, domain, logged)
    return file


def videos_of(folder: Path, record: RunRecord) -> RunVideos:
    """The videos of a run that knows them.

    Raises:
        InputError: they are missing or damaged.
    """
    videos = read_videos(folder)
    domains: tuple[Domain, ...] = ("source", "target")
    if videos and all(videos.sha256(d) == record.data.domain(d).videos_sha256 for d in domains):
        return videos
    problem = "holds other videos than config.json" if videos else "is missing"
    raise InputError(f"{folder / VIDEOS} {problem}: restore it, or repeat the run")


def seen_by(record: RunRecord) -> str | None:
    """Whose features a run was trained on; None end to end, where numbers of frames count."""
    return None if record.run.end_to_end else record.run.modality


def _check_videos(file: FeatureFile, folder: Path, record: RunRecord, domain: Domain) -> None:
    known = videos_of(folder, record).of(domain)
    found = file.hashes(seen_by(record), labels=domain == "source", ids=known.keys())
    lost = Changes(
        domain=domain,
        gone=tuple(sorted(known.keys() - found)),
        changed=tuple(sorted(id_ for id_ in found if found[id_] != known[id_])),
    )
    if said := str(lost):
        raise InputError(
            f"{file.path} is not what {folder} was trained with, {said}: name the file as it was "
            f"by {_OPTION[domain]}, or repeat the run"
        )


def _check_whole(
    file: FeatureFile, folder: Path, record: RunRecord, domain: Domain, logged: Collection[str]
) -> None:
    """The same of a run from before: it has a hash of all videos that its file held."""
    seen, labels, whole = seen_by(record), domain == "source", record.data.domain(domain).sha256
    if file.sha256(seen, labels=labels) == whole:
        return
    # Mostly it used all videos of the target: then they are those that it has logits of.
    if logged and domain == "target" and file.sha256(seen, labels=labels, ids=logged) == whole:
        return
    what = "videos, labels or features" if labels else "videos or features"
    raise InputError(
        f"{file.path} holds other {what} than {folder} was trained with, a run from before runs "
        f"knew their videos: name the file as it was by {_OPTION[domain]}, or repeat the run"
    )
