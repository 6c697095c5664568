from __future__ import annotations

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from carnatic_sep.audio.formats import OutputFormat
from carnatic_sep.audio.reader import probe, read_audio
from carnatic_sep.audio.writer import StemWriter
from carnatic_sep.errors import AudioWriteError, UsageError

STEMS = ("vocals", "violin")
LOSSLESS = [("wav", "16"), ("wav", "24"), ("wav", "32f"), ("flac", "16"), ("flac", "24")]
LOSSY = ["ogg", "mp3", "opus"]
TITLES = [
    "எந்தரோ மஹானுபாவுலு",
    "ఎందరో మహానుభావులు",
    "एन्दरो महानुभावुलु",
    "Bhuvini Dasudane (live) 'take \"2\"'",
]


def write(folder, stems, *, rate=44100, form=None, block=4096, **options):
    """Write `stems` in blocks; return the paths and the gain."""
    form = form or OutputFormat()
    paths = {stem: folder / f"{stem}.{form.extension}" for stem in stems}
    channels, frames = next(iter(stems.values())).shape
    with StemWriter(
        paths, sample_rate=rate, channels=channels, output_format=form, **options
    ) as writer:
        for start in range(0, frames, block):
            writer.write({stem: audio[:, start : start + block] for stem, audio in stems.items()})
        gain = writer.commit()
    return paths, gain


def snr(estimate, reference):
    return 10 * np.log10((reference**2).sum() / ((estimate - reference) ** 2).sum())


@pytest.mark.parametrize(("name", "depth"), LOSSLESS)
@given(
    frames=st.integers(1, 3000),
    channels=st.integers(1, 2),
    rate=st.sampled_from([8000, 11025, 22050, 44100, 48000, 96000, 192000]),
    block=st.integers(1, 1000),
    seed=st.integers(0, 99),
)
def test_a_round_trip_keeps_length_rate_channels_and_samples(
    name, depth, frames, channels, rate, block, seed, tmp_path_factory
):
    folder = tmp_path_factory.mktemp("round")
    rng = np.random.default_rng(seed)
    stems = {s: rng.uniform(-1, 1, (channels, frames)).astype(np.float32) for s in STEMS}
    form = OutputFormat(name=name, bit_depth=depth)
    paths, gain = write(folder, stems, rate=rate, form=form, block=block + frames // 20)
    assert gain == 1.0
    for stem, path in paths.items():
        audio, found = read_audio(path)
        assert found == rate
        assert audio.shape == (channels, frames)
        step = 0.0 if depth == "32f" else 2.0 ** (1 - int(depth))
        inside = np.abs(stems[stem]) < 1 - step  # +1 itself has no code
        assert np.abs(audio - stems[stem])[inside].max(initial=0) <= step / 2
        assert np.abs(audio - stems[stem]).max() <= step
    assert sorted(p.name for p in folder.iterdir()) == sorted(p.name for p in paths.values())


@pytest.mark.parametrize(
    ("name", "depth"), [("wav", "16"), ("flac", "16"), ("flac", "24"), ("wav", "24")]
)
def test_integers_of_the_same_depth_come_back_unchanged(name, depth, tmp_path):
    codes = np.random.default_rng(0).integers(-(2**15), 2**15, (2, 20000))
    codes[:, :2] = [-(2**15), 2**15 - 1]
    audio = (codes / 2**15).astype(np.float32)
    form = OutputFormat(name=name, bit_depth=depth)
    paths, gain = write(tmp_path, {"vocals": audio}, form=form)
    assert gain == 1.0
    read, _ = soundfile.read(paths["vocals"], dtype="int16")
    np.testing.assert_array_equal(read.T, codes)


@pytest.mark.parametrize("name", LOSSY)
@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (12000, 2), (16000, 1), (48000, 2)])
@pytest.mark.parametrize("frames", [1, 1000, 24001])
def test_lossy_formats_keep_length_and_alignment(name, rate, channels, frames, signal, tmp_path):
    audio = 0.5 * signal(frames, channels, rate)
    paths, _ = write(tmp_path, {"vocals": audio}, rate=rate, form=OutputFormat(name=name))
    read, found = read_audio(paths["vocals"])
    assert found == rate
    assert read.shape == audio.shape
    assert probe(paths["vocals"]).frames == frames
    assert [p.name for p in tmp_path.iterdir()] == [f"vocals.{name}"]
    if frames > 20000:
        lags = range(-20, 21)
        match = [(read[:, 4000:-4000] * audio[:, 4000 + k : frames - 4000 + k]).sum() for k in lags]
        assert lags[int(np.argmax(match))] == 0


