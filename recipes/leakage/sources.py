"""Dry sources for simulated kutcheris, drawn from solo recordings, and kept between runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

SAMPLE_RATE = 16000
SECONDS = 12.0
_CONFIG = Path(__file__).with_name("sources.yaml")


def draw_sources(data: Path, cache: Path, *, pieces: int, test: bool) -> list[dict]:
    """Return `pieces` sets of stems, each name to (frames,) at 16 kHz."""
    side = "reported" if test else "development"
    path = cache / f"bleed-sources-{side}-{pieces}-{SECONDS:g}s.npz"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        growing = path.with_name(path.name + ".partial.npz")
        np.savez(growing, **_draw(data, cache, pieces=pieces, test=test))
        growing.replace(path)
    with np.load(path) as kept:
        sets: list[dict] = [{} for _ in range(pieces)]
        for key in kept.files:
            number, name = key.split("/")
            sets[int(number)][name] = kept[key]
    return sets


def _draw(data: Path, cache: Path, *, pieces: int, test: bool) -> dict[str, np.ndarray]:
    import soxr
    import yaml

    from carnatic_sep.datasets.bank import SAMPLE_RATE as BANK_RATE
    from carnatic_sep.datasets.bank import load_bank
    from carnatic_sep.datasets.config import DataConfig, MixConfig
    from carnatic_sep.datasets.mixer import MIXED_STEMS, Mixer

    document = yaml.safe_load(_CONFIG.read_text(encoding="utf-8"))
    bank = load_bank(data, DataConfig(**document["data"]), test=test, cache=cache)
    mix = MixConfig(**(document["mix"] | {"seconds": SECONDS}))
    mixer = Mixer(bank, mix, seed=1 if test else 2)
    drawn = {}
    for number in range(pieces):
        stems = mixer.draw(np.random.default_rng([number, int(test)]))
        low = soxr.resample(stems.T, BANK_RATE, SAMPLE_RATE, "HQ").T.astype(np.float32)
        for name, stem in zip(MIXED_STEMS, low, strict=True):
            drawn[f"{number}/{name}"] = stem
    return drawn
