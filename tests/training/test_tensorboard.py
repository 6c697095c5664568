"""What a run logs, read back with TensorBoard's own reader."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("lightning")
pytest.importorskip("tensorboard")

from carnatic_sep.datasets.registry import load_dataset
from carnatic_sep.models.checkpoint import load_checkpoint
from carnatic_sep.training.finetune import finetune
from carnatic_sep.training.listening import separated

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
STEMS = ("vocals", "violin", "mridangam")


def heard(events: object, tag: str, step: int) -> np.ndarray:
    (found,) = [event for event in events.Audio(tag) if event.step == step]  # type: ignore[attr-defined]
    assert found.sample_rate == 8000
    audio, rate = soundfile.read(io.BytesIO(found.encoded_audio_string))
    assert rate == 8000
    return audio


def test_audio_pictures_and_scores_are_in_the_event_file(finetune_config, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing import event_accumulator

    config = finetune_config(
        steps=4,
        picture_every=2,
        validate_every=2,
        validation={"tracks": ["b"], "mixtures": 2},
        tracks={"coherent": 1.0},
    )
    best = finetune(config, out_dir=tmp_path / "runs")
    (file,) = best.parent.glob("tensorboard/**/events*")
    events = event_accumulator.EventAccumulator(str(file), size_guidance={"scalars": 0, "audio": 0})
    events.Reload()
    tags = events.Tags()

    parts = [f"{stem}/{part}" for stem in STEMS for part in ("reference", "estimate")]
    assert sorted(tags["audio"]) == sorted(["mixture", *parts])
    for tag in tags["audio"]:
        assert [event.step for event in events.Audio(tag)] == [2, 4]
    # The excerpt is of the track that is kept out, at the same place each time.
    stems = {stem: heard(events, f"{stem}/reference", 2) for stem in STEMS}
    track = next(each for each in load_dataset(config.dataset).tracks() if each.id == "b")
    for stem, audio in stems.items():
        whole = track.read_stem(stem)[0]
        places = np.correlate(whole, audio, mode="valid")
        start = int(places.argmax())
        assert np.allclose(audio, whole[start : start + len(audio)], atol=1e-4)
        assert np.array_equal(audio, heard(events, f"{stem}/reference", 4))
    assert np.allclose(heard(events, "mixture", 4), sum(stems.values()), atol=2e-4)
    # What is heard at the last step is what the last checkpoint makes of it.
    model = load_checkpoint(best.with_name("checkpoint.safetensors"))
    estimates = separated(model, np.stack(list(stems.values())).astype(np.float32))
    for stem, estimate in zip(STEMS, estimates, strict=True):
        assert np.allclose(heard(events, f"{stem}/estimate", 4), estimate, atol=3e-3)

    (*_, picture) = events.Images("stems")
    assert picture.step == 4
    assert picture.encoded_image_string[:4] == b"\x89PNG"
    assert (picture.width, picture.height) > (100, 100)

    scores = events.Scalars("validation/sdr")
    assert [event.step for event in scores] == [2, 4]
    of_stems = [events.Scalars(f"validation/sdr/{stem}")[0].value for stem in STEMS]
    assert scores[0].value == pytest.approx(np.mean(of_stems), abs=1e-4)
    assert events.Scalars("loss")
    assert events.Scalars("distance")
