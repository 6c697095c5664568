"""A real recording through the whole engine: what comes out sums to what went in."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import soundfile
import torch

from carnatic_sep.audio.formats import OutputFormat
from carnatic_sep.models.registry import build
from carnatic_sep.separation.separator import Separator
from carnatic_sep.separation.tracks import TrackOptions


@pytest.fixture
def recording(data_dir: Path, tmp_path: Path) -> Path:
    found = sorted((data_dir / "real_multitrack").rglob("*.*"))
    audio = [path for path in found if path.suffix in (".mp3", ".flac", ".wav")]
    if not audio:
        pytest.skip(f"no recording in {data_dir / 'real_multitrack'}")
    copy = tmp_path / f"இசை 'live' {audio[0].name}"
    shutil.copyfile(audio[0], copy)
    return copy


@pytest.mark.parametrize("model_rate", [44100, 22050])
def test_stems_of_a_real_recording_sum_to_it(recording, tmp_path, model_rate):
    torch.manual_seed(0)
    model = build(
        "unet", stems=["vocals", "violin", "other"], filters=[1] * 6, sample_rate=model_rate
    )
    options = TrackOptions(output_format=OutputFormat("wav", "32f"), verify=True)
    separator = Separator(model, device="cpu")
    result = separator.separate_file(recording, tmp_path / "out", options=options)
    assert result.null_depth_db is not None
    assert result.null_depth_db < -90
    before, after = soundfile.info(recording), soundfile.info(result.outputs["violin"])
    assert (after.frames, after.samplerate) == (before.frames, before.samplerate)
    assert after.channels == before.channels
