"""The vocabulary of data and mixing: what it refuses, and that the files in configs/ speak it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from carnatic_sep.datasets.config import DataConfig, MixConfig
from carnatic_sep.datasets.yaml_file import change, fit, read_mapping
from carnatic_sep.errors import ConfigError


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"violin_level": (3, -12)}, "lower limit first"),
        ({"absent": {"vocal": 0.5}}, "no stem vocal"),
        ({"absent": {"vocals": 1.5}}, "less than or equal to 1"),
        ({"absent": dict.fromkeys(("vocals", "violin", "mridangam", "other"), 1)}, "always be sil"),
        ({"seconds": 0.1}, "greater than 0.5"),
        ({"tempo": 3}, "not permitted"),
    ],
)
def test_impossible_mixtures_are_refused(values, said) -> None:
    with pytest.raises(ValidationError, match=said):
        MixConfig(**values)


def test_configurations_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        DataConfig().test = []  # type: ignore[misc]


def test_overrides_reach_nested_keys() -> None:
    values = {"mix": {"seconds": 4.0}, "data": None}
    for override in ("mix.seconds=2", "data.test=[a, b]", "name=try", "mix.other_level=[-9, -3]"):
        change(values, override)
    assert values == {
        "mix": {"seconds": 2, "other_level": [-9, -3]},
        "data": {"test": ["a", "b"]},
        "name": "try",
    }


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("steps", "key=value"),
        ("steps.more.yet=3", "steps is a plain value"),
        ("mix.seconds.x=3", "mix.seconds is a plain value"),
        ("name=[1", "not a YAML value"),
    ],
)
def test_overrides_that_lead_nowhere(override, said) -> None:
    with pytest.raises(ConfigError, match=said):
        change({"steps": 4, "mix": {"seconds": 3}}, override)


def test_files_that_hold_no_keys(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    with pytest.raises(ConfigError, match=r"run\.yaml: cannot be read \(No such file"):
        read_mapping(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_mapping(tmp_path)
    for content, said in (
        (b"a: [1", "not valid YAML"),
        (b"\xff\xfe\x00binary", "not valid YAML"),
        (b"- a\n- b\n", "expected keys and values"),
        (
            b"a: 1\nmix:\n  b: 2\n  c: 3\n  b: 4\n",
            "line 5, column 3: the key 'b' stands here twice",
        ),
        (b"a:\n\t- b\n", r"line 2, column 1: found character '\\t' that cannot start any token"),
        (b"name: caf\xe9", "not UTF-8 at byte 9"),
        (b"name: !!python/object:os.system x", "line 1, column 7: could not determine"),
        (b"a: " + b"[" * 5000 + b"]" * 5000, "nested too deeply"),
    ):
        path.write_bytes(content)
        with pytest.raises(ConfigError, match=said):
            read_mapping(path)
    path.write_bytes(b"base: &base {a: 1, b: 2}\nmine: {<<: *base, b: 3}\n")
    assert read_mapping(path)["mine"] == {"a": 1, "b": 3}
    path.write_bytes(b"# nothing yet\n")
    assert read_mapping(path) == {}


def test_every_fault_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"x\.yaml: piece: .*; tempo: ") as caught:
        fit(MixConfig, {"piece": 2, "tempo": 3}, path=tmp_path / "x.yaml")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("value", [True, False])
def test_yes_and_no_are_no_numbers(value: bool, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rf"seconds: {str(value).lower()} is no value for it"):
        fit(MixConfig, {"seconds": value}, path=tmp_path / "x.yaml")
