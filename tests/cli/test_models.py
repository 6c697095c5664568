"""The verb `models`, run as a user runs it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

from carnatic_sep.cli.models import models_app
from carnatic_sep.errors import CheckpointError, UnknownNameError
from carnatic_sep.models.checkpoint import Provenance, save_checkpoint
from carnatic_sep.models.registry import build


def run(*arguments: str) -> Result:
    return CliRunner().invoke(models_app, list(arguments))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("CARNATIC_SEP_CACHE", str(folder))
    return folder


@pytest.fixture
def model_file(cache: Path) -> Path:
    torch.manual_seed(0)
    path = cache / "tiny.safetensors"
    provenance = Provenance(
        name="tiny",
        licence="CC BY-NC-SA 4.0 [/with a tag]",
        trained_on="no music at all",
        credits=["M. S. Subbulakshmi", "டி. கே. பட்டம்மாள்"],
        metrics={"sdr_vocals": 1.234},
        extra={
            "note": "[bold] is text here",
            "stages": {"first": {"deep": 1}, "second": {}},
        },
    )
    model = build("unet", stems=["vocals", "other"], filters=[1] * 6)
    save_checkpoint(path, model, provenance)
    return path


def test_list_names_every_model_with_stems_and_licence(model_file: Path) -> None:
    result = run("list")
    assert result.exit_code == 0
    row = next(line for line in result.output.splitlines() if line.strip().startswith("tiny"))
    for part in ("cached", "unet", "vocals, other", "44100 Hz", "CC BY-NC-SA 4.0 [/with a tag]"):
        assert part in row


def test_list_shows_damage_and_goes_on(model_file: Path) -> None:
    (model_file.parent / "bad.safetensors").write_bytes(b"nonsense")
    result = run("list")
    assert result.exit_code == 0
    assert "damaged" in result.output
    assert "vocals, other" in result.output


@pytest.mark.parametrize("by_path", [False, True])
def test_show_prints_provenance_and_hash(model_file: Path, by_path: bool) -> None:
    result = run("show", str(model_file) if by_path else "tiny")
    assert result.exit_code == 0
    for part in (
        "no music at all",
        "CC BY-NC-SA 4.0",
        "டி. கே. பட்டம்மாள்",
        "sdr_vocals 1.23",
        "[bold] is text here",
        hashlib.sha256(model_file.read_bytes()).hexdigest(),
    ):
        assert part in result.output
    assert result.output.count("first, second") == 1
    assert "deep" not in result.output


def test_show_of_an_unknown_name_suggests_the_nearest(model_file: Path) -> None:
    error = run("show", "tinny").exception
    assert isinstance(error, UnknownNameError)
    assert "tiny" in str(error)
    assert error.exit_code == 2


def test_show_of_a_foreign_file_says_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    torch.save({}, path)
    error = run("show", str(path)).exception
    assert isinstance(error, CheckpointError)
    assert "zip archive" in str(error)


def test_verify_passes_a_sound_model(model_file: Path) -> None:
    result = run("verify", "tiny")
    assert result.exit_code == 0
    assert "passed" in result.output


def test_verify_fails_when_any_model_fails(model_file: Path) -> None:
    content = bytearray(model_file.read_bytes())
    content[-1] ^= 1
    (model_file.parent / "bad.safetensors").write_bytes(content)
    result = run("verify")
    assert result.exit_code == 1
    assert "FAILED" in result.output
    assert "SHA-256" in result.output
    assert "passed" in result.output


def test_json_is_what_programs_read(model_file: Path) -> None:
    listed = json.loads(run("list", "--json").output)
    tiny = next(entry for entry in listed if entry["name"] == "tiny")
    assert tiny["origin"] == "cached"
    assert tiny["provenance"]["licence"].startswith("CC BY-NC-SA 4.0")
    shown = json.loads(run("show", "tiny", "--json").output)
    assert shown == tiny
    assert shown["sha256"] == hashlib.sha256(model_file.read_bytes()).hexdigest()
    waiting = json.loads(run("show", "spleeter", "--json").output)
    assert waiting["url"].startswith("https://")
    verified = run("verify", "tiny", "--json")
    assert json.loads(verified.output) == [{"name": "tiny", "passed": True, "problems": []}]
    model_file.write_bytes(b"damaged")
    damaged = run("verify", "tiny", "--json")
    assert damaged.exit_code == 1
    assert not json.loads(damaged.output)[0]["passed"]
    listed = json.loads(run("list", "--json").output)
    assert "error" in next(entry for entry in listed if entry["name"] == "tiny")
