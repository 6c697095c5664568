"""Run configurations: those in the repository are valid, faulty ones say why."""

from __future__ import annotations

from pathlib import Path

import pytest

from carnatic_sep.errors import ConfigError
from carnatic_sep.training.config import load_config

CONFIGS = sorted(
    path
    for path in (Path(__file__).parents[2] / "configs").glob("*.yaml")
    if "architecture:" in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_the_runs_of_this_repository_are_valid(path) -> None:
    config = load_config(path)
    assert config.data.test, "nothing is kept out for testing"
    assert config.loss in ("complex_l1", "band_complex_l1")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "run.yaml"
    path.write_text("name: mine\nmix:\n  seconds: 3\n", encoding="utf-8")
    return path


def test_overrides_come_last(path) -> None:
    config = load_config(path, overrides=["mix.seconds=2.5", "steps=7", "model.widths=[4, 8]"])
    assert (config.mix.seconds, config.steps, config.model) == (2.5, 7, {"widths": [4, 8]})
    assert load_config(path).mix.seconds == 3.0


def test_lists_are_replaced_whole_and_null_is_none(path) -> None:
    changes = ["data.test=[a, b/*]", "stop_step=5", "stop_step=null", "mix.violin_level=[-3, 2.5]"]
    config = load_config(path, overrides=changes)
    assert config.data.test == ["a", "b/*"]
    assert config.stop_step is None
    assert config.mix.violin_level == (-3.0, 2.5)
    path.write_text("name: mine\ndata:\n  test: [a]\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"data\.test is a list: give all of it"):
        load_config(path, overrides=["data.test.0=b"])


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("stepz=3", "stepz: unknown key; did you mean steps"),
        ("mix.second=3", "mix.second: unknown key; did you mean seconds"),
        ("mix.xyzzy=3", "mix.xyzzy: unknown key; see"),
        ("steps=0", "steps: Input should be greater than 0"),
        ("steps=many", "steps: Input should be a valid integer"),
        ("loss=l2", "loss: Input should be 'complex_l1'"),
        ("name=a/b", "name: a run's name must be a plain folder name"),
        ("name=..", "name: .*plain folder name"),
        ("name=' '", "name: .*plain folder name"),
        ("steps=yes", "steps: true is no value for it"),
        ("name=", "name: "),
        ("name.first=x", "name is a plain value"),
        ("steps", "write it as key=value"),
        ("=3", "write it as key=value"),
        ("mix.=3", "write it as key=value"),
        ("shadow=0.5", r"shadow: unknown key; did you mean mix\.shadow\?"),
        ("mix.steps=5", r"mix\.steps: unknown key; did you mean steps\?"),
        ("shadwo=0.5", r"shadwo: unknown key; did you mean mix\.shadow\?"),
        ("validation.take=[a]", r"validation\.take: unknown key; did you mean takes\?"),
        ("mix.absent.vocls=0.1", r"mix\.absent: .*no stem vocls; known ones: vocals, violin"),
        (
            "ensemble.mastred=no",
            r"ensemble\.mastred: unknown key; did you mean mastered or staged\?",
        ),
        ("ensemble.desk.xyzzy=1", r"ensemble\.desk\.xyzzy: unknown key; see"),
        ("mix=null", r"mix: Input should be a valid"),
        ("data.voice=plain", r"data\.voice: Input should be a valid list"),
        ("mix.violin_level=[3, 1]", "give the lower limit first"),
        ("devices=0", "devices: .*at least one device"),
        ("precision=fp16", "precision: Input should be 'fp32' or 'bf16'"),
    ],
)
def test_faults_name_file_and_key(path, override, said) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        load_config(path, overrides=[override])
    assert caught.value.exit_code == 2


def test_a_run_needs_a_name(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"run\.yaml: name: Field required"):
        load_config(tmp_path / "run.yaml")
