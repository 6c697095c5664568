"""M4A through PyAV, where it is installed."""

from __future__ import annotations

import collections

import numpy as np
import pytest

from carnatic_sep.audio.formats import OutputFormat
from carnatic_sep.audio.opening import open_decoder
from carnatic_sep.audio.reader import AudioReader, BrokenAudioError, probe, read_audio
from carnatic_sep.audio.writer import StemWriter
from carnatic_sep.errors import AudioReadError

av = pytest.importorskip("av", reason="PyAV (extra m4a) is not installed")


def encode(path, audio, rate, codec="aac"):
    """Write (channels, frames) with PyAV alone."""
    layout = "stereo" if len(audio) == 2 else "mono"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.layout = layout
        resampler = av.AudioResampler(format=stream.format.name, layout=layout, rate=rate)
        for start in range(0, audio.shape[1], 1024):
            piece = np.ascontiguousarray(audio[:, start : start + 1024])
            frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = rate, start
            for plain in resampler.resample(frame):
                container.mux(stream.encode(plain))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_padding_is_trimmed_and_nothing_shifts(rate, channels, signal, tmp_path):
    audio = 0.5 * signal(2 * rate, channels, rate)  # whole milliseconds, so MP4 can state it
    path = encode(tmp_path / "திரு.m4a", audio, rate)
    read, found = read_audio(path)
    assert found == rate
    assert read.shape == audio.shape
    assert read.dtype == np.float32
    lags = range(-8, 9)
    middle = slice(rate // 2, rate)
    match = [float((read[0, middle] * np.roll(audio[0], lag)[middle]).sum()) for lag in lags]
    assert lags[int(np.argmax(match))] == 0


def test_alac_comes_back_bit_for_bit(tmp_path):
    steps = np.random.default_rng(0).integers(-(2**15), 2**15, (2, 44100))
    audio = (steps / 2**15).astype(np.float32)
    path = encode(tmp_path / "x.m4a", audio, 44100, codec="alac")
    np.testing.assert_array_equal(read_audio(path)[0], audio)
    assert probe(path).subtype == "alac"
    assert probe(path).frames == 44100


def test_blocks_of_one_size(signal, tmp_path):
    path = encode(tmp_path / "x.m4a", signal(44100, 2), 44100)
    with AudioReader(path, block_frames=1000) as reader:
        sizes = [block.shape for block in reader.blocks()]
    assert sizes == [(2, 1000)] * 44 + [(2, 100)]


@pytest.mark.parametrize("name", ["x.mka", "x.webm"])
def test_a_matroska_file_that_was_cut_is_not_whole(name, signal, tmp_path):
    path = encode(tmp_path / name, 0.5 * signal(8 * 48000, 2, 48000), 48000, "libopus")
    data = path.read_bytes()
    path.write_bytes(data[: int(0.6 * len(data))])
    with pytest.raises(BrokenAudioError, match="before the length") as caught:
        read_audio(path)
    assert 3 * 48000 < caught.value.frames < 6 * 48000


def test_fragments_count_the_priming_and_are_whole(signal, tmp_path):
    audio = 0.5 * signal(44100, 2)
    path = tmp_path / "x.m4a"
    with av.open(str(path), "w", options={"movflags": "frag_keyframe+delay_moov"}) as container:
        stream = container.add_stream("aac", rate=44100)
        stream.layout = "stereo"
        for start in range(0, 44100, 1024):
            piece = np.ascontiguousarray(audio[:, start : start + 1024], dtype=np.float32)
            frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts = 44100, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert b"moof" in path.read_bytes()
    read, _ = read_audio(path)
    assert 44100 <= read.shape[1] <= 44100 + 4096


@pytest.mark.parametrize("name", ["ogg", "opus"])
@pytest.mark.parametrize("channels", [3, 5, 6, 7, 8])
def test_loudspeakers_keep_their_places(name, channels, tmp_path):
    """A low tone a channel, written by us, read by us and by FFmpeg, which knows the orders."""
    time = np.arange(48000) / 48000
    sound = np.stack([0.3 * np.sin(2 * np.pi * 40 * (k + 1) * time) for k in range(channels)])
    sound = sound.astype(np.float32)
    path = tmp_path / f"x.{name}"
    with StemWriter(
        {"x": path}, sample_rate=48000, channels=channels, output_format=OutputFormat(name)
    ) as writer:
        writer.write({"x": sound})
        writer.commit()

    def tones(audio: np.ndarray) -> list[int]:
        spectra = np.abs(np.fft.rfft(audio[:, 8000:40000] * np.hanning(32000)))
        return [round(1.5 * int(np.argmax(row)) / 40) for row in spectra]

    pieces = []
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="fltp")
        for frame in container.decode(audio=0):
            for plain in resampler.resample(frame):  # its own to_ndarray crashes on eight channels
                rows = [np.frombuffer(plane, np.float32) for plane in plain.planes[:channels]]
                pieces.append(np.stack([row[: plain.samples] for row in rows]))
    assert tones(np.concatenate(pieces, axis=1)) == list(range(1, channels + 1))
    decoder = open_decoder(path)
    read = np.concatenate(list(decoder.chunks()), axis=1)
    decoder.close()
    assert read.shape == sound.shape
    assert tones(read) == list(range(1, channels + 1))


def test_eight_channels(tmp_path):
    """PyAV's own way to arrays crashes there."""
    path = tmp_path / "x.mka"
    sound = np.full((8, 48000), 0.1, dtype=np.float32) * np.arange(1, 9, dtype=np.float32)[:, None]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_f32le", rate=48000)
        stream.layout = "7.1"
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(sound.T).reshape(1, -1), format="flt", layout="7.1"
        )
        frame.sample_rate, frame.pts = 48000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    decoder = open_decoder(path)
    read = np.concatenate(list(decoder.chunks()), axis=1)
    decoder.close()
    np.testing.assert_array_equal(read, sound)


def test_adts_aac_and_webm(signal, tmp_path):
    for name, codec in (("x.aac", "aac"), ("x.webm", "libopus")):
        path = encode(tmp_path / name, signal(48000, 2, 48000), 48000, codec)
        audio, rate = read_audio(path)
        assert rate == 48000
        assert 48000 <= audio.shape[1] <= 48000 + 4096


def test_a_truncated_m4a_says_that_it_is(signal, tmp_path):
    path = encode(tmp_path / "x.m4a", signal(44100, 2), 44100)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(AudioReadError, match="incomplete") as caught:
        read_audio(path)
    assert str(path) in str(caught.value)


def test_damaged_m4a_data_stop_with_a_place(signal, tmp_path):
    path = encode(tmp_path / "x.m4a", signal(88200, 2), 44100)
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat")
    data[start + 20000 : start + 21000] = np.random.default_rng(5).bytes(1000)
    path.write_bytes(data)
    blocks = []
    with AudioReader(path, block_frames=100) as reader, pytest.raises(BrokenAudioError) as caught:
        collections.deque((blocks.append(b.shape[1]) for b in reader.blocks()), maxlen=0)
    assert 0 < sum(blocks) == caught.value.frames < 88200
    assert "00:00:0" in str(caught.value)


def test_a_film_without_sound(tmp_path):
    path = tmp_path / "silent.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 16
        stream.pix_fmt = "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), dtype=np.uint8))
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(AudioReadError, match="no sound"):
        AudioReader(path)
