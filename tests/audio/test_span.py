"""A stretch of a file, entered in the middle, against the same stretch of the whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from carnatic_sep.audio.reader import read_audio
from carnatic_sep.audio.span import chunks_from, read_span
from carnatic_sep.errors import AudioReadError

RATE = 44100


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("spans")
    noise = 0.1 * np.random.default_rng(0).standard_normal((90_000, 2))
    for name in ("a.wav", "a.flac", "a.mp3", "a.ogg"):
        soundfile.write(root / name, noise, RATE)
    return root


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.ogg"])
@pytest.mark.parametrize("start", [0, 1, 20_000, 70_001])
def test_a_span_is_that_part_of_the_whole(folder: Path, name: str, start: int) -> None:
    whole, _ = read_audio(folder / name)
    span = read_span(folder / name, start=start, frames=15_000)
    np.testing.assert_allclose(span, whole[:, start : start + 15_000], atol=1e-6)


@pytest.mark.parametrize("name", ["a.wav", "a.mp3"])
def test_a_span_past_the_end_is_short(folder: Path, name: str) -> None:
    assert read_span(folder / name, start=89_990, frames=100).shape == (2, 10)
    assert read_span(folder / name, start=100_000, frames=100).shape[1] == 0


def test_an_mp3_without_a_header_is_entered_at_the_right_place(folder: Path) -> None:
    """libsndfile takes the length of such a file from its first bitrate."""
    whole = folder / "a.mp3"
    data = whole.read_bytes()
    bare = folder / "bare.mp3"
    first = data.index(b"\xff\xfb")
    second = data.index(data[first : first + 2], first + 200)
    bare.write_bytes(data[second:])
    expected, _ = read_audio(bare)
    span = read_span(bare, start=30_000, frames=10_000)
    np.testing.assert_allclose(span, expected[:, 30_000:40_000], atol=1e-6)


def test_more_than_two_channels_are_left_alone(tmp_path: Path) -> None:
    audio = np.random.default_rng(1).uniform(-0.5, 0.5, (50, 4))
    soundfile.write(tmp_path / "four.wav", audio, RATE, subtype="FLOAT")
    assert read_span(tmp_path / "four.wav", start=10, frames=20) == pytest.approx(audio[10:30].T)


def test_a_sample_that_is_no_number_is_refused(tmp_path: Path) -> None:
    audio = np.zeros(40_000, dtype=np.float32)
    audio[20_000] = np.nan
    soundfile.write(tmp_path / "nan.wav", audio, RATE, subtype="FLOAT")
    assert read_span(tmp_path / "nan.wav", start=0, frames=100).shape == (1, 100)
    with pytest.raises(AudioReadError, match=r"nan\.wav.*not a finite number"):
        list(chunks_from(tmp_path / "nan.wav"))


def test_what_libsndfile_does_not_know_is_decoded_up_to_the_start(tmp_path: Path) -> None:
    av = pytest.importorskip("av", reason="PyAV (extra m4a) is not installed")
    path = tmp_path / "a.m4a"
    noise = np.random.default_rng(2).uniform(-0.5, 0.5, (1, 20_480)).astype(np.float32)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("alac", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(noise, format="fltp", layout="mono")
        frame.sample_rate = RATE
        resampler = av.AudioResampler(
            format=stream.format.name, layout="mono", rate=RATE, frame_size=4096
        )
        for plain in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(plain))
        container.mux(stream.encode(None))
    whole, _ = read_audio(path)
    np.testing.assert_array_equal(
        read_span(path, start=9_999, frames=5_000), whole[:, 9_999:14_999]
    )
