"""WAV and RF64 headers, read back by other hands."""

from __future__ import annotations

import struct
import wave

import numpy as np
import pytest
import scipy.io.wavfile
import soundfile

from carnatic_sep.audio.reader import read_audio
from carnatic_sep.audio.wav64 import WavFile

DEPTHS = {"16": (2, "PCM_16"), "24": (3, "PCM_24"), "32f": (4, "FLOAT")}


def write(path, audio, depth, **options):
    file = WavFile(path, sample_rate=44100, channels=len(audio), bit_depth=depth, **options)
    file.write(audio)
    file.close()
    return path


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("frames", [1, 1001])
@pytest.mark.parametrize("limit", [2**32 - 1, 64])
def test_sizes_agree_with_the_file(depth, channels, frames, limit, signal, tmp_path):
    path = write(tmp_path / "x.wav", signal(frames, channels), depth, riff_limit=limit)
    data = path.read_bytes()
    data_bytes = frames * channels * DEPTHS[depth][0]
    place = data.index(b"data") + 8
    assert len(data) == place + data_bytes + data_bytes % 2
    if limit == 64:
        assert data[:4] == b"RF64"
        assert data[12:16] == b"ds64"
        assert struct.unpack("<QQQ", data[20:44]) == (len(data) - 8, data_bytes, frames)
        assert data[4:8] == data[place - 4 : place] == b"\xff" * 4
    else:
        assert data[:4] == b"RIFF"
        assert data[12:16] == b"JUNK"
        assert struct.unpack("<I", data[4:8]) == (len(data) - 8,)
        assert struct.unpack("<I", data[place - 4 : place]) == (data_bytes,)
    info = soundfile.info(path)
    assert (info.frames, info.channels, info.subtype) == (frames, channels, DEPTHS[depth][1])
    assert info.format == ("RF64" if limit == 64 else "WAV")


def test_scipy_and_the_standard_library_agree(signal, tmp_path):
    audio = signal(1000, 2)
    rate, samples = scipy.io.wavfile.read(write(tmp_path / "f.wav", audio, "32f"))
    assert rate == 44100
    np.testing.assert_array_equal(samples.T, audio)
    _, samples = scipy.io.wavfile.read(write(tmp_path / "i.wav", audio, "16"))
    np.testing.assert_array_equal(samples.T, np.rint(audio * 32768))
    with wave.open(str(write(tmp_path / "w.wav", audio, "24"))) as plain:
        assert (plain.getnframes(), plain.getsampwidth(), plain.getnchannels()) == (1000, 3, 2)


@pytest.mark.parametrize("depth", DEPTHS)
def test_past_4_gib_it_is_rf64_and_reads_to_its_end(depth, signal, tmp_path):
    """The middle of the file is a hole, so that the disk holds some kilobytes of it only."""
    audio = signal(5000, 2)
    path = tmp_path / "long.wav"
    file = WavFile(path, sample_rate=44100, channels=2, bit_depth=depth)
    frame_bytes = 2 * DEPTHS[depth][0]
    hole = 2**32 // frame_bytes + 7
    file.write(audio)
    file._file.seek(hole * frame_bytes, 1)
    file._frames += hole
    file.write(audio)
    file.close()
    assert path.stat().st_size > 2**32
    with soundfile.SoundFile(path) as read:
        assert read.format == "RF64"
        assert read.frames == hole + 10000
        read.seek(hole + 5000)
        np.testing.assert_allclose(read.read(dtype="float32").T, audio, atol=2**-15)


def test_a_file_that_was_never_closed_can_be_read(signal, tmp_path):
    audio = signal(5000, 2)
    for frames, form in ((None, b"RIFF"), (2**31, b"RF64")):
        path = tmp_path / "x.wav"
        file = WavFile(path, sample_rate=44100, channels=2, bit_depth="32f", expected_frames=frames)
        file.write(audio)
        data = path.read_bytes()
        file.close()
        assert data[:4] == form
        path.write_bytes(data)
        with soundfile.SoundFile(path) as read:
            np.testing.assert_array_equal(read.read(5000, dtype="float32").T, audio)


def test_closing_twice_is_harmless(signal, tmp_path):
    path = write(tmp_path / "x.wav", signal(10), "16")
    file = WavFile(path, sample_rate=44100, channels=1, bit_depth="16")
    file.write(signal(10, 1))
    file.close()
    file.close()
    assert read_audio(path)[0].shape == (1, 10)
