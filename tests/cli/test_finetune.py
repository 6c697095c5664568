"""The verb finetune: what it checks before anything is trained."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from carnatic_sep.cli._runs import quieten_lightning
from carnatic_sep.cli.main import main


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["finetune", *arguments])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


@pytest.fixture
def tracks(tmp_path: Path) -> Path:
    for name in ("one", "two"):
        folder = tmp_path / "tracks: mine" / name
        folder.mkdir(parents=True)
        for stem in ("vocals", "mridangam"):
            soundfile.write(folder / f"{stem}.wav", np.zeros(100), 8000)
    return tmp_path / "tracks: mine"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A tiny model for vocals and drums at 8000 Hz."""
    from carnatic_sep.models.checkpoint import Provenance, save_checkpoint
    from carnatic_sep.models.registry import build

    small = {"n_fft": 64, "hop_frames": 16, "bins": 32, "columns": 32, "levels": 1, "width": 2}
    model = build("tfc_tdf", stems=["vocals", "drums"], sample_rate=8000, **small)
    path = tmp_path / "no"  # a word, though YAML would take it for false
    save_checkpoint(path.with_suffix(".safetensors"), model, Provenance(name="base", licence="MIT"))
    return path.with_suffix(".safetensors").rename(path)


def test_a_dry_run_prints_the_configuration_and_what_is_wrong_with_the_tracks(
    tracks: Path, base: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("lightning")
    monkeypatch.chdir(base.parent)
    rng = np.random.default_rng(0)
    for name in ("one", "two"):
        noise = 0.1 * rng.standard_normal(16000)
        soundfile.write(tracks / name / "vocals.wav", noise, 8000, subtype="FLOAT")
    short = np.where(rng.random(8000) < 0.5, np.nan, 0.1)
    soundfile.write(tracks / "two" / "mridangam.wav", short, 8000, subtype="FLOAT")
    stems = "surgery.stems=[vocals, mridangam]"
    options = [
        "--base",
        "no",
        "--dataset",
        str(tracks),
        "--set",
        stems,
        "--set",
        "loss.resolutions=[64]",
    ]
    code, out, _ = call(capsys, *options, "--set", "tracks.include=[one]", "--dry-run")
    assert code == 1
    said = yaml.safe_load(out)
    assert said["base"] == "no"
    assert said["dataset"] == str(tracks)
    assert said["loss"]["distance"] == "complex_l1"
    assert "# data: 1 track\n" in out
    assert "# problem: one: mridangam.wav: silent" in out
    assert "# problem: one: files differ in length: vocals.wav 2.0 s, mridangam.wav 0.0 s" in out
    assert re.search(r"# network: [\d,]+ parameters", out)
    assert re.search(r"# time: [\d.]+ steps/s", out)
    assert "# vocals: its own head" in " ".join(out.split())
    assert [path.name for path in Path("runs/finetuned").iterdir()] == ["dry-run.png"]

    # A file that cannot be read to its end is told before the steps stop at it.
    code, out, err = call(capsys, *options, "--dry-run", "--set", "loss.confidence=false")
    assert code == 1
    found = "two/mridangam.wav: a sample after 00:00:00"
    assert f"# problem: two: {tracks}/{found}" in out
    assert err.startswith(f"error: {tracks}/{found}")


def test_usage_errors(capsys: pytest.CaptureFixture[str], tracks: Path) -> None:
    pytest.importorskip("lightning")
    code, _, err = call(capsys, "--dataset", str(tracks), "--set", "los.silence_weight=1")
    assert code == 2
    assert "los: unknown key; did you mean loss" in err
    code, _, err = call(capsys, "--dry-run")
    assert code == 2
    assert "no dataset" in err
    code, _, err = call(capsys, "--dataset", "saraga_carnatik", "--dry-run")
    assert code == 2
    assert "saraga_carnatic" in err


def test_a_missing_extra_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from carnatic_sep.cli import _terminal

    monkeypatch.setattr(_terminal, "find_spec", lambda name: None)
    code, _, err = call(capsys, "--dataset", "x")
    assert code == 2
    assert "carnatic-sep[train]" in err


def test_help_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "--help")
    assert code == 0
    assert "finetune --base spleeter --dataset saraga_carnatic" in out


def test_what_lightning_says_of_itself_stays_away_though_it_is_imported_later() -> None:
    quieten_lightning()
    for part in ("pytorch", "fabric"):
        logging.getLogger(f"lightning.{part}").setLevel(logging.INFO)  # as its import does
        talker = logging.getLogger(f"lightning.{part}.utilities.rank_zero")
        assert not talker.isEnabledFor(logging.INFO)
        assert talker.isEnabledFor(logging.WARNING)
