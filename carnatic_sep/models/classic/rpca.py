"""Robust PCA: a spectrogram as a low-rank part (what repeats) and a sparse one (what sings)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def robust_pca(
    matrix: NDArray[np.float32], *, iterations: int = 60, tolerance: float = 1e-5
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Split `matrix` into (low-rank, sparse), which sum to it within `tolerance` of its norm.

    Minimises nuclear norm of the first plus ``1 / sqrt(larger side)`` times the absolute sum of
    the second, by the inexact augmented Lagrangian method.

    Parameters
    ----------
    matrix : (rows, columns)
    iterations : at most
    tolerance : stop when the residual's Frobenius norm is below this share of the matrix's

    Source: Lin, Chen and Ma, "The augmented Lagrange multiplier method for exact recovery of
    corrupted low-rank matrices", 2010; for singing: Huang et al., "Singing-voice separation from
    monaural recordings using robust principal component analysis", ICASSP 2012.
    """
    size = float(np.linalg.norm(matrix))
    if size == 0.0:
        return matrix.copy(), np.zeros_like(matrix)
    weight = 1.0 / np.sqrt(max(matrix.shape))
    spectral = float(np.sqrt(np.linalg.eigvalsh(_gram(matrix))[-1]))
    dual = matrix / max(spectral, float(np.abs(matrix).max()) / weight)
    penalty = 1.25 / spectral
    limit = penalty * 1e7
    sparse = np.zeros_like(matrix)
    low = np.zeros_like(matrix)
    for _ in range(iterations):
        low = _shrink_singular_values(matrix - sparse + dual / penalty, 1.0 / penalty)
        rest = matrix - low + dual / penalty
        sparse = np.sign(rest) * np.maximum(np.abs(rest) - weight / penalty, 0.0)
        gap = matrix - low - sparse
        if np.linalg.norm(gap) < tolerance * size:
            break
        dual = dual + penalty * gap
        penalty = min(1.5 * penalty, limit)
    return low.astype(np.float32), sparse.astype(np.float32)


def _gram(matrix: NDArray[np.float32]) -> NDArray[np.float64]:
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    double = wide.astype(np.float64)
    return np.asarray(double @ double.T)


def _shrink_singular_values(matrix: NDArray[np.float32], by: float) -> NDArray[np.float32]:
    """Lower every singular value by `by`, to 0 at least; from the eigenvectors of the smaller side.

    Those are far quicker than a full decomposition of a long spectrogram.
    """
    tall = matrix.shape[0] > matrix.shape[1]
    wide = matrix.T if tall else matrix
    values, vectors = np.linalg.eigh(_gram(wide))
    singular = np.sqrt(np.maximum(values, 0.0))
    kept = singular > by
    if not kept.any():
        return np.zeros_like(matrix)
    basis = vectors[:, kept]
    gains = 1.0 - by / singular[kept]
    shrunk = (basis * gains) @ (basis.T @ wide.astype(np.float64))
    result = shrunk.T if tall else shrunk
    return np.asarray(result, dtype=np.float32)
