"""Validation: what is scored, what counts as better, when a run ends, and that it goes on so."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

pytest.importorskip("lightning")

from carnatic_sep.errors import ConfigError
from carnatic_sep.models.checkpoint import read_metadata
from carnatic_sep.stems import DEFAULT_STEMS
from carnatic_sep.training import validation
from carnatic_sep.training.listening import fixed_stems, separated
from carnatic_sep.training.run import train
from carnatic_sep.training.standing import Standing
from carnatic_sep.training.state import load_state
from carnatic_sep.training.validation import mean_scores

HELD = [
    "voice/alapana/Performer2_Todi_2.5*",
    "violin/notes/A4*",
    "violin/bach/kept*",
    "mridangam/strokes/tha/tha-1*",
]


def test_better_is_by_the_metrics_own_direction() -> None:
    start = Standing()
    assert math.isnan(start.best)
    first = start.after(3.0, step=10, higher=True, least_gain=0.5)
    assert first == Standing(3.0, 10, 0)
    assert first.after(3.4, step=20, higher=True, least_gain=0.5) == Standing(3.0, 10, 1)
    assert first.after(3.6, step=20, higher=True, least_gain=0.5) == Standing(3.6, 20, 0)
    lower = start.after(3.0, step=10, higher=False, least_gain=0.0)
    assert lower.after(2.9, step=20, higher=False, least_gain=0.0).step == 20
    assert lower.after(3.1, step=20, higher=False, least_gain=0.0).waited == 1


def test_patience_counts_validations_and_nan_is_never_better() -> None:
    standing = Standing(3.0, 10)
    for waited in (1, 2, 3):
        assert not standing.is_over(3)
        standing = standing.after(math.nan, step=0, higher=True, least_gain=0.0)
        assert standing.waited == waited
    assert standing.is_over(3)
    assert not standing.is_over(None)
    assert Standing().after(math.nan, step=5, higher=True, least_gain=0.0).step == 0


class Gain(torch.nn.Module):
    """Gives each of two stems a share of the mixture."""

    channels = 2
    stems = ("vocals", "other")
    sample_rate = 8000

    def __init__(self, *shares: float) -> None:
        super().__init__()
        self.shares = torch.nn.Parameter(torch.tensor(shares))

    def forward(self, mixture: torch.Tensor) -> torch.Tensor:
        return self.shares[:, None, None] * mixture[:, None]


def test_scores_are_those_of_a_closed_form() -> None:
    # Orthogonal stems of equal energy: the estimate share * (a + b) of a has the error
    # (1 - share)^2 + share^2 of a's energy.
    time = np.arange(8000) / 8000
    stems = np.stack([np.sin(2 * np.pi * f * time) for f in (440, 660)]).astype(np.float32)
    found = mean_scores(Gain(0.5, 0.25), [stems, 2 * stems], metric="sdr")
    assert found["vocals"] == pytest.approx(-10 * math.log10(0.5), abs=0.01)
    assert found["other"] == pytest.approx(-10 * math.log10(0.75**2 + 0.25**2), abs=0.01)


def test_mixtures_without_a_stem_do_not_count_and_broken_estimates_are_nan() -> None:
    rng = np.random.default_rng(0)
    stems = 0.1 * rng.standard_normal((2, 4000)).astype(np.float32)
    silent = stems * np.array([[1.0], [0.0]], dtype=np.float32)
    both = mean_scores(Gain(0.5, 0.5), [stems, silent], metric="sdr")
    alone = mean_scores(Gain(0.5, 0.5), [stems], metric="sdr")
    assert both["other"] == pytest.approx(alone["other"])
    assert all(
        math.isnan(v) for v in mean_scores(Gain(0.5, math.nan), [stems], metric="sdr").values()
    )


@pytest.mark.parametrize("training", [True, False])
def test_separating_leaves_the_mode_as_it_was(training) -> None:
    model = Gain(0.5, 0.25).train(training)
    estimates = separated(model, np.ones((2, 10), dtype=np.float32))
    assert model.training is training
    assert np.allclose(estimates, [[1.0] * 10, [0.5] * 10])


def test_fixed_mixtures_are_fixed() -> None:
    drawer = SimpleNamespace(draw=lambda rng: rng.standard_normal((2, 5)))
    one, other = fixed_stems(drawer, 3), fixed_stems(drawer, 4)
    assert np.array_equal(one, other[:3])
    assert not np.array_equal(one[0], one[1])


@pytest.fixture
def run(solo_dir, out_dir):
    def start(config):
        lines: list[str] = []
        checkpoint = train(config, data_dir=solo_dir, out_dir=out_dir, report=lines.append)
        return checkpoint, [line for line in lines if not line.startswith("step ") or "val" in line]

    return start


@pytest.mark.usefixtures("quick_accompaniment")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_run_stops_when_nothing_gets_better_and_keeps_the_best(
    run, run_config, out_dir, solo_split, monkeypatch
) -> None:
    """The same run is also cut in two, with batches of two parts, and ends at the same weights."""
    scores = {2: 1.0, 4: 3.0, 6: 2.0, 8: 2.5, 10: 9.0}
    step = SimpleNamespace(now=0)

    def judged(model, mixtures, *, metric):
        assert len(mixtures) == 2
        assert mixtures[0].shape == (4, 44100)
        assert all(np.abs(stem).max() > 0 for stem in mixtures[0])  # nobody is absent
        return dict.fromkeys(DEFAULT_STEMS, scores[step.now])

    original = validation.Validator.validate

    def at(self, trainer, module):
        step.now = module.step
        return original(self, trainer, module)

    monkeypatch.setattr(validation, "mean_scores", judged)
    monkeypatch.setattr(validation.Validator, "validate", at)
    options = {
        "data": {**solo_split, "test": [p for p in solo_split["test"] if "bach" not in p]},
        "steps": 20,
        "accumulate": 2,
        "batch_size": 1,
        "validate_every": 2,
        "patience": 2,
        "validation": {"takes": HELD, "mixtures": 2},
    }
    checkpoint, lines = run(run_config(name="straight", **options))
    assert checkpoint == out_dir / "straight" / "best.safetensors"
    assert read_metadata(checkpoint).provenance.steps == 4
    last = checkpoint.with_name("checkpoint.safetensors")
    assert read_metadata(last).provenance.steps == 8
    assert read_metadata(last).provenance.trained_on.startswith("1 voice clips, 1 violin notes")
    told = [line for line in lines if "validation" in line]
    assert told[0].startswith("step 2: validation sdr 1.00 dB (vocals 1.00, violin 1.00")
    assert told[1].endswith("the best so far")
    assert told[3].endswith("best 3.00 at step 4, 2 since")
    assert "stopped early at step 8" in lines[-1]
    (log, *_) = (out_dir / "straight").glob("log/**/metrics.csv")
    assert "validation/sdr/violin" in log.read_text(encoding="utf-8").splitlines()[0]

    # Given again, it says so and trains nothing.
    again, lines = run(run_config(name="straight", **options))
    assert again == checkpoint
    assert lines == [
        f"{checkpoint.parent}: stopped early at step 8; no validation was better than that of "
        "step 4 in best.safetensors"
    ]

    # Stopped between the validations and taken up: the same end, at the same weights.
    run(run_config(name="cut", **options, stop_step=7))
    assert load_state(out_dir / "cut" / "state.safetensors").standing == Standing(3.0, 4, 1)
    run(run_config(name="cut", **options))
    for name in ("state.safetensors", "best.safetensors"):
        one, other = (load_file(out_dir / which / name) for which in ("straight", "cut"))
        assert one.keys() == other.keys()
        for key, value in one.items():
            assert torch.equal(value, other[key]), key


def test_validation_that_cannot_be_is_refused(run, run_config) -> None:
    with pytest.raises(ConfigError, match=r"list patterns of them in validation\.takes"):
        run(run_config(validate_every=2))
    with pytest.raises(
        ConfigError, match=r"validation\.metric lc_sdr .*\(cleaned\); these can: sdr"
    ):
        run(run_config(validate_every=2, validation={"takes": HELD, "metric": "lc_sdr"}))
    with pytest.raises(ConfigError, match=r"validation\.takes: .*nothing matches"):
        run(run_config(validate_every=2, validation={"takes": HELD[:2]}))
    with pytest.raises(ConfigError, match=r"bach/kept_1\.wav is kept out by data\.test; what cho"):
        run(run_config(validate_every=2, validation={"takes": HELD}))
    with pytest.raises(ValueError, match="patience counts validations"):
        run_config(patience=2)
    with pytest.raises(ValueError, match="unknown metric 'sdrr'; did you mean: sdr"):
        run_config(validation={"metric": "sdrr"})
