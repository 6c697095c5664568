"""The errors of carnatic-sep: each message says what was wrong, where, and what to do."""

from __future__ import annotations


class CarnaticSepError(Exception):
    """Base of every error that this package raises on purpose."""

    exit_code = 1


class UsageError(CarnaticSepError):
    """The request itself cannot be met: an unknown name, an impossible option, a missing extra."""

    exit_code = 2


class UnknownNameError(UsageError):
    """A stem, model or architecture name that nothing answers to."""

    def __init__(self, kind: str, name: str, known: list[str]) -> None:
        import difflib

        near = difflib.get_close_matches(name.lower(), [k.lower() for k in known], n=3, cutoff=0.4)
        shown = [k for k in known if k.lower() in near] or sorted(known)
        lead = "did you mean" if near else "known ones are"
        hint = f"{lead}: {', '.join(shown)}" if shown else f"no {kind} is known here"
        super().__init__(f"unknown {kind} {name!r}; {hint}")


class AudioReadError(CarnaticSepError):
    """A file that cannot be opened or decoded (any further)."""


class AudioWriteError(CarnaticSepError):
    """A file that cannot be written; what was written so far is kept as ``*.partial``."""


class TransferError(CarnaticSepError):
    """A download that did not arrive whole and unchanged, or an archive that does not unpack."""


class CheckpointError(CarnaticSepError):
    """A checkpoint that is damaged, foreign, or does not fit its architecture."""


class ConfigError(UsageError):
    """A configuration file that does not describe a valid run."""


class TrainingError(CarnaticSepError):
    """A run that cannot go on: a loss or a gradient that is no number, say."""


class DatasetError(CarnaticSepError):
    """A dataset's folder, split file or download that is not what it should be."""


class EvaluationError(CarnaticSepError):
    """A track or a result that cannot be scored or compared: estimates that do not fit it, say."""


class AnalysisError(CarnaticSepError):
    """A recording or a contour in which there is nothing of what was asked for."""