@pytest.mark.parametrize(
    ("name", "rate"), [("ogg", 44100), ("ogg", 192000), ("mp3", 44100), ("mp3", 11025)]
)
def test_lossy_formats_at_other_rates(name, rate, signal, tmp_path):
    audio = 0.5 * signal(rate, 2, rate)
    paths, _ = write(tmp_path, {"vocals": audio}, rate=rate, form=OutputFormat(name=name))
    read, _ = read_audio(paths["vocals"])
    assert read.shape == audio.shape
    assert snr(read, audio) > 10  # noise at -20 dB is what a codec throws away first


@pytest.mark.parametrize("title", TITLES)
@pytest.mark.parametrize("name", ["wav", "flac", "ogg"])
def test_titles_in_any_script_and_new_folders(title, name, signal, tmp_path):
    folder = tmp_path / "out dir" / title
    paths, _ = write(folder, {"vocals": signal(3000)}, form=OutputFormat(name=name))
    assert paths["vocals"].parent == folder
    assert read_audio(paths["vocals"])[0].shape == (2, 3000)


@pytest.mark.parametrize(
    ("name", "depth"), [("wav", "16"), ("wav", "24"), ("flac", "16"), ("flac", "24")]
)
@pytest.mark.parametrize("initial", [1.0, 0.9])
def test_one_common_gain_when_a_stem_overflows(name, depth, initial, signal, tmp_path):
    stems = {"vocals": signal(20000), "violin": 0.3 * signal(20000, seed=1)}
    stems["violin"][1, 9000] = 1.5  # a small overflow first, a larger one later
    stems["vocals"][0, 15000] = -2.5
    form = OutputFormat(name=name, bit_depth=depth)
    paths, gain = write(tmp_path, stems, form=form, block=1000, gain=initial)
    assert gain == pytest.approx((1 - 2**-15) / 2.5)
    for stem, path in paths.items():
        audio, _ = read_audio(path)
        step = 2.0 ** (1 - int(depth))
        assert np.abs(audio - gain * stems[stem]).max() <= step * 1.01
    assert np.abs(read_audio(paths["vocals"])[0]).max() == pytest.approx(1.0, abs=1e-4)
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"violin.{name}", f"vocals.{name}"]


def test_full_scale_itself_is_no_overflow(tmp_path):
    audio = np.array([[-1.0, 1.0, 0.5]], dtype=np.float32)
    paths, gain = write(tmp_path, {"vocals": audio})
    assert gain == 1.0
    np.testing.assert_allclose(read_audio(paths["vocals"])[0], audio, atol=2**-23)


def test_floating_point_needs_no_gain(tmp_path):
    audio = np.array([[-3.0, 5.0, 0.5]], dtype=np.float32)
    form = OutputFormat(name="wav", bit_depth="32f")
    paths, gain = write(tmp_path, {"vocals": audio}, form=form)
    assert gain == 1.0
    np.testing.assert_array_equal(read_audio(paths["vocals"])[0], audio)
    paths, gain = write(tmp_path, {"vocals": audio}, form=form, gain=0.5, overwrite=True)
    assert gain == 0.5
    np.testing.assert_array_equal(read_audio(paths["vocals"])[0], 0.5 * audio)


