"""What training can start from: a model by name, a checkpoint, or another toolkit's weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from carnatic_sep.errors import CheckpointError
from carnatic_sep.models.mixer_weights import load_mixer_model
from carnatic_sep.models.spleeter import is_spleeter, load_spleeter
from carnatic_sep.models.zoo import resolve

if TYPE_CHECKING:
    from carnatic_sep.models.base import SeparationModel

_PYTORCH_SUFFIXES = (".pth", ".pt", ".ckpt")


@dataclass(frozen=True)
class Base:
    """A loaded model, what it is called, and whom it is owed to."""

    model: SeparationModel
    name: str
    licence: str
    credits: tuple[str, ...]


def load_base(name_or_path: str) -> Base:
    """Load the model that `name_or_path` stands for, on the CPU and in evaluation mode.

    Parameters
    ----------
    name_or_path : as in ``separate --model``; or a folder, an index or a ``.tar.gz`` of a
        Spleeter checkpoint; or a ``.pth`` of compIAM's mixer model

    Raises
    ------
    UnknownNameError
        No model is called so.
    CheckpointError
        A file that is damaged, foreign, or could not be downloaded.
    """
    from carnatic_sep.models.checkpoint import load_checkpoint, read_metadata

    path = Path(name_or_path).expanduser()
    if path.exists() and is_spleeter(path):
        credit = "Romain Hennequin et al., Spleeter, JOSS 2020"
        return Base(load_spleeter(path), path.name, "as its trainer says", (credit,))
    if path.is_file() and path.suffix in _PYTORCH_SUFFIXES:
        credit = "A. Shankar et al., mixer model, WIMAGA 2025 (compIAM)"
        return Base(load_mixer_model(path), path.name, "as its trainer says", (credit,))
    if path.is_dir():
        within = sorted(folder.name for folder in path.iterdir() if is_spleeter(folder))
        holds = (
            f"it holds folders that have one: {', '.join(within)}"
            if within
            else "name a checkpoint file, or a folder of Spleeter's"
        )
        raise CheckpointError(f"{path}: a folder without a checkpoint's .index; {holds}")
    found = resolve(name_or_path)
    about = read_metadata(found).provenance
    return Base(load_checkpoint(found), about.name, about.licence, tuple(about.credits))
