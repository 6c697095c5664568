"""Files that end too early or are damaged: all that decodes comes, then the place of the break."""

from __future__ import annotations

import re

import numpy as np
import pytest
import soundfile

from carnatic_sep.audio.reader import AudioReader, BrokenAudioError, peak_and_check, read_audio
from carnatic_sep.errors import AudioReadError

RATE = 48000
FRAMES = 3 * RATE


def drain(path, **options):
    """Return all that decodes, and the error at its end."""
    blocks = []
    error = None
    with AudioReader(path, **options) as reader:
        try:
            for block in reader.blocks():
                blocks.append(block)
        except BrokenAudioError as broken:
            error = broken
    assert error is not None
    return np.concatenate(blocks, axis=1), error


@pytest.mark.parametrize(
    ("name", "tail"),
    [("x.mp3", 8000), ("x.flac", 4096), ("x.ogg", 60000), ("x.opus", 60000), ("x.wav", 4)],
)
@pytest.mark.parametrize(("block_frames", "kept"), [(1000, 0.5), (65536, 0.75)])
def test_a_truncated_file_decodes_up_to_the_break(
    name, tail, block_frames, kept, signal, audio_file
):
    path = audio_file(signal(FRAMES, 2, RATE), name, sample_rate=RATE)
    whole, _ = read_audio(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    audio, error = drain(path, block_frames=block_frames)
    frames = audio.shape[1]
    assert 0 < frames < FRAMES
    assert error.frames == frames
    np.testing.assert_array_equal(audio[:, : frames - 2304], whole[:, : frames - 2304])
    minutes, seconds = divmod(frames / RATE, 60)
    assert f"00:{int(minutes):02d}:{int(seconds * 10) / 10:04.1f}" in str(error)
    assert str(path) in str(error)
    if name != "x.mp3":  # an encoder may spend its bytes unevenly, but not by more than this
        assert abs(frames - kept * FRAMES) < 0.2 * FRAMES + tail


@pytest.mark.parametrize("kind", ["AIFF", "AU", "W64"])
def test_other_headers_keep_their_promise_too(kind, signal, tmp_path):
    path = tmp_path / f"x.{kind.lower()}"
    sound = 0.5 * signal(FRAMES, 2, RATE).T
    soundfile.write(path, sound, RATE, format=kind, subtype="PCM_24")
    assert read_audio(path)[0].shape == (2, FRAMES)
    data = path.read_bytes()
    path.write_bytes(data[: int(0.6 * len(data))])
    audio, error = drain(path)
    assert abs(audio.shape[1] - 0.6 * FRAMES) < 100
    assert "before the length that the header states" in str(error)


def test_a_wav_file_whose_length_has_wrapped_around_is_not_cut_in_silence(signal, tmp_path):
    path = tmp_path / "long.wav"
    soundfile.write(path, 0.1 * signal(RATE, 1, RATE).T, RATE, subtype="PCM_16")
    with path.open("rb+") as file:
        file.truncate(path.stat().st_size + 2**32)  # a hole: takes no room
    audio, error = drain(path)
    assert audio.shape == (1, RATE)
    assert "longer than the 4 GiB that its header can count" in str(error)


@pytest.mark.parametrize("length", [0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_a_length_that_a_pipe_left_open_promises_nothing(length, signal, tmp_path):
    path = tmp_path / "piped.wav"
    soundfile.write(path, 0.1 * signal(RATE, 1, RATE).T, RATE, subtype="PCM_16")
    data = bytearray(path.read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = length.to_bytes(4, "little")
    path.write_bytes(data)
    assert read_audio(path)[0].shape == (1, RATE)


@pytest.mark.parametrize("name", ["x.mp3", "x.flac"])
def test_damage_in_the_middle_is_found(name, signal, audio_file):
    path = audio_file(signal(FRAMES, 2, RATE), name, sample_rate=RATE)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 4000] = bytes(4000)
    path.write_bytes(data)
    audio, error = drain(path)
    assert 0.3 * FRAMES < audio.shape[1] < FRAMES
    assert re.search(r"decoding stops at 00:00:0\d\.\d of 00:00:03\.0", str(error))


def test_a_scan_reports_the_break_and_goes_on(signal, audio_file):
    path = audio_file(signal(FRAMES, 1, RATE), "x.flac", sample_rate=RATE)
    path.write_bytes(path.read_bytes()[:-20000])
    audio, error = drain(path)
    scan = peak_and_check(path)
    assert scan.break_message == str(error)
    assert scan.frames == audio.shape[1]
    assert scan.peak == np.abs(audio).max()


def test_a_whole_read_refuses_a_broken_file(signal, audio_file):
    path = audio_file(signal(FRAMES, 1, RATE), "x.wav", sample_rate=RATE)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(AudioReadError, match="truncated"):
        read_audio(path)


def test_truncated_wav_names_its_full_length(signal, audio_file):
    path = audio_file(signal(FRAMES, 2, RATE), "x.wav", sample_rate=RATE, subtype="PCM_16")
    path.write_bytes(path.read_bytes()[: 44 + RATE * 4])
    audio, error = drain(path)
    assert audio.shape == (2, RATE)
    assert "00:00:01.0 of 00:00:03.0" in str(error)


def test_a_wav_whose_recorder_left_the_length_open_is_whole(signal, audio_file):
    path = audio_file(signal(RATE, 2, RATE), "x.wav", sample_rate=RATE, subtype="PCM_16")
    data = bytearray(path.read_bytes())
    data[4:8] = data[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    assert read_audio(path)[0].shape == (2, RATE)


def test_a_flac_without_a_length_is_whole(signal, audio_file):
    path = audio_file(signal(50000), "x.flac")
    whole, _ = read_audio(path)
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0
    data[22:26] = bytes(4)  # STREAMINFO: total samples unknown
    path.write_bytes(data)
    with AudioReader(path) as reader:
        assert reader.info.frames is None
        assert reader.info.duration_seconds is None
        np.testing.assert_array_equal(np.concatenate(list(reader.blocks()), axis=1), whole)


@pytest.mark.parametrize("name", ["x.ogg", "x.opus"])
def test_chained_ogg_streams_are_not_cut_silently(name, signal, audio_file, tmp_path):
    first = audio_file(signal(RATE, 1, RATE), f"1{name}", sample_rate=RATE).read_bytes()
    second = audio_file(signal(RATE, 1, RATE), f"2{name}", sample_rate=RATE).read_bytes()
    path = tmp_path / name
    path.write_bytes(first + second)
    audio, error = drain(path)
    assert audio.shape == (1, RATE)
    assert "chained" in str(error)
