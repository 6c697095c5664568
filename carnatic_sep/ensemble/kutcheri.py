"""A kutcheri with known truth: score, dry players, stage, desk, mastering."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.ensemble.composition import Piece, compose_piece
from carnatic_sep.ensemble.config import EnsembleConfig, Rendering
from carnatic_sep.ensemble.desk import Desk, draw_desk
from carnatic_sep.ensemble.hall import draw_hall
from carnatic_sep.ensemble.mastering import gain_curve
from carnatic_sep.ensemble.players import Players, SideInstruments, at_level, rule_violin
from carnatic_sep.ensemble.score import Score, Spans, generator, spans
from carnatic_sep.ensemble.stage import Stage
from carnatic_sep.errors import UsageError
from carnatic_sep.stems import DEFAULT_STEMS, MRIDANGAM, OTHER, VIOLIN, VOCALS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Audio = NDArray[np.float32]

LOWEST_RATE, HIGHEST_RATE = 8000, 192000
_HOP_SECONDS = 0.02
_ACTIVE_DB = -40.0


class Ensemble:
    """Renders pieces; what they share is made once.

    Parameters
    ----------
    players : voice, violin and mridangam; by rule if not given
    config : see :class:`EnsembleConfig`
    sample_rate : Hz, 8000 to 192000

    Raises
    ------
    UsageError
        A rate out of range, or a hall that needs an extra which is not installed.
    """

    def __init__(
        self,
        players: Players | None = None,
        *,
        config: EnsembleConfig | None = None,
        sample_rate: int = 44100,
    ) -> None:
        if not LOWEST_RATE <= sample_rate <= HIGHEST_RATE:
            raise UsageError(
                f"sample rate must lie between {LOWEST_RATE} and {HIGHEST_RATE} Hz, "
                f"not {sample_rate}"
            )
        self.players = players or Players()
        self.config = config or EnsembleConfig()
        self.sample_rate = sample_rate
        self._side = SideInstruments(sample_rate=sample_rate, seed=self.config.seed)
        self._stages: dict[int, Stage] = {}

    def compose(
        self, *, seconds: float, seed: int, form: str | None = None, tonic_hz: float | None = None
    ) -> Score:
        """Write a piece without playing it; see :meth:`render`."""
        return self._compose(seconds, seed, form, tonic_hz).score

    def render(
        self,
        *,
        seconds: float,
        seed: int,
        form: str | None = None,
        tonic_hz: float | None = None,
        bleeding: bool = False,
    ) -> Rendering:
        """Compose and play a piece.

        Parameters
        ----------
        seconds : length, at least 1
        seed : the same seed gives the same bytes
        form : one of :data:`carnatic_sep.ensemble.score.FORMS`; drawn if None
        tonic_hz : Sa of the whole ensemble; drawn if None
        bleeding : whether to return what each microphone adds to the mix as well

        Raises
        ------
        UsageError, UnknownNameError
            A length, seed or form that cannot be.
        """
        return self._play(self._compose(seconds, seed, form, tonic_hz), bleeding=bleeding)

    def play(self, score: Score, *, bleeding: bool = False) -> Rendering:
        """Play a score as it is written, whoever sings; see :meth:`render`."""
        return self._play(Piece(score), bleeding=bleeding)

    def _compose(
        self, seconds: float, seed: int, form: str | None, tonic_hz: float | None
    ) -> Piece:
        return compose_piece(
            self.players,
            self.config,
            seconds=seconds,
            seed=seed,
            sample_rate=self.sample_rate,
            form=form,
            tonic_hz=tonic_hz,
        )

    def _play(self, piece: Piece, *, bleeding: bool) -> Rendering:
        score, config, seed = piece.score, self.config, piece.score.seed
        desk = self._desk(seed)
        frames = round(score.seconds * self.sample_rate)
        dry = self._dry(piece, desk, frames)
        audience = {name: dry.pop(name) for name in ("clap", "hall") if name in dry}
        if config.staged:
            stage = self._stage(int(generator(seed, "hall").integers(config.halls)))
            staged = stage.sound(dry, desk, rng=generator(seed, "reverb"), strips=bleeding)
            images, strips = staged.images, staged.strips
        else:
            images = {n: _panned(sound, desk.channels[n].pan_gains) for n, sound in dry.items()}
            strips = dict(images) if bleeding else {}
        loose = {
            name: sound if sound.ndim == 2 else _panned(sound, desk.channels[name].pan_gains)
            for name, sound in audience.items()
        }
        stems = _gathered(images | loose, frames)
        microphones = _gathered(strips | loose, frames) if bleeding else {}
        curve = gain_curve(
            _sum(stems), desk.mastering, sample_rate=self.sample_rate, steady=not config.mastered
        )
        for sounds in (stems, microphones):
            for sound in sounds.values():
                sound *= curve
        active = {name: self._activity(stem) for name, stem in stems.items()}
        return Rendering(
            replace(score, activity=active), stems, microphones, desk, self.sample_rate
        )

    def _dry(self, piece: Piece, desk: Desk, frames: int) -> dict[str, Audio]:
        """Let everybody play, dry and mono, at the level at which they stand in the mix."""
        rate, seed, beside = self.sample_rate, piece.score.seed, piece.part(OTHER)
        sung = piece.sung
        if sung is None:
            sung = self.players.voice(piece.score, frames, rate, generator(seed, VOCALS))
        strike = self.players.mridangam
        dry: dict[str, Audio] = {
            VOCALS: sung,
            VIOLIN: self._violin(piece, frames),
            MRIDANGAM: strike(piece.part(MRIDANGAM), frames, rate, generator(seed, MRIDANGAM)),
            "tanpura": self._side.tanpura(beside, frames=frames, rng=generator(seed, "tanpura")),
            "hall": self._side.hall(frames=frames, rng=generator(seed, "audience")),
        }
        for name in sorted({stroke.instrument for stroke in beside.strokes} - {MRIDANGAM}):
            rng = generator(seed, name)
            dry[name] = self._side.percussion(name, beside, frames=frames, rng=rng)
        return {name: at_level(sound, desk.channels[name].level_db) for name, sound in dry.items()}

    def _violin(self, piece: Piece, frames: int) -> Audio:
        score, rng, violins = piece.part(VIOLIN), generator(piece.score.seed, VIOLIN), None
        if not piece.by_rule:
            violins = self.players.violins
        if violins is None:
            bow = rule_violin if piece.by_rule else self.players.violin
            return bow(score, frames, self.sample_rate, rng)
        variety = self.config.violin_variety
        return violins.play(
            score.violin,
            tonic_hz=score.tonic_hz,
            frames=frames,
            sample_rate=self.sample_rate,
            rng=rng,
            casting=violins.cast(generator(piece.score.seed, "violinist"), variety=variety),
        )

    def _desk(self, seed: int) -> Desk:
        """Draw a piece's desk; what is switched off moves none of the other dice."""
        config = self.config
        desk = draw_desk(generator(seed, "desk"), config.desk)
        if config.bleed_db is not None:
            bleed = float(generator(seed, "bleed").uniform(*config.bleed_db))
            desk = replace(desk, bleed_db=bleed)
        if not config.equalised:
            desk = desk.without_tone()
        return desk if config.reverb else replace(desk, reverb_db=None)

    def _stage(self, index: int) -> Stage:
        if index not in self._stages:
            config = self.config
            recording = None
            if config.recordings and config.hall != "open" and index % 2:
                recording = config.recordings[index // 2 % len(config.recordings)]
            self._stages[index] = Stage(
                draw_hall(
                    1000 * config.seed + index,
                    sample_rate=self.sample_rate,
                    kind=config.hall,
                    recording=recording,
                )
            )
        return self._stages[index]

    def _activity(self, stem: Audio) -> Spans:
        """Return when a stem sounds: within 40 dB of its loudest 20 ms."""
        hop = int(_HOP_SECONDS * self.sample_rate)
        whole = stem.shape[1] // hop * hop
        level = np.sqrt(np.square(stem[:, :whole].reshape(2, -1, hop)).mean(axis=(0, 2)))
        loudest = float(level.max(initial=0.0))
        if loudest < 1e-6:
            return ()
        return spans(
            level / loudest,
            rate=1.0 / _HOP_SECONDS,
            threshold=10.0 ** (_ACTIVE_DB / 20.0),
            shortest_gap_seconds=0.1,
        )


def _panned(sound: Audio, gains: NDArray[np.float32]) -> Audio:
    return np.asarray(gains[:, None] * sound, dtype=np.float32)


def _gathered(sounds: Mapping[str, Audio], frames: int) -> dict[str, Audio]:
    """Sum what has no stem of its own into other; stems in their usual order."""
    stems = {name: np.zeros((2, frames), dtype=np.float32) for name in DEFAULT_STEMS}
    for name, sound in sounds.items():
        stems[name if name in stems else OTHER] += sound
    return stems


def _sum(stems: Mapping[str, Audio]) -> Audio:
    return np.asarray(np.sum(list(stems.values()), axis=0), dtype=np.float32)
