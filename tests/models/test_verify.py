"""Verification: a sound model passes, each kind of damage is named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save, save_file

from carnatic_sep.models.download import Download
from carnatic_sep.models.safetensors_header import parse_header
from carnatic_sep.models.verify import verify_entry
from carnatic_sep.models.zoo import ModelEntry

Write = Callable[[Path], Path]


def test_a_sound_model_passes(tmp_path: Path, write_model: Write) -> None:
    path = write_model(tmp_path / "m.safetensors")
    verdict = verify_entry(ModelEntry("m", "cached", path))
    assert verdict.passed
    assert verdict.problems == ()


def test_a_model_that_was_never_fetched_does_not_pass() -> None:
    entry = ModelEntry("m", "download", None, Download("http://127.0.0.1:9", "0" * 64, 1))
    assert verify_entry(entry).problems == ("not downloaded yet",)


def test_other_bytes_than_published_are_named(tmp_path: Path, write_model: Write) -> None:
    path = write_model(tmp_path / "m.safetensors")
    entry = ModelEntry("m", "cached", path, Download("http://127.0.0.1:9", "0" * 64, 1))
    assert "not the published file" in verify_entry(entry).problems[0]


def test_damage_is_named(tmp_path: Path, write_model: Write) -> None:
    path = write_model(tmp_path / "m.safetensors")
    path.write_bytes(path.read_bytes()[:-10])
    assert "truncated" in verify_entry(ModelEntry("m", "bundled", path)).problems[0]


def test_numbers_that_are_not_finite_are_named(tmp_path: Path, write_model: Write) -> None:
    """A file whose hashes agree, but whose weights are NaN: no save here would write it."""
    path = write_model(tmp_path / "m.safetensors")
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = json.loads(file.metadata()["carnatic_sep"])
    tensors["nets.0.last.bias"] = torch.full((2,), float("nan"))
    content = save(tensors)
    data = content[parse_header(content, path=path).data_start :]
    metadata["weights_sha256"] = hashlib.sha256(data).hexdigest()
    save_file(tensors, path, {"carnatic_sep": json.dumps(metadata)})
    problems = verify_entry(ModelEntry("m", "cached", path)).problems
    assert any("nets.0.last.bias" in problem for problem in problems)
    assert any("for noise" in problem for problem in problems)
