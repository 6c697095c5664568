from __future__ import annotations

import numpy as np
import pytest

from carnatic_sep.analysis.pitch import PitchTrack, track_file, track_pitch
from carnatic_sep.analysis.trackers import TRACKERS, tracker_called
from carnatic_sep.analysis.windows import RATE, windows
from carnatic_sep.errors import CarnaticSepError, UnknownNameError, UsageError

from .conftest import TONIC, harmonic, voice_line


def _sung(seconds: float) -> tuple[np.ndarray, np.ndarray]:
    hz = TONIC * 2 ** (voice_line(seconds) / 1200)
    return harmonic(hz).astype(np.float32), hz


@pytest.mark.parametrize("tracker", ["melodia", "pyin"])
def test_finds_what_is_sung(tracker) -> None:
    pytest.importorskip(TRACKERS[tracker].needs)
    audio, hz = _sung(4.0)
    found = track_pitch(audio, RATE, tracker=tracker)
    truth = hz[np.minimum((found.times * RATE).astype(int), len(hz) - 1)]
    voiced = found.voiced
    # Melodia takes the lower of several steady tones for accompaniment, and leaves them out.
    assert voiced.mean() > 0.4
    assert np.mean(np.abs(1200 * np.log2(found.f0[voiced] / truth[voiced])) < 25) > 0.95
    assert found.hop_seconds == 0.01
    assert len(found.f0) == 400
    assert 0 <= found.confidence.min() <= found.confidence.max() <= 1
    assert found.tracker == tracker


def test_other_rates_and_channels_hear_the_same() -> None:
    pytest.importorskip("essentia")
    import soxr

    audio, _ = _sung(3.0)
    whole = track_pitch(audio, RATE)
    slow = soxr.resample(audio, RATE, 22050)
    other = track_pitch(np.stack([slow, slow]), 22050)
    both = whole.voiced & other.voiced
    assert both.mean() > 0.4
    assert np.median(np.abs(1200 * np.log2(whole.f0[both] / other.f0[both]))) < 5


def test_windows_cover_everything_once(monkeypatch) -> None:
    audio = np.arange(10 * 1000, dtype=np.float32)
    monkeypatch.setattr("carnatic_sep.analysis.windows.RATE", 1000)
    parts = list(windows(np.split(audio, 25), core_seconds=3.0, margin_seconds=1.0))
    assert [(p.start_seconds, p.end_seconds) for p in parts] == [(0, 3), (3, 6), (6, 9), (9, 10)]
    assert [p.offset_seconds for p in parts] == [0, 2, 5, 8]
    for part in parts:
        first = round(part.offset_seconds * 1000)
        assert np.array_equal(part.audio, audio[first : first + len(part.audio)])
    assert max(len(part.audio) for part in parts) == 5000


def test_memory_does_not_grow_with_the_recording() -> None:
    import tracemalloc

    def blocks(count: int):
        for _ in range(count):
            yield np.zeros(65536, dtype=np.float32)

    def most(count: int) -> int:
        tracemalloc.start()
        for _ in windows(blocks(count)):
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    short, long = most(100), most(1200)
    assert long < 1.2 * short


def test_windows_join_without_a_seam(monkeypatch, kutcheri) -> None:
    pytest.importorskip("essentia")
    whole = track_file(kutcheri.folder / "vocals.wav")
    real = windows

    def short(blocks):
        return real(blocks, core_seconds=2.0, margin_seconds=1.0)

    monkeypatch.setattr("carnatic_sep.analysis.pitch.windows", short)
    parts = track_file(kutcheri.folder / "vocals.wav")
    assert len(parts.f0) == len(whole.f0)
    sung = whole.voiced[:500] & parts.voiced[:500]
    assert sung.mean() > 0.3
    assert np.median(np.abs(1200 * np.log2(parts.f0[:500][sung] / whole.f0[:500][sung]))) < 5


def test_another_hop_takes_the_nearest_samples() -> None:
    track = PitchTrack(np.arange(1.0, 101.0), np.ones(100), 0.01)
    slow = track.resampled(0.02)
    assert np.array_equal(slow.f0, np.arange(1.0, 101.0, 2.0))
    fast = track.resampled(0.005)
    assert len(fast.f0) == 200
    assert np.array_equal(fast.f0[::2], track.f0)


def test_silence_has_no_melody() -> None:
    pytest.importorskip("essentia")
    found = track_pitch(np.zeros(RATE, dtype=np.float32), RATE)
    assert len(found.f0) == 100
    assert not found.voiced.any()


def test_what_cannot_be_is_refused(monkeypatch) -> None:
    with pytest.raises(UnknownNameError, match="melodia"):
        tracker_called("melodya")
    with pytest.raises(UsageError, match="hop"):
        track_pitch(np.zeros(100, dtype=np.float32), RATE, hop_seconds=1.0)
    with pytest.raises(UsageError, match="range"):
        track_pitch(np.zeros(100, dtype=np.float32), RATE, range_hz=(500.0, 100.0))
    monkeypatch.setattr("carnatic_sep.analysis.trackers.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"compiam.*pip install 'carnatic-sep\[compiam\]'"):
        tracker_called("ftanet")
    with pytest.raises(UsageError, match="pip install"):
        tracker_called("auto")


@pytest.mark.parametrize(
    ("audio", "rate", "message"),
    [
        (np.full(RATE, np.nan, dtype=np.float32), RATE, "NaN or infinite sample at 00:00:00.0"),
        (np.zeros(RATE, dtype=np.int16), RATE, "divide integers by their full scale"),
        (np.zeros((RATE, 2), dtype=np.float32), RATE, r"give \(channels, frames\) or \(frames,\)"),
        (np.zeros((2, 2, RATE), dtype=np.float32), RATE, r"give \(channels, frames\) or"),
        (np.zeros(RATE, dtype=np.float32), 0, "sample rate 0: give whole Hz"),
    ],
)
def test_what_no_tracker_can_take_is_told_at_once(audio, rate: int, message: str) -> None:
    with pytest.raises(CarnaticSepError, match=message):
        track_pitch(audio, rate)
