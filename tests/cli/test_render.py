"""The verb `render`, by rule and from a small bank."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile

from carnatic_sep.cli.main import main


def run(*arguments):
    with pytest.raises(SystemExit) as caught:
        main(["render", *map(str, arguments)])
    return caught.value.code


RULE = ("--seconds", 1, "--sample-rate", 8000)


def test_renders_tells_of_it_and_keeps_what_is_there(tmp_path, capsys) -> None:
    out = tmp_path / "கச்சேரி"
    assert run("--out", out, "--pieces", 1, "--seed", 2, *RULE) == 0
    assert "1 of 1" in capsys.readouterr().out
    assert run("--out", out, "--pieces", 1, "--seed", 2, *RULE, "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in lines] == ["piece", "summary"]
    assert (lines[0]["status"], lines[1]["kept"], lines[1]["rendered"]) == ("kept", 1, 0)
    audio, rate = soundfile.read(out / "000002" / "mixture.wav")
    assert (audio.shape, rate) == ((8000, 2), 8000)
    assert not list(out.glob("*/*.bled.wav"))
    assert json.loads((out / "000002" / "score.json").read_text(encoding="utf-8"))["tonic_hz"] > 90


def test_bleed_writes_both_cuts_of_the_mix(tmp_path) -> None:
    assert run("--out", tmp_path, *RULE, "--bleed", -6, "--quiet") == 0
    clean = soundfile.read(tmp_path / "000000" / "vocals.wav")[0]
    bled = soundfile.read(tmp_path / "000000" / "vocals.bled.wav")[0]
    assert clean.shape == bled.shape
    assert not np.allclose(clean, bled)


def test_what_cannot_be_is_refused(tmp_path, capsys) -> None:
    assert run("--out", tmp_path, "--pieces", 0) == 2
    assert "pieces must be at least 1" in capsys.readouterr().err
    (tmp_path / "000000").mkdir()
    assert run("--out", tmp_path, *RULE) == 1
    assert "--overwrite" in capsys.readouterr().err


def test_a_bank_of_solos_plays(solo_dir, contour_cache, tmp_path, capsys) -> None:
    pytest.importorskip("pyworld")
    pytest.importorskip("pyroomacoustics")
    options = ("--bank", solo_dir, "--cache", contour_cache, "--seconds", 3, "--sample-rate", 16000)
    assert run("--out", tmp_path, "--pieces", 2, *options, "--json") == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out.splitlines()[-1])["rendered"] == 2
    for piece in ("000000", "000001"):
        audio = soundfile.read(tmp_path / piece / "vocals.wav")[0]
        assert np.isfinite(audio).all()
        facts = json.loads((tmp_path / piece / "score.json").read_text(encoding="utf-8"))
        assert facts["raga"] == "Todi"
        assert facts["settings"]["bank"] == solo_dir.name
