"""Whole runs, tiny ones: what they write, that they go on exactly, and how they end early."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal

import pytest
import torch
from safetensors.torch import load_file

from carnatic_sep.errors import CheckpointError, ConfigError
from carnatic_sep.models.checkpoint import load_checkpoint, read_metadata
from carnatic_sep.training import module as module_file
from carnatic_sep.training.run import train
from carnatic_sep.training.state import load_state

pytestmark = [
    pytest.mark.usefixtures("quick_accompaniment"),
    # What lightning says of workers, devices and intervals that suit longer runs.
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.fixture
def run(solo_dir, out_dir):
    """Return a function that trains a configuration and returns the lines reported."""

    def start(config, **options):
        lines: list[str] = []
        options = {"data_dir": solo_dir, "out_dir": out_dir, "report": lines.append} | options
        checkpoint = train(config, **options)
        return checkpoint, lines

    return start


def test_a_run_writes_a_model_that_tells_where_it_comes_from(run, run_config, out_dir) -> None:
    checkpoint, lines = run(run_config(picture_every=3))
    assert checkpoint == out_dir / "tiny" / "checkpoint.safetensors"
    model = load_checkpoint(checkpoint)
    assert model.stems == ("vocals", "violin", "mridangam", "other")
    with torch.inference_mode():
        assert torch.isfinite(model(torch.randn(1, 2, 30000))).all()
    about = read_metadata(checkpoint).provenance
    assert about.steps == 4
    assert about.credits == ["some/violins (MIT)", "some/voices (CC BY 4.0)"]
    assert about.trained_on.startswith("2 voice clips, 2 violin notes, 1 violin pieces, 3 mridan")
    assert about.extra["config"]["mix"]["seconds"] == 1.0
    folder = checkpoint.parent
    assert [path.name for path in folder.glob("*.png")] == ["picture-000003.png"]
    assert list(folder.glob("log/**/metrics.csv"))
    assert list(folder.glob("tensorboard/**/events*"))
    steps = [line for line in lines if line.startswith("step ")]
    assert steps[0].startswith("step 1 of 4: loss ")
    assert steps[-1].startswith("step 4 of 4: loss ")


def test_a_finished_run_is_not_trained_again(run, run_config) -> None:
    checkpoint, _ = run(run_config(steps=1))
    before = checkpoint.read_bytes()
    again, lines = run(run_config(steps=1))
    assert again == checkpoint
    assert checkpoint.read_bytes() == before
    assert any("all 1 steps are done" in line for line in lines)


@pytest.mark.parametrize("stop_after", [2, 3])
def test_an_interrupted_run_goes_on_to_the_same_weights(
    run, run_config, out_dir, monkeypatch, stop_after
) -> None:
    run(run_config(name="straight"))

    original = module_file.SeparationModule.training_step
    heard: list[str] = []

    def step_and_press(self, batch, batch_idx):
        if self.step + 1 == stop_after:
            os.kill(os.getpid(), signal.SIGINT)
        return original(self, batch, batch_idx)

    with monkeypatch.context() as pressed:
        pressed.setattr(module_file.SeparationModule, "training_step", step_and_press)
        with pytest.raises(KeyboardInterrupt):
            run(run_config(name="stopped"), report=heard.append)
    assert f"interrupted at step {stop_after} of 4" in heard[-1]
    assert "same command again" in heard[-1]

    state = out_dir / "stopped" / "state.safetensors"
    assert load_state(state).step == stop_after
    assert read_metadata(state.with_name("checkpoint.safetensors")).provenance.steps == stop_after

    _, lines = run(run_config(name="stopped"))
    assert any(f"going on at step {stop_after} of 4" in line for line in lines)
    straight = load_file(out_dir / "straight" / "state.safetensors")
    stopped = load_file(state)
    assert straight.keys() == stopped.keys()
    for name, value in straight.items():
        assert torch.equal(value, stopped[name]), name


@pytest.mark.parametrize("workers", [0, 1])
def test_a_run_that_the_system_ends_keeps_its_last_step(
    run, run_config, out_dir, monkeypatch, workers
) -> None:
    original = module_file.SeparationModule.training_step
    heard: list[str] = []

    def step_and_end(self, batch, batch_idx):
        if self.step == 1:  # as a cluster does, which ends every process of a job
            children = multiprocessing.active_children()
            assert len(children) == workers
            for process in (*(child.pid for child in children), os.getpid()):
                os.kill(process, signal.SIGTERM)
        return original(self, batch, batch_idx)

    before = signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as ended:
        ended.setattr(module_file.SeparationModule, "training_step", step_and_end)
        with pytest.raises(SystemExit) as caught:
            run(run_config(name="ended", workers=workers), report=heard.append)
    assert caught.value.code == 143
    assert "told to end at step 2 of 4" in heard[-1]
    assert load_state(out_dir / "ended" / "state.safetensors").step == 2
    assert signal.getsignal(signal.SIGTERM) == before
    _, lines = run(run_config(name="ended", workers=workers))
    assert any("going on at step 2 of 4" in line for line in lines)


def test_a_run_that_stops_early_can_go_on_later(run, run_config) -> None:
    checkpoint, lines = run(run_config(steps=6, stop_step=2, stem_weights=[2.0, 1.0, 1.0, 0.5]))
    assert read_metadata(checkpoint).provenance.steps == 2
    assert not any("interrupted" in line for line in lines)
    _, lines = run(run_config(steps=6, stop_step=3, stem_weights=[2.0, 1.0, 1.0, 0.5]))
    assert any("going on at step 2 of 3" in line for line in lines)
    assert read_metadata(checkpoint).provenance.steps == 3


def test_states_are_kept_on_the_way(run, run_config, out_dir, monkeypatch) -> None:
    seen: list[int] = []
    original = module_file.SeparationModule.training_step

    def look(self, batch, batch_idx):
        state = out_dir / "tiny" / "state.safetensors"
        seen.append(load_state(state).step if state.exists() else 0)
        return original(self, batch, batch_idx)

    monkeypatch.setattr(module_file.SeparationModule, "training_step", look)
    run(run_config(steps=5, checkpoint_every=2))
    assert seen == [0, 0, 2, 2, 4]


def test_restarting_forgets_the_earlier_run(run, run_config, out_dir) -> None:
    run(run_config(steps=1))
    _, lines = run(run_config(steps=2), resume=False)
    assert not any("going on" in line for line in lines)
    with pytest.raises(CheckpointError, match="another network"):
        run(run_config(steps=3, model={**run_config().model, "widths": [4, 8]}))
    (out_dir / "tiny" / "state.safetensors").write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match="remove it to start anew"):
        run(run_config(steps=3))


def test_workers_and_bf16_train_too(run, run_config) -> None:
    checkpoint, _ = run(run_config(steps=2, workers=1, precision="bf16", reuse=1))
    assert read_metadata(checkpoint).provenance.steps == 2


@pytest.mark.parametrize(
    ("architecture", "options"),
    [
        ("scnet", {"widths": [4, 4, 8], "dual_path_layers": 1, "n_fft": 1024, "hop_frames": 512}),
        ("unet", {"stems": ["vocals", "violin", "mridangam", "other"], "filters": [1] * 6}),
    ],
)
def test_other_architectures_learn_from_waveforms(run, run_config, architecture, options) -> None:
    config = run_config(
        architecture=architecture, model=options, loss="complex_l1", steps=2, batch_size=1
    )
    checkpoint, _ = run(config)
    assert load_checkpoint(checkpoint).architecture == architecture


def test_a_run_can_start_from_a_checkpoint(run, run_config) -> None:
    first, _ = run(run_config(steps=1))
    after, _ = run(run_config(name="next", steps=1, init_from=first, learning_rate=1e-12))
    kept, started = load_checkpoint(first).state_dict(), load_checkpoint(after).state_dict()
    assert torch.allclose(kept["stem_in.weight"], started["stem_in.weight"], atol=1e-3)
    for key in ("init_from", "teacher"):
        with pytest.raises(
            ConfigError, match=rf"other: {key}: gone\.safetensors: no such file; tr"
        ):
            run(run_config(name="other", steps=1, **{key: "gone.safetensors"}))
    with pytest.raises(ConfigError, match="is a band_unet, not scnet"):
        run(run_config(name="other", init_from=first, architecture="scnet"))


def test_a_run_may_add_layers_to_the_checkpoint_it_starts_from(run, run_config) -> None:
    first, _ = run(run_config(steps=1))
    grown = {**run_config().model, "time_paths": [4]}
    after, lines = run(run_config(name="next", steps=1, init_from=first, model=grown))
    assert load_checkpoint(after).config["time_paths"] == [4]
    assert any("start fresh" in line for line in lines)
    with pytest.raises(ConfigError, match="widths differ from the checkpoint's"):
        run(run_config(name="other", init_from=first, model={"widths": [4, 8]}))


def test_a_teacher_cleans_voices_once(run, run_config, solo_dir, solo_split, tmp_path) -> None:
    teacher, _ = run(run_config(name="teacher", steps=1))
    recordings = tmp_path / "recordings"
    shutil.copytree(solo_dir, recordings)
    bleeding = recordings / "voice_bleeding" / "A_concert"
    bleeding.mkdir(parents=True)
    shutil.copy(solo_dir / "voice" / "alapana" / "Performer2_Todi_0.0_2.2.wav", bleeding / "a.wav")
    config = run_config(
        name="pupil",
        steps=1,
        teacher=teacher,
        data={**solo_split, "teacher_voice": ["voice_bleeding/*"]},
        mix={**run_config().mix.model_dump(), "teacher_share": 1.0},
    )
    checkpoint, lines = run(config, data_dir=recordings)
    assert any("cleaning 1 voices with bleed" in line for line in lines)
    assert read_metadata(checkpoint).provenance.trained_on.startswith("3 voice clips")
    (cleaned,) = checkpoint.parent.parent.glob("cache/taught-*/*.npy")
    before = cleaned.stat().st_mtime_ns
    run(config, data_dir=recordings, resume=False)
    assert cleaned.stat().st_mtime_ns == before

    elsewhere = {**solo_split, "teacher_voice": ["no_such/*"]}
    with pytest.raises(ConfigError, match="no_such"):
        run(run_config(name="pupil2", teacher=teacher, data=elsewhere))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": {"widhts": [4, 6]}}, r"model\.widhts: unknown key; did you mean widths"),
        ({"model": {"xyzzy": 2}}, r"model\.xyzzy: unknown key; its keys are .*widths"),
        ({"model": {"widths": []}}, "model: "),
        ({"model": {"stems": ["vocals", "other"]}}, "makes the stems vocals, violin"),
        ({"model": {"sample_rate": 22050}}, "works at 44100 Hz"),
        ({"architecture": "scnet", "model": {}}, "needs architecture band_unet"),
    ],
)
def test_models_that_do_not_fit_are_refused_before_anything_is_read(
    run, run_config, monkeypatch, changes, said
) -> None:
    monkeypatch.setattr("carnatic_sep.training.run.load_bank", None)
    with pytest.raises(ConfigError, match=said):
        run(run_config(**changes))


def test_a_missing_data_folder_leaves_nothing_behind(run_config, tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere: no such folder.*--data"):
        train(run_config(), data_dir=tmp_path / "nowhere", out_dir=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
