"""MP3 files whose headers do not tell how long they are."""

from __future__ import annotations

import signal

import numpy as np
import pytest

from carnatic_sep.audio import mp3
from carnatic_sep.audio.reader import AudioReader, read_audio

RATE = 44100


def crescendo(frames: int, rate: int) -> np.ndarray:
    """Loud first, then soft: the first bitrate says nothing about the rest."""
    noise = np.random.default_rng(3).standard_normal((2, frames)) * 0.2
    return (noise * np.linspace(1, 0.001, frames) ** 3).astype(np.float32)


@pytest.fixture
def variable(audio_file):
    """A variable-bitrate MP3 of 3 s, and its layout."""
    path = audio_file(
        crescendo(3 * RATE, RATE),
        "v.mp3",
        sample_rate=RATE,
        bitrate_mode="VARIABLE",
        compression_level=0.3,
    )
    return path, mp3.layout(path)


def strip_header(path):
    data = path.read_bytes()
    length = mp3.parse_frame(data[:4]).bytes
    return data[length:]


@pytest.mark.parametrize(
    ("header", "size", "samples", "mono"),
    [
        ("fffb9064", 417, 1152, False),  # 128 kbit/s, 44.1 kHz: 144 * 128000 / 44100
        ("fffb92c4", 418, 1152, True),  # the same, padded
        ("fff384c4", 192, 576, True),  # MPEG-2, 64 kbit/s, 24 kHz: 72 * 64000 / 24000
    ],
)
def test_frame_headers(header, size, samples, mono):
    frame = mp3.parse_frame(bytes.fromhex(header))
    assert (frame.bytes, frame.samples, frame.mono) == (size, samples, mono)


@pytest.mark.parametrize("header", ["00000000", "fffb0064", "fffbf064", "fffb9c64", "fffd9064"])
def test_what_is_no_layer_3_header(header):
    assert mp3.parse_frame(bytes.fromhex(header)) is None


def test_a_header_that_tells_all_is_believed(variable):
    path, where = variable
    assert not where.needs_header
    assert read_audio(path)[0].shape == (2, 3 * RATE)


@pytest.mark.parametrize("rate", [8000, 22050, 44100])
@pytest.mark.parametrize("channels", [1, 2])
def test_without_a_header_nothing_is_lost(rate, channels, audio_file):
    frames = 3 * rate
    path = audio_file(
        crescendo(frames, rate)[:channels],
        "v.mp3",
        sample_rate=rate,
        bitrate_mode="VARIABLE",
        compression_level=0.3,
    )
    whole, _ = read_audio(path)
    path.write_bytes(strip_header(path))
    audio, _ = read_audio(path)
    samples = 1152 if rate > 24000 else 576
    assert 0 <= audio.shape[1] - frames <= 4 * samples
    # The true length is unknown, so encoder and decoder delay stay: find them, then compare.
    delay = next(
        shift
        for shift in range(4 * samples)
        if np.allclose(audio[:, shift + 4000 : shift + 4500], whole[:, 4000:4500], atol=1e-5)
    )
    np.testing.assert_allclose(
        audio[:, delay + 4000 : delay + frames - 4000], whole[:, 4000 : frames - 4000], atol=1e-5
    )


def test_behind_an_id3_tag_and_before_an_id3v1_tag(variable):
    path, _ = variable
    plain = strip_header(path)
    path.write_bytes(plain)
    expected, _ = read_audio(path)
    tag = b"ID3\x03\x00\x00\x00\x00\x08\x00" + bytes(1024)
    path.write_bytes(tag + plain + b"TAG" + bytes(125))
    np.testing.assert_array_equal(read_audio(path)[0], expected)


def test_two_files_joined_end_to_end_are_both_read(variable):
    path, _ = variable
    data = path.read_bytes()
    path.write_bytes(data + data)
    audio, _ = read_audio(path)
    assert 6 * RATE <= audio.shape[1] <= 6 * RATE + 6 * 1152
    level = np.sqrt((audio[:, 3 * RATE + 8820 : 3 * RATE + 13230] ** 2).mean())
    assert level > 0.05  # the second beginning is loud, the end of the first is silent


def test_the_view_behind_a_header_reads_like_a_file(variable):
    path, where = variable
    path.write_bytes(strip_header(path))
    where = mp3.layout(path)
    with mp3.Mp3WithHeader(path, where) as view:
        whole = view.read()
        assert whole.endswith(path.read_bytes())
        assert b"Info" in whole[:64]
        for position in (0, 3, 416, 417, 418, 5000):
            view.seek(position)
            assert view.read(700) == whole[position : position + 700]
        assert view.seek(0, 2) == len(whole)


def test_ctrl_c_while_the_view_is_read_interrupts(variable, monkeypatch):
    path, _ = variable
    path.write_bytes(strip_header(path))
    usual, calls = mp3.Mp3WithHeader.readinto, []

    def interrupted(self, buffer):
        calls.append(len(buffer))
        if len(calls) == 3:
            signal.raise_signal(signal.SIGINT)
        return usual(self, buffer)

    monkeypatch.setattr(mp3.Mp3WithHeader, "readinto", interrupted)
    with pytest.raises(KeyboardInterrupt):
        read_audio(path)
    assert len(calls) >= 3


def test_without_a_header_the_length_is_known_before_decoding(variable):
    path, _ = variable
    path.write_bytes(strip_header(path))
    with AudioReader(path) as reader:
        frames = sum(block.shape[1] for block in reader.blocks())
        assert abs(reader.info.frames - frames) <= 4 * 1152
