from __future__ import annotations

import json

import pytest

from carnatic_sep.cli.main import main

RATE = 44100


def _call(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


def test_help_has_examples(capsys) -> None:
    assert _call("analyze", "--help") == 0
    assert "carnatic-sep analyze concert.mp3" in capsys.readouterr().out


def test_wrong_usage_is_told_before_any_work(tmp_path, capsys) -> None:
    assert _call("analyze", tmp_path / "no.wav", "--out", tmp_path / "o") == 2
    assert "no such file" in capsys.readouterr().err
    (tmp_path / "a.wav").write_bytes(b"")
    assert _call("analyze", tmp_path / "a.wav", "--out", tmp_path / "o", "--tonic", "5") == 2
    assert "--tonic" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_a_folder_that_fails_is_reported_as_json(tmp_path, capsys) -> None:
    pytest.importorskip("essentia")
    folder = tmp_path / "stems"
    folder.mkdir()
    (folder / "vocals.wav").write_bytes(b"no sound")
    assert _call("analyze", folder, "--out", tmp_path / "o", "--json") == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0]["status"] == "failed"
    assert "vocals.wav" in lines[0]["error"]
    assert lines[-1] == {"event": "summary", "analysed": 0, "kept": 0, "failed": 1}


def test_ctrl_c_leaves_what_is_done(tmp_path, capsys, monkeypatch) -> None:
    pytest.importorskip("essentia")
    from carnatic_sep.analysis import batch
    from carnatic_sep.analysis.batch import Outcome

    def interrupted(recordings, out_dir, **more):
        summary = {"tonic": {}, "pitch": {}}
        yield Outcome(recordings[0], out_dir / recordings[0].name, "analysed", summary)
        raise KeyboardInterrupt

    monkeypatch.setattr(batch, "analyse_recordings", interrupted)
    for name in ("a.wav", "b.wav"):
        (tmp_path / name).write_bytes(b"")
    assert _call("analyze", tmp_path, "--out", tmp_path / "o", "--quiet") == 130
    assert "give the call again" in capsys.readouterr().err


def test_a_melody_that_is_not_there(tmp_path, capsys) -> None:
    (tmp_path / "a.wav").write_bytes(b"")
    code = _call("analyze", tmp_path / "a.wav", "--out", tmp_path / "o", "--pitch", "no.csv")
    assert code == 2
    assert "--pitch no.csv: no such file" in capsys.readouterr().err


@pytest.mark.parametrize(("package", "extra"), [("jams", "analysis"), ("compiam", "compiam")])
def test_what_is_missing_is_named_with_its_extra(
    tmp_path, capsys, monkeypatch, package, extra
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, package, None)
    (tmp_path / "a.wav").write_bytes(b"")
    more = ["--pitch", "ftanet"] if package == "compiam" else []
    assert _call("analyze", tmp_path / "a.wav", "--out", tmp_path / "o", *more) == 2
    assert f"pip install 'carnatic-sep[{extra}]'" in capsys.readouterr().err


@pytest.mark.parametrize(("confidence", "told"), [(0.55, True), (0.67, True), (0.9, False)])
def test_a_doubtful_tonic_is_said_with_its_remedy(
    tmp_path, capsys, monkeypatch, confidence, told
) -> None:
    pytest.importorskip("essentia")
    from carnatic_sep.analysis import batch
    from carnatic_sep.analysis.batch import Outcome

    tonic = {"hz": 134.9, "confidence": confidence, "method": "drone+essentia"}
    summary = {
        "tonic": tonic | {"candidates": [134.9, 100.9, 269.6]},
        "pitch": {"voiced_seconds": 15.0, "tracker": "melodia"},
        "ragas": {"nearest": [{"name": "Abhogi"}], "confidence": 0.2, "deepsrgm": None},
        "svaras": [],
        "seconds": 20.0,
        "rhythm": None,
        "sama": None,
    }

    def found(recordings, out_dir, **more):
        yield Outcome(recordings[0], out_dir / "a", "analysed", summary)

    monkeypatch.setattr(batch, "analyse_recordings", found)
    (tmp_path / "a.wav").write_bytes(b"")
    assert _call("analyze", tmp_path / "a.wav", "--out", tmp_path / "o") == 0
    lines = capsys.readouterr().out.splitlines()
    doubts = [line for line in lines if line.strip().startswith("doubtful:")]
    assert len(doubts) == told
    if told:
        assert lines.index(doubts[0]) == 2  # below the tonic itself
        assert "134.9, 100.9, 269.6 Hz" in doubts[0]
        assert "--tonic HZ" in doubts[0]
