"""The same analysis for each contender, and how far its answer is from what is known."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
from pieces import Piece

from carnatic_sep.analysis.distribution import distance, distribution
from carnatic_sep.analysis.levels import Levels, block_levels
from carnatic_sep.analysis.octaves import lowered
from carnatic_sep.analysis.pitch import RANGES_HZ, PitchTrack, track_pitch
from carnatic_sep.analysis.tonic import find_tonic
from carnatic_sep.analysis.voicing import gate
from carnatic_sep.analysis.windows import RATE
from carnatic_sep.errors import AnalysisError
from carnatic_sep.metrics.melody import Melody, drone_locking, gamaka_fidelity, melody_scores
from carnatic_sep.metrics.rhythm import detect_onsets, onset_scores

CAPTURE_CENTS = 50.0


def score_piece(piece: Piece, stems: dict[str, np.ndarray]) -> dict[str, float | None]:
    """Analyse the stems, or the mixture where there are none, and score what was found.

    Melody: Melodia. On stems as ``carnatic-sep analyze`` does it: octaves set right by the partials
    of the voice, and unvoiced where the stem is silent. ``plain_accuracy`` is without either, and
    ``octave_accuracy`` with the first, on mixtures too.
    """
    mixture, rate = piece.read_mixture()
    voice = stems.get("vocals", mixture)
    plain = track_pitch(voice, rate, tracker="melodia")
    octaves = _octaves(plain, voice, rate)
    found = gated(octaves, stems, rate) if stems else plain
    scores = {
        **melody_measures(piece, found),
        "plain_accuracy": _accuracy(piece, plain),
        "octave_accuracy": _accuracy(piece, octaves),
    }
    scores["tonic_cents"] = _tonic(piece, mixture, stems.get("other"), found, rate)
    if piece.strokes is not None:
        drum = stems.get("mridangam", mixture)
        onsets = detect_onsets(drum, sample_rate=rate)
        scores["onset_f"] = onset_scores(piece.strokes, onsets).f_measure
    return {name: None if np.isnan(value) else float(value) for name, value in scores.items()}


def gated(found: PitchTrack, stems: dict[str, np.ndarray], rate: int) -> PitchTrack:
    """Unvoice a melody where the stem of the voice is silent; as it is without stems."""
    return gate(found, _levels(stems, rate)) if stems else found


def melody_measures(piece: Piece, found: PitchTrack) -> dict[str, float]:
    """Score a melody."""
    truth, estimate = piece.voice, found.melody
    wide = melody_scores(_known(piece), estimate)
    narrow = melody_scores(_known(piece), estimate, tolerance_cents=25.0)
    gamaka = gamaka_fidelity(truth, estimate)
    scores = {
        **asdict(wide),
        "raw_pitch_25": narrow.raw_pitch,
        "overall_accuracy_25": narrow.overall_accuracy,
        "octave_errors": wide.raw_chroma - wide.raw_pitch,
        "gamaka_correlation": gamaka.correlation,
        "gamaka_rms_cents": gamaka.rms_cents,
        "gamaka_seconds": gamaka.seconds,
        "drone_locking": drone_locking(truth, estimate, tonic_hz=piece.tonic_hz),
        "histogram_distance": _histogram(piece, found),
    }
    if piece.violin is not None:
        scores["violin_capture"] = _capture(truth, piece.violin, estimate)
    return scores


def _accuracy(piece: Piece, found: PitchTrack) -> float:
    return melody_scores(_known(piece), found.melody).overall_accuracy


def _known(piece: Piece) -> Melody:
    """Return the truth at the times at which it is known."""
    at = slice(None) if piece.known is None else piece.known
    return Melody(piece.voice.times[at], piece.voice.f0[at])


def _octaves(found: PitchTrack, audio: np.ndarray, rate: int) -> PitchTrack:
    assert rate == RATE, "octaves are checked at 44.1 kHz"
    lowest = RANGES_HZ["vocals"][0]
    return replace(found, f0=lowered(audio.mean(axis=0), found.times, found.f0, lowest_hz=lowest))


def _histogram(piece: Piece, found: PitchTrack) -> float:
    hop = found.hop_seconds
    truth = piece.voice.at(found.times)
    known = PitchTrack(truth, np.ones(len(truth)), hop)
    try:
        return distance(distribution(known, piece.tonic_hz), distribution(found, piece.tonic_hz))
    except AnalysisError:
        return float("nan")


def _capture(voice: Melody, violin: Melody, estimate: Melody) -> float:
    """Return the share of vocal rests with violin in which the estimate follows the violin."""
    bowed, heard = violin.at(voice.times), estimate.at(voice.times)
    rest = (voice.f0 == 0.0) & (bowed > 0.0)
    if rest.sum() * 0.01 < 0.5:
        return float("nan")
    apart = np.abs(1200.0 * np.log2(np.maximum(heard, 1e-3) / np.maximum(bowed, 1e-3)))
    return float(np.mean((heard[rest] > 0.0) & (apart[rest] <= CAPTURE_CENTS)))


def _tonic(
    piece: Piece, mixture: np.ndarray, other: np.ndarray | None, found: PitchTrack, rate: int
) -> float:
    """Return how far the tonic found is from the known one, octaves forgiven, cents."""
    with TemporaryDirectory() as folder:
        paths: list[Path | None] = []
        for name, audio in (("mixture", mixture), ("other", other)):
            path = Path(folder) / f"{name}.wav"
            if audio is not None:
                soundfile.write(path, audio.T, rate, subtype="FLOAT")
            paths.append(path if audio is not None else None)
        try:
            hz = find_tonic(paths[0], drone=paths[1], f0=found.f0).hz
        except AnalysisError:
            return float("nan")
    cents = 1200.0 * np.log2(hz / piece.tonic_hz)
    return float(abs((cents + 600.0) % 1200.0 - 600.0))


def _levels(stems: dict[str, np.ndarray], rate: int) -> Levels:
    assert rate == RATE, "levels are measured at 44.1 kHz"
    return Levels({name: block_levels([audio.mean(axis=0)]) for name, audio in stems.items()})
