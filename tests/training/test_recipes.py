"""The recipes that train: their files fit, and what they make of audio and scores is right."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from carnatic_sep.training.finetune_config import load_finetune_config

RECIPES = Path(__file__).parents[2] / "recipes"


def script(path: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Import a recipe's script as it runs: with its own folder first on the path."""
    place = RECIPES / path
    monkeypatch.syspath_prepend(str(place.parent))
    monkeypatch.delitem(sys.modules, "sets", raising=False)
    spec = importlib.util.spec_from_file_location(place.stem, place)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "name", ["mixer_model/small.yaml", "mixer_model/full.yaml", "leakage_worth/arm.yaml"]
)
def test_configurations_fit(name: str) -> None:
    config = load_finetune_config(RECIPES / name, overrides=[])
    assert config.surgery.stems == ("vocals", "violin", "mridangam", "other")
    assert not config.surgery.freeze_batch_norm  # their networks start from nothing


def test_arms_differ_in_data_and_loss_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    worth = script("leakage_worth/run.py", monkeypatch)
    configs = [
        load_finetune_config(worth.CONFIG, overrides=list(loss)) for _, loss in worth.ARMS.values()
    ]
    alike = [
        config.model_copy(update={"loss": configs[0].loss, "snr_weight": 0.0}) for config in configs
    ]
    assert all(config == alike[0] for config in alike)
    wanted = {(data, bool(loss)) for data, loss in worth.ARMS.values()}
    assert wanted == {(d, a) for d in ("bleeding", "cleaned", "truth") for a in (False, True)}


def test_a_gap_is_closed_by_what_lies_between(monkeypatch: pytest.MonkeyPatch) -> None:
    worth = script("leakage_worth/run.py", monkeypatch)
    means = {
        arm: {"mean": {"sdr": {"mean": value}}}
        for arm, value in {
            "naive": 2.0,
            "both": 3.5,
            "truth": 3.0,
            "truth, same losses": 4.0,
        }.items()
    }
    assert worth.closed(means, "sdr") == ["sdr: gap 2.00 dB", "  both closes 75 %"]
    means["naive"]["mean"]["sdr"]["mean"] = 4.5
    assert worth.closed(means, "sdr") == ["sdr: no gap to close; naive is 0.50 dB above the bound"]


def test_other_is_all_that_the_players_lack_of_the_mixture(monkeypatch: pytest.MonkeyPatch) -> None:
    sets = script("leakage_worth/sets.py", monkeypatch)
    rng = np.random.default_rng(0)
    stems = {name: rng.standard_normal(100) for name in ("vocals", "violin", "other")}
    heard = rng.standard_normal(100)
    found = sets.with_the_rest(stems, heard)
    assert np.allclose(sum(found.values()), heard)
    assert np.array_equal(found["violin"], stems["violin"])


def test_the_small_mixer_model_has_a_net_for_each_stem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from carnatic_sep.models.bases import load_base

    untrained = script("mixer_model/untrained.py", monkeypatch)
    monkeypatch.setattr(sys, "argv", ["untrained.py", str(tmp_path / "mixer.safetensors")])
    untrained.main()
    model = load_base(str(tmp_path / "mixer.safetensors")).model
    assert model.architecture == "tfc_tdf"
    assert len(model.nets) == 4
    assert model.mixer.weight.shape == (4, 5)
