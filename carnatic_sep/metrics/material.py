"""All that a metric may look at: one track's stems, estimates and what is known of the music."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.metrics.melody import Melody
    from carnatic_sep.metrics.msst import BleedFull
    from carnatic_sep.metrics.museval import BssEval
    from carnatic_sep.metrics.prepared import Prepared
    from carnatic_sep.metrics.projection import Energies

    Audio = NDArray[np.floating]

Spans = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Material:
    """One track as the metrics of the registry take it.

    Every signal is (channels, frames) or (frames,), all of one shape.

    Attributes
    ----------
    sample_rate : Hz
    estimates : stem name -> what a system separated
    references : stem name -> the recorded stem, which may bleed; may hold stems that no estimate
        answers to, and may be empty where no stems are known
    mixture : what the system was given
    cleaned : stem name -> the stem after :func:`carnatic_sep.leakage.clean`; never made with the
        system that is scored
    silent : stem name -> spans (start, end) in seconds in which that stem rests, from annotation
        or from :mod:`carnatic_sep.leakage.activity`
    melody : stem name -> annotated or otherwise trusted melody; without it the cleaned (or the
        recorded) reference is tracked
    tonic_hz : pitch of Sa
    prepared : projections on `cleaned`, where several systems share them; made here if None

    Raises
    ------
    ValueError
        Signals of different shapes (mono against stereo, say), an estimate of a stem that the
        references lack, NaN or infinite samples, no samples, spans that are not in order; each
        message names the signal.
    """

    sample_rate: int
    estimates: Mapping[str, Audio]
    references: Mapping[str, Audio] = field(default_factory=dict)
    mixture: Audio | None = None
    cleaned: Mapping[str, Audio] | None = None
    silent: Mapping[str, Spans] | None = None
    melody: Mapping[str, Melody] | None = None
    tonic_hz: float | None = None
    prepared: Prepared | None = None
    _melodies: dict[tuple[str, str], Melody] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _bleed_full: dict[str, BleedFull] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if self.sample_rate <= 0:
            raise ValueError(f"the sample rate must be positive, not {self.sample_rate} Hz")
        if self.tonic_hz is not None and not self.tonic_hz > 0.0:
            raise ValueError(f"the tonic must be positive, not {self.tonic_hz} Hz")
        signals = list(self._signals())
        if not signals:
            raise ValueError("no signal to score: give at least one estimate")
        first_name, first = signals[0]
        for name, signal in signals:
            if signal.ndim not in (1, 2) or signal.size == 0:
                raise ValueError(
                    f"{name} has shape {signal.shape}; (frames,) or (channels, frames) is expected"
                )
            if signal.shape != first.shape:
                raise ValueError(
                    f"{name} has shape {signal.shape} but {first_name} has shape {first.shape}; "
                    "all must have one length and one number of channels"
                )
            if not np.all(np.isfinite(signal)):
                raise ValueError(f"{name} of shape {signal.shape} holds NaN or infinite samples")
        extra = sorted(set(self.estimates) - set(self.references)) if self.references else []
        if extra:
            raise ValueError(
                f"estimates without a reference: {', '.join(extra)}; references are given for "
                f"{', '.join(self.references)}"
            )
        for stem, spans in (self.silent or {}).items():
            for start, end in spans:
                if not 0.0 <= start <= end:
                    raise ValueError(f"silent span ({start}, {end}) s of {stem} runs backwards")

    @property
    def frames(self) -> int:
        """Length of every signal."""
        return int(next(self._signals())[1].shape[-1])

    def melody_of(self, stem: str) -> Melody:
        """Return the melody of `stem` to compare with: as given, or tracked in its reference."""
        from carnatic_sep.metrics.tonal import reference_melody

        key = ("reference", stem)
        if key not in self._melodies:
            self._melodies[key] = reference_melody(self, stem)
        return self._melodies[key]

    def estimated_melody(self, stem: str) -> Melody:
        """Return the melody tracked in the estimate of `stem`."""
        from carnatic_sep.metrics.tonal import tracked

        key = ("estimate", stem)
        if key not in self._melodies:
            self._melodies[key] = tracked(self.estimates[stem], stem, self.sample_rate)
        return self._melodies[key]

    def bleed_full(self, stem: str) -> BleedFull:
        """Return MSST's two numbers for `stem`, computed together and once."""
        from carnatic_sep.metrics.msst import bleed_full

        if stem not in self._bleed_full:
            self._bleed_full[stem] = bleed_full(
                self.references[stem], self.estimates[stem], sample_rate=self.sample_rate
            )
        return self._bleed_full[stem]

    @cached_property
    def bsseval(self) -> tuple[list[str], BssEval | None]:
        """Stems that museval can score, and its scores of all of them together."""
        from carnatic_sep.metrics.standard import bsseval_of

        return bsseval_of(self)

    @cached_property
    def subbands(self) -> Energies:
        """Projections of all estimates on the cleaned stems, in subbands."""
        from carnatic_sep.metrics.bleed import subbands_of

        return subbands_of(self)

    @cached_property
    def filters(self) -> Energies:
        """Projections of all estimates on the cleaned stems, with BSSEval's filters."""
        from carnatic_sep.metrics.bleed import filters_of

        return filters_of(self)

    @cached_property
    def band_shares(self) -> NDArray[np.float64]:
        """Power of each cleaned stem in each estimate, (estimates, stems)."""
        from carnatic_sep.metrics.bleed import band_shares_of

        return band_shares_of(self)

    def _signals(self) -> Iterator[tuple[str, Audio]]:
        for stem, signal in self.estimates.items():
            yield f"estimate of {stem}", np.asarray(signal)
        for stem, signal in self.references.items():
            yield f"reference of {stem}", np.asarray(signal)
        for stem, signal in (self.cleaned or {}).items():
            yield f"cleaned reference of {stem}", np.asarray(signal)
        if self.mixture is not None:
            yield "mixture", np.asarray(self.mixture)
