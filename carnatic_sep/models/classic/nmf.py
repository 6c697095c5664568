"""Non-negative factorisation of a spectrogram, and which of its components are strokes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TINY = 1e-9


def factorise(
    magnitude: NDArray[np.float32], *, components: int, iterations: int = 60, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return (spectra, activations) whose product is near `magnitude` in Kullback-Leibler.

    Parameters
    ----------
    magnitude : (bins, columns), not negative
    components : number of spectra
    seed : of the random start

    Returns
    -------
    spectra : (bins, components), each of sum 1
    activations : (components, columns)

    Source: Lee and Seung, "Algorithms for non-negative matrix factorization", NIPS 2000.
    """
    rng = np.random.default_rng(seed)
    bins, columns = magnitude.shape
    level = float(np.sqrt(magnitude.mean() / components)) + _TINY
    spectra = (level * rng.uniform(0.5, 1.5, (bins, components))).astype(np.float32)
    activations = (level * rng.uniform(0.5, 1.5, (components, columns))).astype(np.float32)
    for _ in range(iterations):
        ratio = magnitude / (spectra @ activations + _TINY)
        activations *= (spectra.T @ ratio) / (spectra.sum(axis=0)[:, None] + _TINY)
        ratio = magnitude / (spectra @ activations + _TINY)
        spectra *= (ratio @ activations.T) / (activations.sum(axis=1) + _TINY)
    sums = spectra.sum(axis=0) + _TINY
    return spectra / sums, activations * sums[:, None]


def strokes_and_drone(
    spectra: NDArray[np.float32], activations: NDArray[np.float32]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Say which components are strokes and which a drone; the others sing.

    A stroke changes quickly in time and smoothly along frequency, a note the other way round; a
    drone is a note whose activation hardly varies.

    Returns
    -------
    strokes, drone : (components,) each, never both true

    Source of the first rule: Canadas-Quesada et al., "Percussive/harmonic sound separation by
    non-negative matrix factorization with smoothness/sparseness constraints", EURASIP 2014.
    """
    in_time = _roughness(activations)
    in_frequency = _roughness(spectra.T)
    strokes = in_time > in_frequency
    spread = activations.std(axis=1) / (activations.mean(axis=1) + _TINY)
    drone = ~strokes & (spread < 0.5)
    return strokes, drone


def _roughness(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Squared steps between neighbours as a share of the energy, per row."""
    steps = np.square(np.diff(rows, axis=1)).sum(axis=1)
    return np.asarray(steps / (np.square(rows).sum(axis=1) + _TINY**2))
