"""Losses without references, on networks whose answers are known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from carnatic_sep.training.finetune_config import FinetuneConfig, LossConfig
from carnatic_sep.training.taught_losses import (
    exchanged,
    spectral_distance,
    taught_losses,
    unknown_pairs,
)
from carnatic_sep.training.track_batch import TrackBatch

FRAMES = 2048


class Sides(nn.Module):
    """Separates stems that lie on sides of their own: stem k is channel k, or the next one."""

    def __init__(self, turn: int = 0) -> None:
        super().__init__()
        self.turn = turn

    def forward(self, mixture: Tensor) -> Tensor:
        masks = torch.eye(2).roll(self.turn, dims=0)
        return masks[None, :, :, None] * mixture[:, None]


def batch(count: int = 4, *, known: bool = False) -> TrackBatch:
    generator = torch.Generator().manual_seed(1)
    mixture = torch.randn(count, 2, FRAMES, generator=generator)
    return TrackBatch(
        mixture=mixture,
        stems=Sides()(mixture) if known else torch.zeros(count, 2, 2, FRAMES),
        known=torch.full((count, 2), known),
        silent=torch.zeros(count, 2, FRAMES, dtype=torch.bool),
        confidence=torch.ones(count, 2, 3),
        halves=torch.tensor([[True, False]] * count),
        bled=torch.zeros(count, dtype=torch.bool),
    )


def losses(student: nn.Module, teacher: nn.Module, given: TrackBatch, **options) -> dict:
    config = LossConfig(resolutions=(256,), **options)
    found = taught_losses(student, teacher, student(given.mixture), given, config, seed=3, step=10)
    return {name: float(value) for name, value in found.items()}


def test_a_student_that_agrees_with_its_teacher_costs_nothing() -> None:
    weights = {"teacher_weight": 2.0, "remixit_weight": 1.0}
    same = losses(Sides(), Sides(), batch(), **weights)
    assert same == pytest.approx({"teacher": 0.0, "remixit": 0.0}, abs=1e-3)
    # The other side is an error of the square root of 2 against the target and a tenth of both.
    other = losses(Sides(1), Sides(), batch(), **weights)
    assert other["remixit"] == pytest.approx(2 / 1.2, rel=0.02)
    assert other["teacher"] == pytest.approx(2 * 2 / 1.2, rel=0.02)


def test_a_teacher_is_heard_from_its_step_on_and_where_it_is_asked_for() -> None:
    assert losses(Sides(1), Sides(), batch()) == {}
    assert losses(Sides(1), Sides(), batch(), teacher_weight=1.0, teacher_from=11) == {}
    assert losses(Sides(1), Sides(), batch(), teacher_weight=1.0, teacher_from=10)


def test_the_teacher_learns_nothing_and_its_statistics_stand_still() -> None:
    class Normed(Sides):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm1d(2)

        def forward(self, mixture: Tensor) -> Tensor:
            return super().forward(self.norm(mixture))

    student, teacher = Normed(), Normed().train()
    given = batch()
    config = LossConfig(resolutions=(256,), remixit_weight=1.0, teacher_weight=1.0)
    terms = taught_losses(student, teacher, student(given.mixture), given, config, seed=0, step=0)
    sum(terms.values()).backward()
    assert student.norm.weight.grad is not None
    assert teacher.norm.weight.grad is None
    assert int(teacher.norm.num_batches_tracked) == 0


def test_mixtures_of_unknown_mixtures_are_told_apart_into_the_two() -> None:
    # Two recordings, each on one side: the right separation gives them back, at the bound of
    # 30 dB; the stems may be either way round, which nobody can know.
    given = batch(2)
    given.mixture[0, 1] = 0.0
    given.mixture[1, 0] = 0.0
    for turn in (0, 1):
        found = losses(Sides(turn), Sides(), given, mixit_weight=1.0)
        assert found["mixit_mixdowns"] == pytest.approx(-3.0, abs=0.05)

    class Both(nn.Module):
        def forward(self, mixture: Tensor) -> Tensor:
            return 0.5 * mixture[:, None].expand(-1, 2, -1, -1)

    assert losses(Both(), Sides(), given, mixit_weight=1.0)["mixit_mixdowns"] > -0.5
    assert losses(Sides(), Sides(), batch(known=True), mixit_weight=1.0) == {}
    assert len(unknown_pairs(batch(1))) == 0
    assert unknown_pairs(batch(5)).shape == (2, 2, 2, FRAMES)


def test_exchanging_keeps_each_stem_and_loses_nothing() -> None:
    stems = torch.arange(24.0).reshape(4, 3, 1, 2)
    turned = exchanged(stems, seed=1, step=5)
    assert torch.equal(turned.sum(dim=0), stems.sum(dim=0))
    for index in range(3):
        assert {tuple(row) for row in turned[:, index, 0].tolist()} == {
            tuple(row) for row in stems[:, index, 0].tolist()
        }
    assert torch.equal(turned, exchanged(stems, seed=1, step=5))
    assert any(not torch.equal(turned, exchanged(stems, seed=1, step=s)) for s in range(6, 10))
    shared = [tuple(int(v) // 6 for v in item[:, 0, 0]) for item in turned]
    assert any(len(set(sources)) > 1 for sources in shared)  # items are mixed among each other


def test_the_distance_does_not_depend_on_the_level() -> None:
    given = batch()
    targets = Sides()(given.mixture)
    wrong = torch.zeros_like(targets)
    one = spectral_distance(wrong, targets, given.mixture, (256,))
    louder = spectral_distance(10 * wrong, 10 * targets, 10 * given.mixture, (256,))
    assert float(one) == pytest.approx(float(louder), rel=1e-3)
    assert float(one) == pytest.approx(1 / 1.2, rel=0.02)


def test_one_item_cannot_be_exchanged() -> None:
    with pytest.raises(ValueError, match="exchanges stems within a batch; set batch_size"):
        FinetuneConfig(name="x", batch_size=1, loss={"remixit_weight": 1.0})
