"""The verb `separate`, with a tiny network from a checkpoint file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from carnatic_sep.cli.main import main
from carnatic_sep.models.checkpoint import Provenance, save_checkpoint
from carnatic_sep.models.registry import build
from carnatic_sep.separation import estimate

STEMS = ("vocals", "violin", "mridangam", "other")
RATE = 16000


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    torch.manual_seed(0)
    model = build(
        "scnet",
        widths=[4, 4, 8],
        dual_path_layers=1,
        n_fft=512,
        hop_frames=256,
        segment_seconds=0.5,
        sample_rate=RATE,
    )
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    save_checkpoint(path, model, Provenance(name="tiny", licence="MIT"))
    return path


@pytest.fixture
def separate(tiny, tmp_path, monkeypatch):
    """Run the verb in an empty folder with the tiny model; return the exit code."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        with pytest.raises(SystemExit) as caught:
            main(["separate", "--model", str(tiny), *map(str, arguments)])
        return caught.value.code

    return run


def record(path, seconds=1.0, *, channels=2, rate=RATE, level=0.4):
    audio = np.random.default_rng(0).uniform(-level, level, (round(seconds * rate), channels))
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, audio, rate)
    return audio


def files(folder):
    return sorted(p.relative_to(folder).as_posix() for p in Path(folder).rglob("*") if p.is_file())


def events(text):
    return [json.loads(line) for line in text.splitlines()]


def test_one_file(separate, capsys):
    audio = record("a.wav", rate=44100)
    assert separate("a.wav", "--verify", "--format", "wav", "--bit-depth", "32f") == 0
    assert files("separated") == sorted(["a/separation.json", *(f"a/{stem}.wav" for stem in STEMS)])
    total = sum(soundfile.read(f"separated/a/{stem}.wav")[0] for stem in STEMS)
    assert np.abs(total - audio).max() < 10 ** (-90 / 20)
    out, err = capsys.readouterr()
    assert err == ""
    assert out.splitlines()[0].startswith("1 s of audio, on")
    assert "sums to the input to -1" in out
    sidecar = json.loads(Path("separated/a/separation.json").read_text(encoding="utf-8"))
    assert sidecar["model"]["name"] == "tiny"
    assert len(sidecar["model"]["checkpoint_sha256"]) == 64


def test_some_stems_minus_one_and_a_template(separate):
    record("a.wav")
    template = "{model}/{stem} of {track}.{ext}"
    assert separate("a.wav", "--stems", "voice,mridangam", "--filename", template) == 0
    assert separate("a.wav", "--mix-minus", "violin", "--filename", template) == 0
    assert files("separated/tiny") == [
        "a.separation.json",
        "mix-minus-violin of a.flac",
        "mridangam of a.flac",
        "vocals of a.flac",
    ]


@pytest.mark.parametrize(
    "title", ["காவேரி மகாராஜன்", "ఎందరో మహానుభావులు", "राग यमन", 'it\'s "live", 100 % [2024] {x}']
)
def test_any_title_and_a_folder_with_spaces(separate, title, capsys):
    record(f"the recordings/{title}.wav")
    assert separate("the recordings", "--out", "my stems") == 0
    assert (Path("my stems") / title / "vocals.flac").exists()
    assert title in capsys.readouterr().out


def test_folders_keep_their_shape_and_end_in_a_table(separate, capsys):
    for name in ("1/a.wav", "2/a.wav", "b.flac"):
        record(f"season/{name}")
    assert separate("season", "--out", "season/stems") == 0
    assert {path.split("/vocals")[0] for path in files("season/stems") if "vocals" in path} == {
        "1/a",
        "2/a",
        "b",
    }
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("3 s of audio in 3 files")
    assert [line.split()[:2] for line in lines[-3:]] == [
        ["1/a", "done"],
        ["2/a", "done"],
        ["b", "done"],
    ]
    assert separate("season", "--out", "season/stems", "--overwrite") == 0
    assert not (Path("season/stems") / "stems").exists()


