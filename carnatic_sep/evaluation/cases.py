"""Test cases: a mixture and the stems it is the sum of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.audio.reader import read_audio
from carnatic_sep.datasets.bank import SAMPLE_RATE, load_bank
from carnatic_sep.datasets.mixer import MIXED_STEMS, Mixer
from carnatic_sep.errors import ConfigError
from carnatic_sep.evaluation.config import EvaluationConfig, Excerpt

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Case:
    """References, each (frames,), at `sample_rate`; the mixture is their sum."""

    name: str
    sample_rate: int
    references: dict[str, NDArray[np.float32]]

    @property
    def mixture(self) -> NDArray[np.float32]:
        """The sum of the references, (frames,)."""
        total: NDArray[np.float32] = np.sum(list(self.references.values()), axis=0)
        return total


def kept_out_mixtures(
    config: EvaluationConfig, data_dir: Path, *, cache: Path | None = None
) -> Iterator[Case]:
    """Yield mixtures of the takes that `config.data.test` keeps out; the same ones every time.

    Raises
    ------
    ConfigError
        `data_dir` is missing or does not hold what `config.data` names.
    """
    bank = load_bank(data_dir, config.data, test=True, cache=cache)
    mixer = Mixer(bank, config.mix, seed=config.seed)
    for number in range(config.mixtures):
        stems = mixer.draw(np.random.default_rng([config.seed, number]))
        references = dict(zip(MIXED_STEMS, stems, strict=True))
        yield Case(f"mixture {number + 1}", SAMPLE_RATE, references)


def real_excerpt(name: str, excerpt: Excerpt, data_dir: Path) -> Case:
    """Read a multitrack; microphones of one instrument are summed.

    Raises
    ------
    ConfigError
        A stem has no files, or they differ in rate or length, or one is not mono.
    AudioReadError
        A file is missing or cannot be decoded.
    """
    folder = data_dir / excerpt.folder
    references: dict[str, NDArray[np.float32]] = {}
    shapes = set()
    rate = 0
    for stem, files in excerpt.stems.items():
        if not files:
            raise ConfigError(f"{name}: no files for {stem}; name them, or leave the stem out")
        parts = [read_audio(folder / file) for file in files]
        shapes |= {(audio.shape, sample_rate) for audio, sample_rate in parts}
        if len(shapes) != 1 or parts[0][0].shape[0] != 1:
            raise ConfigError(f"{folder}: the stems must be mono and equal in rate and length")
        references[stem] = np.sum([audio[0] for audio, _ in parts], axis=0, dtype=np.float32)
        rate = parts[0][1]
    if not references:
        raise ConfigError(f"{name}: no stems; name their files below {folder}")
    return Case(name, rate, references)
