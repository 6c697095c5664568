"""From many channels to two or one, only when asked."""

from __future__ import annotations

import numpy as np

from carnatic_sep.audio.info import Downmix, FloatArray

_HALF_POWER = 2**-0.5
# Left weights per WAVE channel order; the right ones mirror them. LFE is dropped (ITU-R BS.775).
_FRONT_LEFT = {
    3: ("L", "R", "C"),
    4: ("L", "R", "LS", "RS"),
    5: ("L", "R", "C", "LS", "RS"),
    6: ("L", "R", "C", "LFE", "LS", "RS"),
    7: ("L", "R", "C", "LFE", "CS", "LS", "RS"),
    8: ("L", "R", "C", "LFE", "LS", "RS", "LS", "RS"),
}
_LEFT = {"L": 1.0, "C": _HALF_POWER, "LS": _HALF_POWER, "CS": 0.5}
_RIGHT = {"R": 1.0, "C": _HALF_POWER, "RS": _HALF_POWER, "CS": 0.5}


def downmix_matrix(channels: int, downmix: Downmix) -> FloatArray | None:
    """Weights from `channels` channels to what `downmix` asks for.

    Surround layouts follow ITU-R BS.775 (centre and surrounds at -3 dB, LFE dropped); more than
    eight channels alternate left and right. Every row sums to one, so nothing can clip that did
    not before. Mono is the mean of the two sides.

    Returns
    -------
    (outputs, channels), or None where the audio passes as it is
    """
    if downmix == "none" or channels == 1 or (downmix == "stereo" and channels == 2):
        return None
    if channels == 2:
        return np.full((1, 2), 0.5, dtype=np.float32)
    names = _FRONT_LEFT.get(channels, tuple("LR"[index % 2] for index in range(channels)))
    sides = np.array([[side.get(name, 0.0) for name in names] for side in (_LEFT, _RIGHT)])
    sides /= sides.sum(axis=1, keepdims=True)
    weights = sides if downmix == "stereo" else sides.mean(axis=0, keepdims=True)
    return weights.astype(np.float32)
