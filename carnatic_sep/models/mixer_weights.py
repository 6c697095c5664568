"""Published weights of the mixer model (a PyTorch ``.pth``), read without running any of it.

Source of the names: compiam 0.4.1, compiam/separation/music_source_separation/mixer_model.
"""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import TYPE_CHECKING

from carnatic_sep.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor

    from carnatic_sep.models.tfc_tdf import MixerModel

PUBLISHED_STEMS = ("vocals", "violin")
_LARGEST_BYTES = 2 << 30
_RENAMED = (
    (r"^model_dict\.", "nets."),
    (r"\.first_conv\.", ".first."),
    (r"\.encoding_blocks\.", ".encoder."),
    (r"\.decoding_blocks\.", ".decoder."),
    (r"\.bottleneck_block\.", ".deepest."),
    (r"\.ds\.", ".downs."),
    (r"\.us\.", ".ups."),
    (r"\.tfc\.H\.", ".convolutions."),
    (r"\.tdf\.", ".dense."),
    (r"\.final_conv\.0\.", ".last."),
    (r"^mixer\.mixing_layer\.", "mixer."),
)


def our_name(name: str) -> str:
    """Return what :class:`~carnatic_sep.models.tfc_tdf.MixerModel` calls a published tensor.

    >>> our_name("model_dict.1.encoding_blocks.0.tfc.H.2.1.running_mean")
    'nets.1.encoder.0.convolutions.2.1.running_mean'
    """
    for pattern, ours in _RENAMED:
        name = re.sub(pattern, ours, name)
    return name


def load_mixer_model(path: Path) -> MixerModel:
    """Load the published vocals-and-violin model in evaluation mode.

    The file is unpickled by PyTorch's restricted reader, which builds tensors and nothing else.

    Raises
    ------
    CheckpointError
        The file is missing or damaged, holds more than tensors, or is of another network.
    """
    import torch

    from carnatic_sep.models.tfc_tdf import MixerModel

    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise CheckpointError(f"{path}: larger than any model (2 GiB); is it the right file?")
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise CheckpointError(
            f"{path}: cannot be read ({error.strerror or error}); check the path"
        ) from error
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path}: holds more than tensors, or is damaged; it is not opened, because that "
            "could run whatever is inside. Save its state_dict alone, or convert it elsewhere"
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError) as error:
        raise CheckpointError(
            f"{path}: not a PyTorch file, or damaged ({error}); copy or download it again"
        ) from error
    if not isinstance(stored, dict) or not all(
        isinstance(v, torch.Tensor) for v in stored.values()
    ):
        raise CheckpointError(f"{path}: holds {type(stored).__name__}, not a dict of tensors")
    state: dict[str, Tensor] = {our_name(name): tensor for name, tensor in stored.items()}
    with torch.random.fork_rng(devices=[]):
        model = MixerModel(stems=PUBLISHED_STEMS)
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise CheckpointError(
            f"{path}: not the published mixer model ({str(error).splitlines()[-1].strip()})"
        ) from error
    return model.eval()
