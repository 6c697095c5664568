"""Multitracks read as tones of known phase, sums of known parts, and blocks of any size."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from carnatic_sep.datasets.multitrack import Microphone, Multitrack
from carnatic_sep.datasets.registry import load_dataset
from carnatic_sep.errors import AudioReadError, DatasetError, UnknownNameError, UsageError

RATE = 16000
FRAMES = 24_000
TONES = {"vocal": 440.0, "left": 220.0, "right": 330.0}


def tone(frequency: float, start: int, frames: int, rate: int) -> np.ndarray:
    return 0.2 * np.sin(2 * np.pi * frequency * (start + np.arange(frames)) / rate)


@pytest.fixture(scope="module")
def track(tmp_path_factory: pytest.TempPathFactory) -> Multitrack:
    """A voice, a mridangam of two microphones of which one is shorter, and a stereo mixdown."""
    root = tmp_path_factory.mktemp("track")
    for name, frequency in TONES.items():
        length = FRAMES // 2 if name == "right" else FRAMES
        soundfile.write(
            root / f"{name}.wav", tone(frequency, 0, length, RATE), RATE, subtype="FLOAT"
        )
    mix = np.stack([tone(500.0, 0, FRAMES, RATE), tone(600.0, 0, FRAMES, RATE)], axis=1)
    soundfile.write(root / "mix.wav", mix, RATE, subtype="FLOAT")
    return Multitrack(
        id="a",
        stems={
            "vocals": (Microphone("vocal", root / "vocal.wav"),),
            "mridangam": (
                Microphone("left", root / "left.wav"),
                Microphone("right", root / "right.wav"),
            ),
        },
        mixture=root / "mix.wav",
    )


def test_nothing_is_opened_until_something_is_read(tmp_path: Path) -> None:
    absent = tmp_path / "nobody.wav"
    track = Multitrack(id="a", stems={"vocals": (Microphone("vocal", absent),)})
    assert track.stem_names == ("vocals",)
    assert track.files == (absent,)
    with pytest.raises(AudioReadError, match=r"nobody\.wav.*no such file"):
        track.info()


def test_the_longest_file_gives_rate_and_length(track: Multitrack) -> None:
    assert track.info() == (RATE, FRAMES)


def test_a_track_without_audio_says_so() -> None:
    with pytest.raises(DatasetError, match="no audio"):
        Multitrack(id="a", stems={}).info()


@given(start=st.integers(0, FRAMES - 1), frames=st.integers(1, 3000))
def test_a_stem_is_read_anywhere(track: Multitrack, start: int, frames: int) -> None:
    read = track.read_stem("vocals", start=start, frames=frames)
    expected = tone(440.0, start, frames, RATE) * (start + np.arange(frames) < FRAMES)
    np.testing.assert_allclose(read, expected[None], atol=1e-6)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000])
def test_frames_at_another_rate_stand_at_the_same_time(track: Multitrack, rate: int) -> None:
    for start in (0, 3 * rate // 10 + 1):
        read = track.read_stem("vocals", start=start, frames=rate // 5, sample_rate=rate)
        inner = slice(300, -300) if start == 0 else slice(None)
        expected = tone(440.0, start, rate // 5, rate)
        np.testing.assert_allclose(read[0, inner], expected[inner], atol=3e-4)


def test_microphones_are_summed_and_the_short_one_ends_in_silence(track: Multitrack) -> None:
    read = track.read_stem("mridangam")
    expected = tone(220.0, 0, FRAMES, RATE)
    expected[: FRAMES // 2] += tone(330.0, 0, FRAMES // 2, RATE)
    np.testing.assert_allclose(read, expected[None], atol=1e-6)
    microphones = track.read_microphones(start=10, frames=20)
    assert list(microphones) == ["vocal", "left", "right"]
    summed = microphones["left"] + microphones["right"]
    np.testing.assert_allclose(summed, read[:, 10:30], atol=1e-6)


def test_the_mixture_is_its_own_file_unless_it_is_the_sum(track: Multitrack) -> None:
    own = track.read_mixture(start=5, frames=7)
    np.testing.assert_allclose(own[1], tone(600.0, 5, 7, RATE), atol=1e-6)
    values = {name: getattr(track, name) for name in ("id", "stems")}
    total = track.read_stem("vocals") + track.read_stem("mridangam")
    for mixture, is_sum in ((track.mixture, True), (None, False), (None, True)):
        summed = Multitrack(**values, mixture=mixture, mixture_is_sum_of_stems=is_sum)
        np.testing.assert_allclose(summed.read_mixture(), total, atol=1e-6)


def test_a_mono_microphone_sounds_on_both_channels(track: Multitrack) -> None:
    assert track.mixture is not None
    both = (Microphone("mono", track.files[0]), Microphone("stereo", track.mixture))
    read = Multitrack(id="b", stems={"other": both}).read_stem("other", frames=9)
    expected = track.read_mixture(frames=9) + track.read_stem("vocals", frames=9)
    np.testing.assert_allclose(read, expected, atol=1e-6)


@pytest.mark.parametrize("rate", [None, 11025])
@pytest.mark.parametrize("block_frames", [1000, 7777, 10**6])
def test_blocks_join_to_the_whole(track: Multitrack, rate: int | None, block_frames: int) -> None:
    blocks = list(track.blocks(block_frames=block_frames, sample_rate=rate))
    assert {len(block) for block in blocks} == {3}
    assert all(block["vocals"].shape[1] == block_frames for block in blocks[:-1])
    for name in ("vocals", "mridangam"):
        joined = np.concatenate([block[name] for block in blocks], axis=1)
        np.testing.assert_allclose(joined, track.read_stem(name, sample_rate=rate), atol=1e-5)
    mixture = np.concatenate([block["mixture"] for block in blocks], axis=1)
    np.testing.assert_allclose(mixture, track.read_mixture(sample_rate=rate), atol=1e-5)


def test_a_track_travels_to_other_processes(track: Multitrack) -> None:
    track.info()
    there = pickle.loads(pickle.dumps(track))
    assert there == track
    np.testing.assert_array_equal(there.read_stem("vocals"), track.read_stem("vocals"))


def test_impossible_requests_are_named(track: Multitrack) -> None:
    with pytest.raises(UnknownNameError, match="violin"):
        track.read_stem("violin")
    with pytest.raises(UsageError, match="no stretch"):
        track.read_stem("vocals", start=-1, frames=5)
    with pytest.raises(UsageError, match="no stretch"):
        track.read_mixture(start=FRAMES)
    with pytest.raises(UsageError, match="at least one frame"):
        next(track.blocks(block_frames=0))


def test_blocks_hold_no_file_in_memory(tmp_path: Path) -> None:
    import tracemalloc

    for name in ("vocals", "violin"):
        noise = np.random.default_rng(0).uniform(-0.5, 0.5, 120 * RATE).astype(np.float32)
        soundfile.write(tmp_path / f"{name}.wav", noise, RATE, subtype="FLOAT")
    (track,) = load_dataset(tmp_path).tracks()
    list(track.read_microphones(frames=10))
    tracemalloc.start()
    frames = sum(b["mixture"].shape[1] for b in track.blocks(block_frames=4096, sample_rate=22050))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert frames == 120 * 22050
    assert peak < 4_000_000 < 120 * 22050 * 4


def test_looking_at_a_dataset_imports_nothing_slow(tmp_path: Path) -> None:
    import subprocess
    import sys

    script = (
        "import sys; from carnatic_sep.datasets.registry import load_dataset; "
        f"load_dataset({str(tmp_path)!r}).found; "
        "slow = {'torch', 'scipy', 'librosa', 'mirdata', 'soundfile'}; "
        "print(slow & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