def test_bad_files_are_reported_and_do_not_stop_the_rest(separate, capsys):
    record("good.wav")
    record("nan.wav")
    audio, rate = soundfile.read("good.wav")
    audio[12000] = np.inf
    soundfile.write("nan.wav", audio, rate, subtype="FLOAT")
    record("six.wav", channels=6)
    record("cut.flac", 20)
    data = Path("cut.flac").read_bytes()
    Path("cut.flac").write_bytes(data[: len(data) // 2])
    record("zero.wav", 0)
    Path("empty.wav").touch()
    Path("text.mp3").write_text("These are the words of a song, and not its sound.\n" * 50)
    names = ["missing", "nan", "six", "cut", "zero", "empty", "text"]
    bad = [*(f"{name}.wav" for name in ("missing", "nan", "six")), "cut.flac"]
    assert separate(*bad, "zero.wav", "empty.wav", "text.mp3", "good.wav") == 1
    out, err = capsys.readouterr()
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert [Path(line.split()[1].rstrip(":")).stem for line in errors] == names
    assert "00:00:00.7" in errors[1]
    assert "--downmix" in errors[2]
    assert "kept as *.partial" in errors[3]
    assert [line.split()[1] for line in out.splitlines()[-8:]] == ["failed"] * 7 + ["done"]
    assert (Path("separated") / "good" / "vocals.flac").exists()
    assert (Path("separated") / "cut" / "vocals.flac.partial").exists()
    assert not list(Path("separated/cut").glob("*.flac"))


@pytest.mark.parametrize(("seconds", "rate"), [(0.01, 44100), (0.3, 8000), (0.2, 192000)])
def test_short_files_and_extreme_rates(separate, seconds, rate):
    record("a.wav", seconds, rate=rate, channels=1)
    assert separate("a.wav", "--verify", "--quiet") == 0
    info = soundfile.info("separated/a/violin.flac")
    assert (info.samplerate, info.channels, info.frames) == (rate, 1, round(seconds * rate))


def test_silence_gives_silence(separate):
    record("a.wav", level=0.0, rate=44100)
    assert separate("a.wav") == 0
    assert all(not soundfile.read(f"separated/a/{stem}.flac")[0].any() for stem in STEMS)


def test_json_lines(separate, capsys):
    record("a.wav", 2)
    assert separate("a.wav", "b.wav", "--json", "--verify") == 1
    seen = events(capsys.readouterr().out)
    assert [event["event"] for event in seen if event["event"] != "progress"] == [
        "start",
        "track",
        "track",
        "summary",
    ]
    good, bad = (event for event in seen if event["event"] == "track")
    assert good["status"] == "done"
    assert list(good["outputs"]) == list(STEMS)
    assert all(Path(path).exists() for path in (*good["outputs"].values(), good["sidecar"]))
    assert good["null_depth_db"] < -90
    assert bad["status"] == "failed"
    assert "b.wav" in bad["error"]
    assert (seen[-1]["done"], seen[-1]["failed"]) == (1, 1)


def test_quiet_prints_nothing_but_errors(separate, capsys):
    record("a.wav")
    assert separate("a.wav", "--quiet") == 0
    assert capsys.readouterr() == ("", "")
    assert separate("a.wav", "--quiet") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "--overwrite" in err


def test_the_estimate_comes_first_for_long_audio(separate, capsys, monkeypatch):
    monkeypatch.setattr(estimate, "WORTHWHILE_SECONDS", 2.0)
    record("a.wav", 2)
    assert separate("a.wav") == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("2 s of audio, about ")
    assert " on " in first


def test_a_bar_on_a_terminal(separate, monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    record("[red]a.wav")
    assert separate("[red]a.wav") == 0
    assert "[red]a: done in" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--stems", "vocls"], "did you mean: vocals"),
        (["--stems", " ,"], "--stems ' ,': names no stem"),
        (["--mix-minus", "mridangum"], "did you mean: mridangam"),
        (["--model", "defalt"], "unknown model"),
        (["--model", "none.safetensors"], "no such file"),
        (["--filename", "{track}.{ext}"], "--filename"),
        (["--bit-depth", "32f"], "--format wav"),
        (["--overlap", "1"], "--overlap"),
        (["--segment", "0"], "--segment"),
        (["--device", "cuda:99"], "--device cpu"),
        (["--device", "gpu"], "unknown device"),
        (["--format", "aiff"], "aiff"),
        (["--precision", "fp16"], "fp16"),
        (["--views", "9"], "9 views were asked for"),
        (["--views", "0"], "views"),
    ],
)
def test_wrong_usage_is_told_before_any_work(separate, capsys, arguments, said):
    record("a.wav")
    assert separate("a.wav", *arguments) == (1 if "none.safetensors" in arguments else 2)
    assert said in capsys.readouterr().err
    assert not Path("separated").exists()


def test_an_interrupted_folder_is_gone_on_with(separate, capsys):
    for name in ("a", "b"):
        record(f"season/{name}.wav")
    assert separate("season/a.wav") == 0
    assert separate("season") == 1
    assert "is there already" in capsys.readouterr().err
    Path("separated/b/vocals.flac").unlink()
    assert separate("season", "--resume", "--json", "--overwrite") == 0
    said = events(capsys.readouterr().out)
    assert [e["status"] for e in said if e["event"] == "track"] == ["skipped", "done"]
    assert (said[-1]["done"], said[-1]["failed"], said[-1]["skipped"]) == (1, 0, 1)
    assert separate("season", "--resume") == 0
    out = capsys.readouterr().out
    assert "a: was done before" in out
    assert out.count("done before") == 4


def test_colliding_names_are_told_before_any_work(separate, capsys):
    record("1/a.wav")
    record("2/a.flac")
    assert separate("1/a.wav", "2/a.flac") == 2
    assert "would both write" in capsys.readouterr().err
    assert not Path("separated").exists()


def test_an_unwritable_output_is_named(separate, capsys):
    record("a.wav")
    Path("separated").touch()
    assert separate("a.wav") == 2
    error = " ".join(capsys.readouterr().err.split())
    assert "separated" in error
    assert "is a file" in error
    assert Path("separated").is_file()


def test_bf16_and_batches_sum_up_too(separate, capsys):
    record("a.wav", 2)
    assert separate("a.wav", "--precision", "bf16", "--batch-size", "3", "--verify") == 0
    assert "sums to the input to -1" in capsys.readouterr().out


def test_ctrl_c_keeps_partials_and_says_so(tiny, tmp_path):
    record(tmp_path / "long.wav", 300)
    arguments = ["separate", "long.wav", "--model", str(tiny), "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "carnatic_sep.cli.main", *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    partial = tmp_path / "separated" / "long" / "vocals.flac.partial"
    deadline = time.monotonic() + 60
    while not partial.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    last = events(out)[-1]
    assert last["event"] == "interrupted"
    assert "separated/long/vocals.flac.partial" in last["partials"]
    assert files(tmp_path / "separated") == sorted(f"long/{stem}.flac.partial" for stem in STEMS)
