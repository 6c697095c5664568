"""The result of one track, kept in a file, so that an interrupted evaluation goes on."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carnatic_sep.errors import AudioWriteError, EvaluationError
from carnatic_sep.evaluation.excerpts import Excerpt
from carnatic_sep.evaluation.scoring import Score
from carnatic_sep.files import growing

if TYPE_CHECKING:
    from carnatic_sep.datasets.multitrack import Multitrack
    from carnatic_sep.evaluation.contenders import Contender
    from carnatic_sep.evaluation.options import EvaluationOptions

FORMAT = "carnatic-sep-evaluation-part-1"


@dataclass(frozen=True)
class Part:
    """What is known of one track.

    Attributes
    ----------
    track, concert : the track's
    fingerprint : of all that its scores depend on
    seconds : length
    stems : with a reference that sounds
    ceiling_db : stem -> signal over bleed of its reference
    scores : of every system
    excerpts : of what is tested
    notes : what was left out or padded
    failures : system -> why it has no scores; "" for the track itself
    cpu_seconds : what it took
    """

    track: str
    concert: str
    fingerprint: str
    seconds: float
    stems: tuple[str, ...]
    ceiling_db: Mapping[str, float]
    scores: tuple[Score, ...]
    excerpts: tuple[Excerpt, ...] = ()
    notes: tuple[str, ...] = ()
    failures: Mapping[str, str] | None = None
    cpu_seconds: float = 0.0

    @property
    def failed(self) -> dict[str, str]:
        """The failures; empty where there are none."""
        return dict(self.failures or {})


def fingerprint(
    track: Multitrack, systems: tuple[Contender, ...], options: EvaluationOptions
) -> str:
    """Return a checksum of what a track's scores depend on: audio, systems, options, versions."""
    from carnatic_sep import __version__
    from carnatic_sep.evaluation.bleed import cleaner_version
    from carnatic_sep.evaluation.estimate_files import track_folder

    files = [*track.files, *track.annotations.values()]
    for system in systems:
        if system.kind == "estimates":
            with suppress(EvaluationError):
                files += sorted(track_folder(Path(system.source), track.id).iterdir())
    parts = {
        "format": FORMAT,
        "carnatic_sep": __version__,
        "cleaner": cleaner_version() if options.cleaned else None,
        "track": track.id,
        "concert": track.concert,
        "tonic": track.tonic_hz,
        "files": [_stamp(path) for path in files],
        "systems": [asdict(system) for system in systems],
        "options": options.as_dict(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _stamp(path: Path) -> list[Any]:
    try:
        found = path.stat()
    except OSError:
        return [path.name, None]
    return [path.name, found.st_size, found.st_mtime_ns]


def part_path(folder: Path, track_id: str) -> Path:
    """Return where the part of a track is kept: a readable name that no other track shares."""
    readable = re.sub(r"[^\w.-]+", "_", track_id)[:80]
    return folder / f"{readable}-{hashlib.sha256(track_id.encode()).hexdigest()[:8]}.json"


def save_part(folder: Path, part: Part) -> None:
    """Write a part, whole or not at all.

    Raises
    ------
    AudioWriteError
        The file cannot be written.
    """
    document = asdict(part)
    document["scores"] = [
        [s.system, s.stem, s.metric, repr(s.value), s.start_seconds] for s in part.scores
    ]
    document["ceiling_db"] = {stem: repr(x) for stem, x in part.ceiling_db.items()}
    write_text(part_path(folder, part.track), json.dumps({"format": FORMAT, **document}))


def load_part(folder: Path, track_id: str, wanted: str) -> Part | None:
    """Return the part of a track if it is there, whole, and has the fingerprint `wanted`."""
    try:
        document = json.loads(part_path(folder, track_id).read_text(encoding="utf-8"))
        if document.pop("format") != FORMAT or document["fingerprint"] != wanted:
            return None
        scores = [Score(a, b, c, float(x), start) for a, b, c, x, start in document.pop("scores")]
        excerpts = [Excerpt(**each) for each in document.pop("excerpts")]
        ceilings = {stem: float(x) for stem, x in document.pop("ceiling_db").items()}
        stems, notes = tuple(document.pop("stems")), tuple(document.pop("notes"))
        return Part(
            scores=tuple(scores),
            excerpts=tuple(excerpts),
            ceiling_db=ceilings,
            stems=stems,
            notes=notes,
            **document,
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all.

    Raises
    ------
    AudioWriteError
        It cannot be written.
    """
    try:
        with growing(path) as place:
            place.write_text(text, encoding="utf-8")
    except OSError as error:
        raise AudioWriteError(
            f"{path}: cannot be written ({error.strerror}); free some space or choose another --out"
        ) from error
