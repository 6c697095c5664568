"""The degradation and the way back, against the closed forms they obey."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from carnatic_sep.models.cold_schedule import ColdSchedule

STEPS = 8


@pytest.fixture
def pair():
    generator = torch.Generator().manual_seed(3)
    clean = torch.rand(2, 3, 5, 7, generator=generator, dtype=torch.float64)
    mixture = torch.rand(2, 1, 5, 7, generator=generator, dtype=torch.float64)
    return clean, mixture


def walk(schedule, mixture, restore, *, predicts="clean", sampling="improved", stride=1):
    state = mixture.expand(-1, 3, -1, -1)
    for step in range(schedule.steps, 0, -stride):
        state = schedule.advance(
            restore(state, step),
            state,
            mixture,
            step=step,
            to=step - stride,
            predicts=predicts,
            sampling=sampling,
        )
    return state


def test_published_coefficients_are_those_of_the_public_code():
    expected = (
        *((0.875, 0.065), (0.75, 0.134), (0.625, 0.209), (0.5, 0.293)),
        *((0.375, 0.388), (0.25, 0.5), (0.125, 0.646), (0.0, 1.0)),
    )
    schedule = ColdSchedule.of("ismir23", STEPS)
    found = list(zip(schedule.clean, schedule.mixture, strict=True))[1:]
    for (clean, mixture), (want_clean, want_mixture) in zip(found, expected, strict=True):
        assert clean == pytest.approx(want_clean, abs=5e-4)
        assert mixture == pytest.approx(want_mixture, abs=5e-4)


def test_convex_keeps_the_level_and_the_published_schedule_dips():
    convex, published = ColdSchedule.of("convex", STEPS), ColdSchedule.of("ismir23", STEPS)
    sums = [a + b for a, b in zip(convex.clean, convex.mixture, strict=True)]
    assert sums == pytest.approx([1.0] * (STEPS + 1))
    assert published.clean[4] + published.mixture[4] == pytest.approx(0.793, abs=1e-3)


@pytest.mark.parametrize("kind", ["convex", "ismir23"])
def test_endpoints_are_the_target_and_the_mixture(kind, pair):
    clean, mixture = pair
    schedule = ColdSchedule.of(kind, STEPS)
    assert torch.equal(schedule.degrade(clean, mixture, 0), clean)
    assert torch.equal(schedule.degrade(clean, mixture, STEPS), mixture.expand_as(clean))


@pytest.mark.parametrize("kind", ["convex", "ismir23"])
def test_a_batch_of_steps_is_each_step_by_itself(kind, pair):
    clean, mixture = pair
    schedule = ColdSchedule.of(kind, STEPS)
    both = schedule.degrade(clean, mixture, torch.tensor([2, 7]))
    for index, step in enumerate((2, 7)):
        alone = schedule.degrade(clean[index], mixture[index], step)
        torch.testing.assert_close(both[index], alone)


@pytest.mark.parametrize("kind", ["convex", "ismir23"])
def test_recover_inverts_degrade(kind, pair):
    clean, mixture = pair
    schedule = ColdSchedule.of(kind, STEPS)
    for step in range(STEPS):
        there = schedule.degrade(clean, mixture, step)
        torch.testing.assert_close(schedule.recover(there, mixture, step), clean)
    with pytest.raises(ValueError, match="nothing of the target"):
        schedule.recover(clean, mixture, STEPS)


@pytest.mark.parametrize("kind", ["convex", "ismir23"])
@pytest.mark.parametrize("sampling", ["improved", "direct"])
@pytest.mark.parametrize("predicts", ["clean", "previous"])
def test_a_perfect_restoration_recovers_the_target(kind, sampling, predicts, pair):
    clean, mixture = pair
    schedule = ColdSchedule.of(kind, STEPS)

    def perfect(state, step):
        if predicts == "clean":
            return clean
        return schedule.degrade(clean, mixture, step - 1)

    found = walk(schedule, mixture, perfect, predicts=predicts, sampling=sampling)
    torch.testing.assert_close(found, clean)


@pytest.mark.parametrize("stride", [1, 2, 4, 8])
def test_fewer_steps_recover_it_too(stride, pair):
    clean, mixture = pair
    schedule = ColdSchedule.of("convex", STEPS)
    found = walk(schedule, mixture, lambda state, step: clean, stride=stride)
    torch.testing.assert_close(found, clean)


@given(seed=st.integers(0, 1000), stride=st.sampled_from([1, 2, 4]))
@settings(deadline=None, max_examples=20)
def test_improved_sampling_is_exact_for_a_linear_degradation(seed, stride):
    """Bansal et al., section 3.3: with D(x, t) = x + t e, any restoration whatever will do."""
    generator = torch.Generator().manual_seed(seed)
    rates = torch.rand(STEPS, generator=generator, dtype=torch.float64).cumsum(0).tolist()
    schedule = ColdSchedule((1.0,) * (STEPS + 1), (0.0, *rates))
    clean = torch.rand(1, 3, 4, 4, generator=generator, dtype=torch.float64)
    e = torch.rand(1, 1, 4, 4, generator=generator, dtype=torch.float64)
    state = schedule.degrade(clean, e, STEPS)
    for step in range(STEPS, 0, -stride):
        nonsense = torch.randn(clean.shape, generator=generator, dtype=torch.float64)
        state = schedule.advance(nonsense, state, e, step=step, to=step - stride)
    torch.testing.assert_close(state, clean)


def test_direct_sampling_is_not(pair):
    clean, mixture = pair
    schedule = ColdSchedule((1.0,) * (STEPS + 1), tuple(t / STEPS for t in range(STEPS + 1)))
    wrong = walk(schedule, mixture, lambda state, step: clean + 1.0, sampling="direct")
    assert (wrong - clean).abs().min() > 0.9


def test_on_the_convex_schedule_improved_sampling_averages_the_errors(pair):
    """D is linear in t, so each restoration's error counts 1 / steps; direct keeps the last."""
    clean, mixture = pair
    schedule = ColdSchedule.of("convex", STEPS)
    generator = torch.Generator().manual_seed(5)
    errors = torch.randn(STEPS + 1, *clean.shape, generator=generator, dtype=torch.float64)

    def restore(state, step):
        return clean + errors[step]

    improved = walk(schedule, mixture, restore)
    torch.testing.assert_close(improved - clean, errors[1:].mean(dim=0))
    direct = walk(schedule, mixture, restore, sampling="direct")
    torch.testing.assert_close(direct - clean, errors[1])


def test_the_published_way_takes_the_prediction_as_the_next_state(pair):
    _, mixture = pair
    schedule = ColdSchedule.of("ismir23", STEPS)
    found = walk(
        schedule, mixture, lambda state, step: 0.5 * state, predicts="previous", sampling="direct"
    )
    torch.testing.assert_close(found, mixture.expand_as(found) * 0.5**STEPS)


@pytest.mark.parametrize(
    "make",
    [
        lambda: ColdSchedule.of("cosine", 8),
        lambda: ColdSchedule.of("convex", 0),
        lambda: ColdSchedule((0.9, 0.0), (0.1, 1.0)),
        lambda: ColdSchedule((1.0,), (0.0,)),
    ],
)
def test_impossible_schedules_are_refused(make):
    with pytest.raises(ValueError, match=r"schedule|step"):
        make()


@pytest.mark.parametrize("options", [{"to": 3}, {"predicts": "noise"}, {"sampling": "ddim"}])
def test_impossible_steps_are_refused(options, pair):
    clean, mixture = pair
    arguments = {"step": 3, "to": 2, **options}
    with pytest.raises(ValueError, match=r"step|prediction"):
        ColdSchedule.of("convex", STEPS).advance(clean, clean, mixture, **arguments)
