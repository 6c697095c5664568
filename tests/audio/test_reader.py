from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from carnatic_sep.audio.reader import AudioReader, peak_and_check, probe, read_audio
from carnatic_sep.errors import AudioReadError, UsageError

FILES = {
    "a.wav": ({"subtype": "PCM_16"}, 44100),
    "b.wav": ({"subtype": "FLOAT"}, 192000),
    "c.flac": ({"subtype": "PCM_24"}, 96000),
    "d.ogg": ({}, 48000),
    "e.opus": ({}, 48000),
    "f.mp3": ({}, 44100),
    "g.aiff": ({"subtype": "PCM_24"}, 8000),
    "h.wav": ({"format": "RF64", "subtype": "PCM_24"}, 44100),
}
TITLES = [
    "எந்தரோ மஹானுபாவுலு.flac",
    "ఎందరో మహానుభావులు.mp3",
    "एन्दरो महानुभावुलु.ogg",
    "Bhuvini Dasudane (live) 'take \"2\"'.wav",
    "a folder with spaces/திருப்புகழ் & more.opus",
]


@pytest.mark.parametrize("name", FILES)
def test_blocks_are_the_file(name, signal, audio_file):
    options, rate = FILES[name]
    path = audio_file(signal(30011, 2, rate), name, sample_rate=rate, **options)
    expected, _ = soundfile.read(path, dtype="float32", always_2d=True)
    with AudioReader(path, block_frames=4096) as reader:
        blocks = list(reader.blocks())
    assert reader.info.sample_rate == rate
    assert reader.info.channels == 2
    assert reader.info.frames == 30011
    assert reader.info.duration_seconds == 30011 / rate
    assert all(block.dtype == np.float32 and block.shape == (2, 4096) for block in blocks[:-1])
    np.testing.assert_array_equal(np.concatenate(blocks, axis=1), expected.T)


@pytest.mark.parametrize("name", ["d.ogg", "e.opus", "f.mp3", "c.flac"])
@given(block_frames=st.integers(1, 9000))
def test_the_size_of_blocks_changes_nothing(name, block_frames, tmp_path, signal):
    path = tmp_path / name
    if not path.exists():
        codec = {"format": "OGG", "subtype": "OPUS"} if name == "e.opus" else {}
        soundfile.write(path, signal(3001, 1, 48000).T, 48000, **codec)
    whole, _ = read_audio(path)
    with AudioReader(path, block_frames=block_frames) as reader:
        joined = np.concatenate(list(reader.blocks()), axis=1)
    assert whole.shape == (1, 3001)
    np.testing.assert_array_equal(joined, whole)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000, 96000, 192000])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_rate_from_8_to_192_khz(rate, channels, signal, audio_file):
    audio = signal(501, channels, rate)
    read, found = read_audio(audio_file(audio, "x.wav", sample_rate=rate, subtype="FLOAT"))
    assert found == rate
    np.testing.assert_array_equal(read, audio)


@pytest.mark.parametrize("title", TITLES)
def test_titles_in_any_script(title, signal, audio_file, tmp_path):
    (tmp_path / title).parent.mkdir(exist_ok=True)
    path = audio_file(signal(2000, 1, 48000), title, sample_rate=48000)
    audio, _ = read_audio(path)
    assert audio.shape == (1, 2000)
    assert read_audio(str(path))[0].shape == audio.shape


def test_a_second_pass_starts_over(signal, audio_file):
    path = audio_file(signal(5000), "x.flac")
    with AudioReader(path, block_frames=1000) as reader:
        first = next(reader.blocks())
        again = list(reader.blocks())
    assert len(again) == 5
    np.testing.assert_array_equal(first, again[0])


def test_a_closed_reader_says_so(signal, audio_file):
    reader = AudioReader(audio_file(signal(100), "x.wav"))
    reader.close()
    with pytest.raises(AudioReadError, match="closed"):
        reader.blocks()


@pytest.mark.parametrize("channels", [3, 4, 5, 6, 7, 8, 12])
def test_many_channels_need_a_downmix(channels, signal, audio_file):
    path = audio_file(signal(1000, channels), "surround.wav", subtype="FLOAT")
    with pytest.raises(
        AudioReadError, match=r"stereo or mono; `carnatic-sep separate` does so.*--downmix mono"
    ):
        AudioReader(path)
    assert probe(path).channels == channels
    stereo, _ = read_audio(path, downmix="stereo")
    mono, _ = read_audio(path, downmix="mono")
    assert stereo.shape == (2, 1000)
    np.testing.assert_allclose(mono[0], stereo.mean(axis=0), atol=1e-6)


