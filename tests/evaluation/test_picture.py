"""The picture: a tone shows where it sounds, and the file is a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from carnatic_sep.errors import AudioWriteError
from carnatic_sep.evaluation.picture import LOWEST_HZ, Panel, log_spectrogram, save_picture

RATE = 22050


def _tone(hz: float, *, seconds: float = 1.0, level: float = 0.5) -> np.ndarray:
    frames = np.arange(int(seconds * RATE))
    return np.tile((level * np.sin(2 * np.pi * hz * frames / RATE)).astype(np.float32), (2, 1))


@pytest.mark.parametrize("hz", [80.0, 110.0, 440.0, 1000.0, 3520.0, 9000.0])
def test_a_tone_is_brightest_at_its_own_height(hz: float) -> None:
    levels = log_spectrogram(_tone(hz), sample_rate=RATE)
    row = int(np.argmax(levels[:, levels.shape[1] // 2]))
    heard = LOWEST_HZ * 2.0 ** ((row + 0.5) / 36)
    assert heard == pytest.approx(hz, abs=max(0.03 * hz, 0.6 * RATE / 2048))


def test_ten_times_the_amplitude_is_twenty_decibels() -> None:
    loud, soft = (log_spectrogram(_tone(500.0, level=x), sample_rate=RATE) for x in (0.5, 0.05))
    assert loud.max() - soft.max() == pytest.approx(20.0, abs=1e-3)


def test_columns_are_bounded_however_long_the_sound() -> None:
    levels = log_spectrogram(np.zeros((1, 60 * RATE), dtype=np.float32), sample_rate=RATE)
    assert levels.shape[1] <= 1401
    assert np.isfinite(levels).all()


def test_the_file_is_a_png_and_the_same_each_time(tmp_path: Path) -> None:
    panel = Panel("tone", _tone(440.0, seconds=0.5))
    for name in ("a.png", "b.png"):
        save_picture(
            tmp_path / name,
            mixture=panel,
            rows={"vocals": (panel, panel)},
            sample_rate=RATE,
            heading="a $tone$ & nothing_else",
        )
    first, second = ((tmp_path / name).read_bytes() for name in ("a.png", "b.png"))
    assert first[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(first[i : i + 4], "big") for i in (16, 20))
    assert width > 1000
    assert height > 500
    assert first == second


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    panel = Panel("tone", _tone(440.0, seconds=0.5))
    with pytest.raises(AudioWriteError, match="nowhere"):
        save_picture(
            tmp_path / "nowhere" / "a.png",
            mixture=panel,
            rows={},
            sample_rate=RATE,
            heading="",
        )
