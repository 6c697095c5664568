"""What training can start from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from carnatic_sep.errors import CheckpointError, UnknownNameError
from carnatic_sep.models.bases import load_base

SPLEETER = Path(__file__).parents[1] / "fixtures" / "spleeter_small" / "2stems"


def test_each_kind_is_told_apart(write_model: Callable[[Path], Path], tmp_path: Path) -> None:
    own = load_base(str(write_model(tmp_path / "mine.safetensors")))
    assert (own.name, own.licence, own.model.stems) == ("mine", "MIT", ("vocals", "other"))
    theirs = load_base(str(SPLEETER))
    assert theirs.model.stems == ("vocals", "accompaniment")
    assert theirs.name == "2stems"
    assert any("Spleeter" in credit for credit in theirs.credits)
    (tmp_path / "mixer.pth").write_bytes(b"no weights")
    with pytest.raises(CheckpointError, match=r"mixer\.pth"):
        load_base(str(tmp_path / "mixer.pth"))


def test_unknown_names_are_suggested_for() -> None:
    with pytest.raises(UnknownNameError, match="did you mean: .*spleeter-4stems"):
        load_base("spleeter-4stem")
    with pytest.raises(CheckpointError, match="without a checkpoint.s .index; it holds.*2stems"):
        load_base(str(SPLEETER.parent))
