"""The verb `render`, by rule and from a small bank."""

from __future__ import annotations

import contextlib
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
    for options, words in (
        (("--bleed", 6), "below 0 dB"),
        (("--bleed", "nan"), "below 0 dB"),
        (("--mp3", 999), "64 to 320"),
        (("--mp3", 128), "44100"),  # at 16 kHz
        (("--seed", -1), "0 or above"),
        (("--seconds", "nan"), "at least 1"),
    ):
        assert run("--out", tmp_path, *RULE, *options) == 2
        assert words in capsys.readouterr().err
    assert run("--out", tmp_path, *RULE, "--bank", tmp_path / "nowhere") != 0
    assert "as the bank" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
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


def test_a_bank_without_its_extra_says_what_to_install(tmp_path, monkeypatch, capsys) -> None:
    import carnatic_sep.cli._terminal as terminal

    monkeypatch.setattr(terminal, "find_spec", lambda name: None)
    assert run("--out", tmp_path / "out", "--bank", tmp_path) == 2
    assert "pip install 'carnatic-sep[ensemble]'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_interrupt_keeps_what_is_done_and_the_next_call_goes_on(
    tmp_path, monkeypatch, capsys
) -> None:
    from carnatic_sep.ensemble.kutcheri import Ensemble

    play, played = Ensemble.render, []

    def interrupted(self, **options):
        if played:
            raise KeyboardInterrupt
        played.append(True)
        return play(self, **options)

    monkeypatch.setattr(Ensemble, "render", interrupted)
    with contextlib.suppress(KeyboardInterrupt):
        assert run("--out", tmp_path, "--pieces", 2, *RULE) == 130
    assert [path.name for path in tmp_path.iterdir()] == ["000000"]
    monkeypatch.setattr(Ensemble, "render", play)
    capsys.readouterr()
    assert run("--out", tmp_path, "--pieces", 2, *RULE, "--json") == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["rendered"], last["kept"]) == (1, 1)
