"""Every real recording reads whole, and a real MP3 agrees with another decoder."""

from __future__ import annotations

import numpy as np
import pytest

from carnatic_sep.audio.reader import peak_and_check, probe, read_audio


def test_every_recording_is_whole(data_dir):
    paths = sorted(p for p in data_dir.rglob("*") if p.suffix in (".mp3", ".ogg", ".flac", ".wav"))
    assert paths
    chosen = [p for p in paths if p.suffix != ".ogg"] + [p for p in paths if p.suffix == ".ogg"][
        ::8
    ]
    for path in chosen:
        if path.stat().st_size > 3_000_000:
            continue
        scan = peak_and_check(path, downmix="stereo")
        assert scan.break_message is None, path
        assert 0 <= probe(path).frames - scan.frames <= 1, path  # Vorbis may promise one too many
        assert 0 < scan.peak < 2, path


def test_a_concert_mp3_agrees_with_ffmpeg(data_dir):
    av = pytest.importorskip("av", reason="PyAV (extra m4a) is not installed")
    path = min(data_dir.glob("saraga1.5_carnatic/*/**/*.mp3"), key=lambda p: p.stat().st_size)
    ours, rate = read_audio(path)
    with av.open(str(path)) as container:
        theirs = np.concatenate([f.to_ndarray() for f in container.decode(audio=0)], axis=1)
    frames = min(ours.shape[1], theirs.shape[1])
    assert rate == 44100
    assert abs(ours.shape[1] - theirs.shape[1]) <= 1152
    np.testing.assert_allclose(ours[:, : frames - 1152], theirs[:, : frames - 1152], atol=1e-4)
