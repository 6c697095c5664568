"""Ctrl-C while libsndfile calls back: it interrupts, and costs the file nothing."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from carnatic_sep.audio import encoder
from carnatic_sep.audio.encoder import EncodedFile
from carnatic_sep.audio.formats import OutputFormat
from carnatic_sep.audio.interrupts import interrupts_wait

RATE = 16000
PIECE = 8000  # goes to libsndfile in one call


@pytest.mark.parametrize(("name", "step"), [("flac", "write"), ("flac", "tell"), ("ogg", "write")])
def test_ctrl_c_within_a_callback_interrupts_and_spoils_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, step: str
) -> None:
    audio = np.random.default_rng(0).uniform(-0.5, 0.5, (1, 3 * RATE)).astype(np.float32)
    path = tmp_path / f"interrupted.{name}"
    file = EncodedFile(path, sample_rate=RATE, channels=1, output_format=OutputFormat(name))
    file.write(audio[:, :RATE])
    usual = getattr(encoder._Sink, step)
    pressed = []

    def interrupted(self, *given):
        if not pressed:
            pressed.append(step)
            signal.raise_signal(signal.SIGINT)
        return usual(self, *given)

    with monkeypatch.context() as within:
        within.setattr(encoder._Sink, step, interrupted)
        with pytest.raises(KeyboardInterrupt):
            file.write(audio[:, RATE : RATE + PIECE])
    assert pressed == [step]
    file.write(audio[:, RATE + PIECE :])
    file.close()
    heard, rate = soundfile.read(path, dtype="float32", always_2d=True)
    assert (heard.shape, rate) == ((3 * RATE, 1), RATE)
    if name == "flac":
        np.testing.assert_allclose(heard.T, audio, atol=2.0**-23)


def test_the_usual_handler_gets_the_signal_once_and_stays() -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
    try:
        with interrupts_wait():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            assert seen == []
        assert seen == [signal.SIGINT]
        signal.raise_signal(signal.SIGINT)
        assert seen == [signal.SIGINT] * 2
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_error_within_passes_and_the_handler_is_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(OSError, match="disk"), interrupts_wait():
        raise OSError("disk")
    assert signal.getsignal(signal.SIGINT) is before


def test_other_threads_and_processes_that_ignore_ctrl_c_are_left_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    within: list[object] = []

    def elsewhere() -> None:
        with interrupts_wait():
            within.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert within == [before]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts_wait():
            assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
