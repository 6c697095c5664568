"""The registry: what it holds, what it asks for, and what it makes of odd input."""

from __future__ import annotations

import math

import numpy as np
import pytest

from carnatic_sep.errors import UnknownNameError
from carnatic_sep.metrics.leakage import lc_sar, lc_sir, lw_sdr, psd_sir
from carnatic_sep.metrics.material import Material
from carnatic_sep.metrics.melody import Melody
from carnatic_sep.metrics.registry import METRICS, score, select
from carnatic_sep.stems import MRIDANGAM, VIOLIN, VOCALS

pytest.importorskip("mir_eval", reason="mir_eval is not installed (extra: eval)")
RATE = 8000
STEMS = (VOCALS, VIOLIN, MRIDANGAM)
UNITS = {"dB", "share", "points", "cents", "correlation"}


def _stems(seconds: float = 4.0, channels: int | None = None) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    frames = round(seconds * RATE)
    time = np.arange(frames) / RATE

    def tone(f0: float) -> np.ndarray:
        wave = 2 * np.pi * f0 * time + 0.8 * np.sin(2 * np.pi * 6 * time)
        return 0.05 * np.sum([np.sin(k * wave + k) / k for k in range(1, 6)], axis=0)

    beats = np.exp(-(time % 0.25) / 0.03) * rng.standard_normal(frames) * 0.1
    found = {VOCALS: tone(220.0), VIOLIN: tone(330.0 * 1.06), MRIDANGAM: beats}
    found[VOCALS] = found[VOCALS] * ((time < 1.2) | (time > 2.8))
    if channels:
        found = {stem: np.stack([audio] * channels) for stem, audio in found.items()}
    return {stem: audio.astype(np.float32) for stem, audio in found.items()}


def _material(*, mixed: float = 0.2, seconds: float = 4.0, channels: int | None = None) -> Material:
    clean = _stems(seconds, channels)
    total = np.sum(list(clean.values()), axis=0)
    return Material(
        RATE,
        {stem: (1 - mixed) * audio + mixed * total for stem, audio in clean.items()},
        {stem: 0.95 * audio + 0.05 * total for stem, audio in clean.items()},
        mixture=total,
        cleaned=clean,
        silent={VOCALS: [(1.2, 2.8)] if seconds > 3 else []},
        tonic_hz=200.0,
    )


def test_every_metric_says_what_it_is() -> None:
    assert {"sdr", "csdr", "si_sdr", "usdr", "bsseval_sir"} <= set(METRICS)
    assert {"lc_sdr", "lc_sir", "lc_sar", "slr", "lw_sdr", "psd_sir", "ceiling"} <= set(METRICS)
    assert {"bleedless", "fullness", "raw_pitch_25", "gamaka_rms", "confusion"} <= set(METRICS)
    for name, spec in METRICS.items():
        assert spec.name == name
        assert spec.unit in UNITS
        assert spec.better in ("higher", "lower")
        assert spec.source
        assert spec.needs


def test_selection_by_name_and_group() -> None:
    assert [spec.name for spec in select(["lw_sdr", "sdr"])] == ["sdr", "lw_sdr"]
    assert {spec.group for spec in select(["rhythm"])} == {"rhythm"}
    assert not any(spec.costly for spec in select())
    assert any(spec.costly for spec in select(costly=True))
    with pytest.raises(UnknownNameError, match="lc_sdr"):
        select(["lcsdr"])


def test_a_whole_track_is_scored_and_agrees_with_the_functions() -> None:
    material = _material()
    vocals = score(material, VOCALS)
    wanted = {spec.name for spec in select() if not spec.stems or VOCALS in spec.stems}
    assert set(vocals) == wanted
    assert all(isinstance(value, float) for value in vocals.values())
    stems = np.stack([material.cleaned[stem] for stem in STEMS])
    estimate = material.estimates[VOCALS]
    assert vocals["lc_sir"] == pytest.approx(lc_sir(stems, estimate, 0, sample_rate=RATE), abs=1e-3)
    assert vocals["lc_sar"] == pytest.approx(lc_sar(stems, estimate), abs=1e-3)
    assert vocals["psd_sir"] == pytest.approx(psd_sir(stems, estimate, 0, sample_rate=RATE))
    assert vocals["lw_sdr"] == pytest.approx(
        lw_sdr(material.references[VOCALS], stems[0], estimate, sample_rate=RATE)
    )
    assert vocals["raw_pitch_50"] > 0.8
    mridangam = score(material, MRIDANGAM)
    assert "raw_pitch_50" not in mridangam
    assert "slr" not in mridangam  # nobody said where it rests
    assert mridangam["onset_f"] > 0.8


def test_worse_estimates_score_worse() -> None:
    good, bad = score(_material(mixed=0.1), VOCALS), score(_material(mixed=0.5), VOCALS)
    for name in ("sdr", "usdr", "csdr", "lc_sdr", "lc_csdr", "lc_sir", "slr", "lw_sdr", "psd_sir"):
        assert good[name] > bad[name] + 3.0, name
    assert good["confusion"] < bad["confusion"] - 3.0
    assert good["bleedless"] > bad["bleedless"]
    assert good["ceiling"] == bad["ceiling"]


