"""The separator as compIAM knows its tools: load it through ``compiam.load_model``.

>>> models_dict()["separation:carnatic-sep"]["class_name"]
'CarnaticSep'

Nothing of compIAM is imported here; only its documented surface is followed.

Source: compIAM 0.4.1, ``load_model`` and its page "Defining new tools".
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from carnatic_sep.errors import CarnaticSepError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.separation.separator import Separator

    Audio = NDArray[np.float32]

KEY = "separation:carnatic-sep"


def models_dict() -> dict[str, dict[str, Any]]:
    """Return what ``compiam.load_model(KEY, models_dict=models_dict())`` wants.

    A new one at each call: compIAM writes into the dictionary that it is given. No key of it ends
    in ``_path``, as compIAM would prepend its own folder to that.
    """
    return {
        KEY: {
            "module_name": "carnatic_sep.analysis.compiam",
            "class_name": "CarnaticSep",
            "default_version": "v1",
            "kwargs": {"v1": {"model": "default"}},
        }
    }


class ModelNotTrainedError(CarnaticSepError):
    """The tool was asked to separate without a model loaded."""


class Stems(dict[str, "Audio"]):
    """Stems by name, also as attributes: ``stems.vocals`` is ``stems["vocals"]``."""

    def __getattr__(self, name: str) -> Audio:
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(f"no stem {name}; there are {', '.join(self)}") from error


class CarnaticSep:
    """Separate vocals, violin, mridangam and the rest, with the surface of compIAM's tools.

    Parameters
    ----------
    model : a name that ``carnatic-sep models list`` shows; None to load one later
    model_path : a checkpoint of one's own instead
    sample_rate : Hz, kept for callers that look at it; the model's own if None
    gpu : which GPU, ``"-1"`` for none

    Attributes
    ----------
    model : the separator, None before one is loaded
    trained : whether it is
    model_path : what was loaded
    sample_rate : Hz
    gpu : as given
    """

    def __init__(
        self,
        model: str | None = "default",
        model_path: str | Path | None = None,
        sample_rate: int | None = None,
        gpu: str | int = "-1",
    ) -> None:
        self.model: Separator | None = None
        self.model_path: str | Path | None = model_path or model
        self.sample_rate = sample_rate or 44100
        self.trained = False
        self.gpu = str(gpu)
        if self.model_path is not None:
            self.load_model(self.model_path)

    def load_model(self, model_path: str | Path) -> None:
        """Load a model by name or from a file.

        Raises
        ------
        CheckpointError, UnknownNameError
            There is no such model, or its file is damaged.
        """
        from carnatic_sep.separation.separator import Separator

        self.model = Separator(model_path, device=self._device())
        self.model_path = model_path
        self.sample_rate = self.model.sample_rate
        self.trained = True

    def select_gpu(self, gpu: str | int = "-1") -> None:
        """Move to another GPU, ``"-1"`` for none; the model is loaded anew if there is one."""
        moved = str(gpu) != self.gpu
        self.gpu = str(gpu)
        if moved and self.trained and self.model_path is not None:
            self.load_model(self.model_path)

    def separate(self, input_data: object, input_sr: int = 44100, gpu: str | int = "-1") -> Stems:
        """Separate audio.

        Parameters
        ----------
        input_data : path of a file, or an array or tensor (frames,), (channels, frames) or
            (1, channels, frames)
        input_sr : Hz, of an array; a file knows its own
        gpu : see :meth:`select_gpu`

        Returns
        -------
        stems, float32, each of the input's shape, at its rate; they sum to the input. Files give
        (channels, frames)

        Raises
        ------
        ModelNotTrainedError
            No model is loaded (compIAM's own error of that name too, where compIAM is in use).
        FileNotFoundError
            No such file.
        ValueError
            Another type, or a shape with more than one item in the batch.
        """
        if self.model is None or not self.trained:
            raise _not_trained("no model is loaded: call load_model with a name or a file first")
        self.select_gpu(gpu)
        audio, sample_rate = _audio(input_data, input_sr)
        flat = audio.reshape(audio.shape[-2:]) if audio.ndim == 3 else audio
        stems = self.model.separate(flat, sample_rate)
        return Stems({name: stem.reshape(audio.shape) for name, stem in stems.items()})

    def _device(self) -> str:
        return "cpu" if self.gpu == "-1" else f"cuda:{self.gpu}"


def _audio(given: object, sample_rate: int) -> tuple[Audio, int]:
    if isinstance(given, (str, Path)):
        from carnatic_sep.audio.reader import read_audio

        if not Path(given).exists():
            raise FileNotFoundError(f"{given}: no such file")
        return read_audio(given)
    if hasattr(given, "detach"):  # a tensor of torch, which need not be imported to know
        given = given.detach().cpu().numpy()
    if not isinstance(given, np.ndarray):
        raise ValueError(f"input of type {type(given).__name__}: give a path, an array or a tensor")
    if given.ndim not in (1, 2, 3) or (given.ndim == 3 and given.shape[0] != 1):
        raise ValueError(
            f"input of shape {given.shape}: give (frames,), (channels, frames) or "
            "(1, channels, frames); a batch of several is not taken"
        )
    return np.ascontiguousarray(given, dtype=np.float32), sample_rate


def _not_trained(message: str) -> Exception:
    """Return our error, which is compIAM's as well where that is loaded."""
    theirs = getattr(sys.modules.get("compiam.exceptions"), "ModelNotTrainedError", None)
    if theirs is None:
        return ModelNotTrainedError(message)
    both: type[Exception] = type("ModelNotTrainedError", (ModelNotTrainedError, theirs), {})
    return both(message)