@pytest.mark.parametrize("name", LOSSY)
def test_lossy_formats_take_the_common_gain_too(name, signal, tmp_path):
    stems = {"vocals": 2 * signal(48000, 1, 48000), "violin": 0.2 * signal(48000, 1, 48000)}
    paths, gain = write(tmp_path, stems, rate=48000, form=OutputFormat(name=name))
    assert gain == pytest.approx((1 - 2**-15) / np.abs(stems["vocals"]).max())
    for stem, path in paths.items():
        read, _ = read_audio(path)
        assert np.vdot(read, stems[stem]) / np.vdot(stems[stem], stems[stem]) == pytest.approx(
            gain, rel=0.03
        )


def test_existing_files_are_kept_unless_told(signal, tmp_path):
    kept = tmp_path / "violin.flac"
    kept.write_bytes(b"precious")
    stems = {stem: signal(100) for stem in STEMS}
    with pytest.raises(AudioWriteError, match="--overwrite") as caught:
        write(tmp_path, stems)
    assert str(kept) in str(caught.value)
    assert kept.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [kept]
    paths, _ = write(tmp_path, stems, overwrite=True)
    assert read_audio(paths["violin"])[0].shape == (2, 100)


def test_the_same_input_gives_the_same_bytes(signal, tmp_path):
    for name, depth in [*LOSSLESS, ("ogg", "24"), ("mp3", "24"), ("opus", "24")]:
        form = OutputFormat(name=name, bit_depth=depth)
        stems = {"vocals": signal(5000, 2, 48000)}
        contents = []
        for block in (4096, 4096):
            paths, _ = write(tmp_path, stems, rate=48000, form=form, block=block, overwrite=True)
            contents.append(paths["vocals"].read_bytes())
        assert contents[0] == contents[1], name


def test_stems_that_share_a_path_are_refused(tmp_path):
    path = tmp_path / "x.flac"
    with pytest.raises(UsageError, match=r"\{stem\}"):
        StemWriter(
            dict.fromkeys(STEMS, path),
            sample_rate=44100,
            channels=2,
            output_format=OutputFormat(),
        )


def test_no_stem_at_all():
    with pytest.raises(UsageError, match="no stem"):
        StemWriter({}, sample_rate=44100, channels=2, output_format=OutputFormat())


@pytest.mark.parametrize(
    "blocks",
    [
        {"vocals": (2, 10)},
        {"vocals": (2, 10), "violin": (2, 9)},
        {"vocals": (1, 10), "violin": (1, 10)},
        {"vocals": (2, 10), "other": (2, 10)},
    ],
)
def test_blocks_that_do_not_fit(blocks, tmp_path):
    paths = {stem: tmp_path / f"{stem}.flac" for stem in STEMS}
    arrays = {stem: np.zeros(shape, dtype=np.float32) for stem, shape in blocks.items()}
    with (
        StemWriter(paths, sample_rate=44100, channels=2, output_format=OutputFormat()) as writer,
        pytest.raises(ValueError, match=r"stems are|every block"),
    ):
        writer.write(arrays)


@pytest.mark.parametrize("frames", [1, 960, 3001, 30001])
@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (24000, 1), (48000, 1), (48000, 2)])
def test_opus_keeps_its_last_milliseconds(frames, rate, channels, tmp_path):
    """libsndfile alone leaves the encoder's look-ahead, up to 10 ms, behind."""
    time = np.arange(frames) / rate
    sine = np.stack([0.5 * np.sin(2 * np.pi * 440 * time + c) for c in range(channels)])
    audio = sine.astype(np.float32)
    paths, _ = write(tmp_path, {"vocals": audio}, rate=rate, form=OutputFormat(name="opus"))
    read, _ = read_audio(paths["vocals"])
    assert read.shape == audio.shape
    if frames > rate // 2:
        assert np.abs(read - audio)[:, -rate // 50 :].max() < 0.1
