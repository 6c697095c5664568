"""Validation while a run goes on: fixed mixtures scored, the best weights kept, an early end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import lightning
import numpy as np

from carnatic_sep.errors import ConfigError
from carnatic_sep.metrics.material import Material
from carnatic_sep.metrics.registry import METRICS
from carnatic_sep.training.listening import separated
from carnatic_sep.training.standing import Standing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.models.base import SeparationModel
    from carnatic_sep.training.config import RunConfig
    from carnatic_sep.training.keeper import Keeper

    Audio = NDArray[np.float32]

_KNOWN_HERE = {"reference", "references", "mixture", "melody", "rival melody"}


def check_metric(config: RunConfig) -> None:
    """Check that stems and mixture suffice for the metric of validation.

    Raises
    ------
    ConfigError
        It needs more, a tonic say, or tells of the reference.
    """
    spec = METRICS[config.validation.metric]
    missing = [need for need in spec.needs if need not in _KNOWN_HERE]
    if missing or spec.of_reference:
        can = [s.name for s in METRICS.values() if set(s.needs) <= _KNOWN_HERE and not s.costly]
        raise ConfigError(
            f"{config.name}: validation.metric {spec.name} cannot be computed while training "
            f"({', '.join(missing) or 'it tells of the reference'}); these can: {', '.join(can)}"
        )


def mean_scores(
    model: SeparationModel, mixtures: Sequence[Audio], *, metric: str
) -> dict[str, float]:
    """Score `model` on `mixtures` of mono stems, (stems, frames) each.

    Returns
    -------
    stem -> mean over the mixtures in which the metric is finite (that of a silent reference, say,
    is not), NaN where it is in none or an estimate is broken; stems for which it means nothing are
    absent
    """
    spec = METRICS[metric]
    values: dict[str, list[float]] = {}
    for stems in mixtures:
        estimates = separated(model, stems)
        sound = bool(np.all(np.isfinite(estimates)))
        material = Material(
            sample_rate=model.sample_rate,
            estimates=dict(zip(model.stems, estimates if sound else stems, strict=True)),
            references=dict(zip(model.stems, stems, strict=True)),
            mixture=stems.sum(axis=0),
        )
        for stem in model.stems:
            if spec.applies(material, stem):
                value = float(spec.function(material, stem)) if sound else np.nan
                values.setdefault(stem, []).append(value)
    return {stem: _mean(found) for stem, found in values.items()}


class Validator(lightning.Callback):
    """Validates every so many steps, and stops the run when patience is at an end.

    Parameters
    ----------
    mixtures : stems of the fixed mixtures, (stems, frames) each
    keeper : keeps the best weights
    report : takes a line for each validation
    """

    def __init__(
        self, mixtures: Sequence[Audio], keeper: Keeper, report: Callable[[str], None]
    ) -> None:
        self.mixtures = mixtures
        self.keeper = keeper
        self.report = report

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Validate where this step is one for it, and after the last one of the whole run.

        Not where `stop_step` cuts a run: one that goes on would count a validation more.
        """
        config = pl_module.config
        due = pl_module.step % config.validate_every == 0 or pl_module.step == config.steps
        if not pl_module.stepped or not due:
            return
        standing = pl_module.standing
        if trainer.is_global_zero:
            standing = self.validate(trainer, pl_module)
        pl_module.standing = trainer.strategy.broadcast(standing)
        if pl_module.standing.is_over(config.patience):
            trainer.should_stop = True

    def validate(self, trainer: lightning.Trainer, module: Any) -> Standing:
        """Score the averaged weights, log and report it, and keep them where they are the best."""
        settings, step = module.config.validation, module.step
        spec = METRICS[settings.metric]
        scores = mean_scores(module.ema.module, self.mixtures, metric=spec.name)
        value = _mean(list(scores.values()))
        before: Standing = module.standing
        standing = before.after(
            value, step=step, higher=spec.better == "higher", least_gain=settings.least_gain
        )
        logged = {f"validation/{spec.name}": value}
        logged |= {f"validation/{spec.name}/{stem}": each for stem, each in scores.items()}
        for logger in trainer.loggers:
            logger.log_metrics(logged, step=step)
        each = ", ".join(f"{stem} {score:.2f}" for stem, score in scores.items())
        if standing.step == step:
            self.keeper.keep_best(module)
            told = "the best so far"
        else:
            told = f"best {standing.best:.2f} at step {standing.step}, {standing.waited} since"
        self.report(f"step {step}: validation {spec.name} {value:.2f} {spec.unit} ({each}); {told}")
        return standing


def _mean(values: Sequence[float]) -> float:
    """Mean of what is finite; NaN where nothing is."""
    kept = [value for value in values if np.isfinite(value)]
    return float(np.mean(kept)) if kept else float("nan")