@pytest.mark.parametrize("channels", [2, 3, 4, 5, 6, 7, 8, 12])
def test_a_downmix_cannot_clip_and_keeps_what_is_common(channels, audio_file):
    path = audio_file(np.ones((channels, 64), dtype=np.float32), "full.wav", subtype="FLOAT")
    for downmix in ("stereo", "mono"):
        np.testing.assert_allclose(read_audio(path, downmix=downmix)[0], 1.0, atol=1e-6)


def test_the_downmix_of_5_1_follows_bs_775(audio_file):
    sources = np.eye(6, dtype=np.float32)  # one frame per speaker: L R C LFE Ls Rs
    path = audio_file(sources, "speakers.wav", subtype="FLOAT")
    left, right = read_audio(path, downmix="stereo")[0]
    half = 2**-0.5
    np.testing.assert_allclose(left / left[0], [1, 0, half, 0, half, 0], atol=1e-6)
    np.testing.assert_allclose(right / right[1], [0, 1, half, 0, 0, half], atol=1e-6)


@pytest.mark.parametrize("downmix", ["none", "stereo"])
def test_stereo_and_mono_pass_untouched(downmix, signal, audio_file):
    for channels in (1, 2):
        audio = signal(500, channels)
        path = audio_file(audio, "x.wav", subtype="FLOAT")
        np.testing.assert_array_equal(read_audio(path, downmix=downmix)[0], audio)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("frame", [0, 66150, 99999])
def test_a_sample_that_is_no_number_is_refused_with_its_place(bad, frame, signal, audio_file):
    audio = signal(100000)
    audio[1, frame] = bad
    path = audio_file(audio, "x.wav", subtype="FLOAT")
    place = {0: "00:00:00.0", 66150: "00:00:01.5", 99999: "00:00:02.2"}[frame]
    with pytest.raises(AudioReadError, match=rf"{place} \(frame {frame}, channel 2\)") as caught:
        read_audio(path)
    assert str(path) in str(caught.value)
    with pytest.raises(AudioReadError, match=place):
        peak_and_check(path)


def test_loud_float_files_are_no_error(audio_file):
    audio = np.full((1, 100), -3.5, dtype=np.float32)
    path = audio_file(audio, "loud.wav", subtype="FLOAT")
    np.testing.assert_array_equal(read_audio(path)[0], audio)
    assert peak_and_check(path).peak == 3.5


def test_a_scan_knows_peak_length_and_checksum(signal, audio_file):
    audio = signal(70000)
    audio[0, 12345] = -0.97
    path = audio_file(audio, "x.wav", subtype="FLOAT")
    scan = peak_and_check(path)
    assert scan.peak == np.abs(audio).max()
    assert scan.frames == 70000
    assert scan.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert scan.break_message is None


@pytest.mark.parametrize("rate", [7999, 192001, 4000])
def test_rates_out_of_range_are_refused(rate, signal, audio_file):
    path = audio_file(signal(100), "x.wav", sample_rate=rate)
    with pytest.raises(AudioReadError, match=f"{rate} Hz; 8000 to 192000 Hz"):
        AudioReader(path)


@pytest.mark.parametrize("options", [{"block_frames": 0}, {"downmix": "left"}])
def test_impossible_options(options, signal, audio_file):
    with pytest.raises(UsageError):
        AudioReader(audio_file(signal(100), "x.wav"), **options)


def test_digital_silence_is_audio(audio_file):
    path = audio_file(np.zeros((2, 5000), dtype=np.float32), "silence.flac")
    assert peak_and_check(path).peak == 0.0
    assert read_audio(path)[0].shape == (2, 5000)


def test_a_symlink_is_followed(signal, audio_file, tmp_path):
    link = Path(tmp_path / "link")
    link.symlink_to(audio_file(signal(100), "x.flac"))
    assert read_audio(link)[0].shape == (2, 100)


@pytest.mark.parametrize("frames", [2 * 16384 + 1, 2 * 16384 + 100, 20000])
def test_the_end_of_an_opus_file_survives(frames, audio_file):
    """libsndfile spoils it when the last read is small; one large read is the reference."""
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (1, frames)).astype(np.float32)
    path = audio_file(noise, "x.opus", sample_rate=48000)
    expected, _ = soundfile.read(path, dtype="float32", always_2d=True)
    np.testing.assert_array_equal(read_audio(path)[0], expected.T)
