"""From what a person asks for to an ensemble: players from a bank or by rule, hall and bleed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from carnatic_sep.ensemble.config import EnsembleConfig
from carnatic_sep.ensemble.kutcheri import Ensemble
from carnatic_sep.errors import ConfigError

if TYPE_CHECKING:
    from carnatic_sep.datasets.config import DataConfig


def make_ensemble(
    *,
    bank: Path | None = None,
    data: DataConfig | None = None,
    test: bool = False,
    cache: Path | None = None,
    config: EnsembleConfig | None = None,
    sample_rate: int = 44100,
) -> Ensemble:
    """Return an ensemble that plays from the recordings in `bank`, or by rule without one.

    Where pyroomacoustics is installed, every other hall is one of the bank's impulse responses, if
    it has any. Recorded pieces for violin, which make a second violin, may be missing too.

    Parameters
    ----------
    bank : folder of solo recordings, laid out as `data` says
    data : patterns of its files; those that training uses if None
    test : take what `data` keeps out for testing
    cache : folder that keeps pitch contours and prepared phrases between runs

    Raises
    ------
    ConfigError
        The folder is missing or lacks voices, violin notes or strokes.
    UsageError
        The extra ``ensemble`` is not installed.
    """
    from dataclasses import replace

    config = config or EnsembleConfig()
    if bank is not None and not bank.is_dir():
        raise ConfigError(f"{bank}: no such folder; name a folder of solo recordings as the bank")
    if bank is None:
        return Ensemble(config=config, sample_rate=sample_rate)
    from carnatic_sep.datasets.bank import load_bank
    from carnatic_sep.datasets.config import DataConfig
    from carnatic_sep.datasets.synthesised import synthesised_voices
    from carnatic_sep.ensemble.recorded import recorded_players

    data = data or DataConfig()
    solos = load_bank(
        bank,
        data,
        test=test,
        cache=cache,
        needs=("voice", "violin_notes", "strokes"),
    )
    players = recorded_players(
        solos,
        sample_rate=sample_rate,
        synthesised=[] if test else synthesised_voices(bank, data, cache=cache),
        cache=cache,
        several_violins=config.violin_variety > 0.0,
    )
    if find_spec("pyroomacoustics") is not None and not config.recordings:
        config = replace(config, recordings=tuple(bank / room.path for room in solos.rooms))
    return Ensemble(players, config=config, sample_rate=sample_rate)