def test_metrics_by_the_second() -> None:
    pytest.importorskip("simplejson", reason="museval is not installed (extra: eval)")
    material = _material()
    for name in ("csdr", "lc_sdr", "bsseval_sar"):
        spec = METRICS[name]
        assert spec.frames is not None
        assert spec.frames(material, VIOLIN).shape == (4,)
    # Museval leaves out a second in which any stem is silent, all stems of it.
    vocals = METRICS["bsseval_sdr"].frames(material, VOCALS)
    assert np.isfinite(vocals).all()


def test_without_references_what_needs_none_is_left() -> None:
    stems = _stems()
    mixture = np.sum(list(stems.values()), axis=0)
    times = np.arange(400) * 0.01
    voice = Melody(times, np.where((times < 1.2) | (times > 2.8), 220.0, 0.0))
    material = Material(
        RATE, stems, mixture=mixture, silent={VOCALS: [(1.2, 2.8)]}, melody={VOCALS: voice}
    )
    found = score(material, VOCALS)
    assert found["slr"] == math.inf
    assert found["raw_pitch_50"] > 0.9
    assert "sdr" not in found
    assert "lc_sdr" not in found
    assert "confusion" not in found


@pytest.mark.parametrize("seconds", [1 / RATE, 0.01, 0.5])
@pytest.mark.parametrize("channels", [None, 2])
def test_scraps_are_scored_or_not_a_number(seconds: float, channels: int | None) -> None:
    material = _material(seconds=seconds, channels=channels)
    for stem in STEMS:
        for name, value in score(material, stem).items():
            assert isinstance(value, float), name


@pytest.mark.parametrize("what", ["silent estimate", "silent reference", "all silent", "same"])
def test_silence_and_identity_are_defined(what: str) -> None:
    clean = _stems()
    zero = {stem: 0 * audio for stem, audio in clean.items()}
    estimates = zero if what in ("silent estimate", "all silent") else clean
    references = zero if what in ("silent reference", "all silent") else clean
    mixture = np.sum(list(references.values()), axis=0)
    material = Material(
        RATE,
        estimates,
        references,
        mixture=mixture,
        cleaned=references,
        silent={stem: [(0.0, 2.0)] for stem in STEMS},
        tonic_hz=200.0,
    )
    scores = {stem: score(material, stem, metrics=select(costly=True)) for stem in STEMS}
    vocals = scores[VOCALS]
    if what == "same":
        assert vocals["sdr"] == math.inf
        assert vocals["si_sdr"] == math.inf
        assert vocals["raw_pitch_25"] == 1.0
        assert vocals["gamaka_rms"] == 0.0
        assert vocals["bleedless"] == 100.0
        assert scores[MRIDANGAM]["onset_f"] == 1.0
        assert scores[MRIDANGAM]["stroke_left"] == 0.0
    if what == "silent estimate":
        assert vocals["sdr"] == pytest.approx(0.0)
        assert vocals["si_sdr"] == -math.inf
        assert vocals["slr"] == math.inf
        assert math.isnan(vocals["lc_sir"])
        assert vocals["voicing_recall"] == 0.0
        assert scores[MRIDANGAM]["onset_recall"] == 0.0
    if what == "silent reference":
        assert vocals["sdr"] == -math.inf
        assert math.isnan(vocals["si_sdr"])
        assert math.isnan(vocals["raw_pitch_50"])
    if what != "same":
        assert math.isnan(vocals["bsseval_sdr"])
    if what == "all silent":
        assert math.isnan(vocals["sdr"])
        assert vocals["usdr"] == 0.0
        assert math.isnan(vocals["lw_sdr"])


def test_bad_material_is_named() -> None:
    mono, stereo = np.ones(8), np.ones((2, 8))
    with pytest.raises(ValueError, match=r"reference of vocals has shape \(2, 8\) but estimate"):
        Material(RATE, {VOCALS: mono}, {VOCALS: stereo})
    with pytest.raises(ValueError, match=r"mixture has shape \(7,\)"):
        Material(RATE, {VOCALS: mono}, mixture=mono[:7])
    with pytest.raises(ValueError, match="estimates without a reference: violin"):
        Material(RATE, {VOCALS: mono, VIOLIN: mono}, {VOCALS: mono})
    with pytest.raises(ValueError, match="cleaned reference of violin .* NaN"):
        Material(RATE, {VOCALS: mono}, cleaned={VIOLIN: mono * np.nan})
    with pytest.raises(ValueError, match="no signal"):
        Material(RATE, {})
    with pytest.raises(ValueError, match=r"\(0,\)"):
        Material(RATE, {VOCALS: mono[:0]})
    with pytest.raises(ValueError, match="sample rate"):
        Material(0, {VOCALS: mono})
    with pytest.raises(ValueError, match="tonic"):
        Material(RATE, {VOCALS: mono}, tonic_hz=-1.0)
    with pytest.raises(ValueError, match="runs backwards"):
        Material(RATE, {VOCALS: mono}, silent={VOCALS: [(2.0, 1.0)]})
    with pytest.raises(UnknownNameError, match="violin"):
        score(Material(RATE, {VOCALS: mono}), VIOLIN)
