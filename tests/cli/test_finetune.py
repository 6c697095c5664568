"""The verb finetune: what it checks before anything is trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

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


def test_a_dry_run_prints_the_whole_configuration_and_the_tracks(
    tracks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("lightning")
    options = ["--base", "no", "--dataset", str(tracks), "--set", "loss.silence_weight=0.3"]
    code, out, _ = call(capsys, *options, "--dry-run")
    assert code == 0
    said = yaml.safe_load(out)
    assert said["base"] == "no"  # a word, though YAML would take it for false
    assert said["dataset"] == str(tracks)
    assert said["loss"]["silence_weight"] == 0.3
    assert said["loss"]["distance"] == "complex_l1"
    assert "# one: vocals, mridangam" in out
    assert not Path("runs/finetuned").exists()


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
