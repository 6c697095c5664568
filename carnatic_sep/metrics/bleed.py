"""The bleed-tolerant metrics as the registry calls them: (material, stem) -> a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.metrics.bands import share_db
from carnatic_sep.metrics.csdr import framewise_sdr
from carnatic_sep.metrics.leakage import ceiling_db, lc_csdr, lc_sdr, lw_sdr, slr
from carnatic_sep.metrics.prepared import Prepared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from carnatic_sep.metrics.material import Audio, Material
    from carnatic_sep.metrics.projection import Energies


def lc_sdr_of(material: Material, stem: str) -> float:
    """Return :func:`carnatic_sep.metrics.leakage.lc_sdr`."""
    return lc_sdr(_cleaned(material)[stem], material.estimates[stem])


def lc_csdr_of(material: Material, stem: str) -> float:
    """Return :func:`carnatic_sep.metrics.leakage.lc_csdr`."""
    return lc_csdr(
        _cleaned(material)[stem], material.estimates[stem], sample_rate=material.sample_rate
    )


def lc_framewise(material: Material, stem: str) -> NDArray[np.float64]:
    """Return the SDR against the cleaned reference by the second, (windows,)."""
    reference = np.asarray(_cleaned(material)[stem])[None]
    estimate = np.asarray(material.estimates[stem])[None]
    return np.asarray(
        framewise_sdr(reference, estimate, window_frames=max(1, material.sample_rate))[0]
    )


def lc_sir_of(material: Material, stem: str) -> float:
    """Return :func:`carnatic_sep.metrics.leakage.lc_sir`."""
    return material.subbands.sir_db(
        list(material.estimates).index(stem), list(_cleaned(material)).index(stem)
    )


def lc_sar_of(material: Material, stem: str) -> float:
    """Return :func:`carnatic_sep.metrics.leakage.lc_sar`."""
    return material.filters.sar_db(list(material.estimates).index(stem))


def psd_sir_of(material: Material, stem: str) -> float:
    """Return :func:`carnatic_sep.metrics.bands.psd_sir`."""
    shares = material.band_shares[list(material.estimates).index(stem)]
    return share_db(shares, list(_cleaned(material)).index(stem))


def lw_sdr_of(material: Material, stem: str) -> float:
    """Return :func:`carnatic_sep.metrics.trusted.lw_sdr`."""
    return lw_sdr(
        material.references[stem],
        _cleaned(material)[stem],
        material.estimates[stem],
        sample_rate=material.sample_rate,
    )


def slr_of(material: Material, stem: str) -> float:
    """Return :func:`carnatic_sep.metrics.leakage.slr`."""
    assert material.mixture is not None
    assert material.silent is not None
    return slr(
        material.mixture,
        material.estimates[stem],
        material.silent[stem],
        sample_rate=material.sample_rate,
    )


def ceiling_of(material: Material, stem: str) -> float:
    """Return :func:`carnatic_sep.metrics.leakage.ceiling_db` of the recorded stem."""
    return _ceiling(material, stem, material.references)


def lc_ceiling_of(material: Material, stem: str) -> float:
    """Return :func:`carnatic_sep.metrics.leakage.ceiling_db` of the cleaned stem."""
    return _ceiling(material, stem, _cleaned(material))


def subbands_of(material: Material) -> Energies:
    """Project all estimates on the cleaned stems, in subbands."""
    return _prepared(material).subbands.energies(_stack(material.estimates))


def filters_of(material: Material) -> Energies:
    """Project all estimates on the cleaned stems, as BSSEval does."""
    return _prepared(material).filters.energies(_stack(material.estimates))


def band_shares_of(material: Material) -> NDArray[np.float64]:
    """Explain the band powers of all estimates by those of the cleaned stems."""
    return _prepared(material).bands.shares(_stack(material.estimates))


def _prepared(material: Material) -> Prepared:
    return material.prepared or Prepared(material.sample_rate, _cleaned(material))


def _ceiling(material: Material, stem: str, references: Mapping[str, Audio]) -> float:
    assert material.silent is not None
    return ceiling_db(
        references[stem],
        material.silent[stem],
        sample_rate=material.sample_rate,
        mixture=material.mixture,
    )


def _cleaned(material: Material) -> Mapping[str, Audio]:
    assert material.cleaned is not None
    return material.cleaned


def _stack(signals: Mapping[str, Audio]) -> NDArray[np.floating]:
    return np.stack([np.asarray(signal) for signal in signals.values()])
