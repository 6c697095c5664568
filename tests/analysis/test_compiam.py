"""compIAM's own loader where it is installed; its documented surface in any case."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest
import soundfile

from carnatic_sep.analysis.compiam import KEY, CarnaticSep, ModelNotTrainedError, models_dict


class _Halves:
    """A separator that gives each stem half of what it gets."""

    sample_rate = 44100

    def separate(self, audio: np.ndarray, sample_rate: int) -> dict[str, np.ndarray]:
        return {"vocals": audio / 2, "other": audio / 2}


@pytest.fixture
def tool() -> CarnaticSep:
    tool = CarnaticSep(model=None)
    tool.model, tool.trained = _Halves(), True
    return tool


@pytest.mark.parametrize("shape", [(1000,), (2, 1000), (1, 2, 1000)])
@pytest.mark.parametrize("tensor", [False, True])
def test_stems_have_the_shape_of_the_input(tool, shape, tensor) -> None:
    audio = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    given = audio
    if tensor:
        import torch

        given = torch.from_numpy(audio)
    stems = tool.separate(given, input_sr=44100)
    assert stems.vocals.shape == shape
    assert stems.vocals.dtype == np.float32
    assert np.allclose(stems["vocals"] + stems.other, audio)
    with pytest.raises(AttributeError, match="vocals"):
        _ = stems.veena


def test_a_file_knows_its_rate(tool, tmp_path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.ones((500, 2)) / 4, 22050)
    assert tool.separate(str(path)).vocals.shape == (2, 500)


def test_errors_come_in_compiams_order(tool) -> None:
    untrained = CarnaticSep(model=None)
    assert not untrained.trained
    with pytest.raises(ModelNotTrainedError, match="load_model"):
        untrained.separate("nowhere.wav")  # before the file is looked for
    with pytest.raises(FileNotFoundError, match="nowhere"):
        tool.separate("nowhere.wav")
    with pytest.raises(ValueError, match="type int"):
        tool.separate(7)
    with pytest.raises(ValueError, match="batch"):
        tool.separate(np.zeros((2, 1, 100), dtype=np.float32))


def test_the_error_is_compiams_too_where_that_is_loaded(monkeypatch) -> None:
    theirs = type("ModelNotTrainedError", (Exception,), {})
    module = types.ModuleType("compiam.exceptions")
    module.ModelNotTrainedError = theirs
    monkeypatch.setitem(sys.modules, "compiam.exceptions", module)
    with pytest.raises(theirs):
        CarnaticSep(model=None).separate(np.zeros(10))


def test_the_entry_survives_a_loader_that_writes_into_it() -> None:
    entry = models_dict()[KEY]
    kwargs = entry["kwargs"][entry["default_version"]]
    assert not any("_path" in key for key in kwargs)  # a folder of compIAM's would be prepended
    kwargs["gpu"] = "3"
    assert "gpu" not in models_dict()[KEY]["kwargs"]["v1"]


def test_through_compiam_itself() -> None:
    compiam = pytest.importorskip("compiam")
    tool = compiam.load_model(KEY, models_dict=models_dict())
    assert tool.trained
    audio = 0.1 * np.random.default_rng(0).standard_normal((2, 44100)).astype(np.float32)
    stems = tool.separate(audio, input_sr=44100)
    assert list(stems) == ["vocals", "violin", "mridangam", "other"]
    assert np.abs(sum(stems.values()) - audio).max() < 1e-5
    from compiam.exceptions import ModelNotTrainedError as Theirs

    empty = compiam.load_model(KEY, models_dict=models_dict(), model=None)
    with pytest.raises(Theirs):
        empty.separate(audio)
