"""What all tests share: real audio, a small folder of made-up solos, hypothesis' limits."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, settings

# Workers that compile librosa's functions into one folder at once leave a cache that crashes, so
# each has its own. Not `setdefault`: workers inherit the environment of the process that made them.
_numba_cache = tempfile.TemporaryDirectory(prefix="numba-", ignore_cleanup_errors=True)
os.environ["NUMBA_CACHE_DIR"] = _numba_cache.name
# A shell that runs us in the background makes us ignore Ctrl-C, which some tests send.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile(
    "carnatic-sep",
    deadline=None,
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.load_profile("carnatic-sep")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Real recordings: ``CARNATIC_SEP_DATA``, or ``../shared/data`` beside the repository."""
    named = os.environ.get("CARNATIC_SEP_DATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real recordings: {folder} does not exist (set CARNATIC_SEP_DATA)")
    return folder


RATE = 44100


def tone(f0: float, seconds: float, *, harmonics: int = 6, vibrato_cents: float = 0.0):
    """A harmonic tone, (frames,) at 44.1 kHz, RMS about 0.1."""
    time = np.arange(int(seconds * RATE)) / RATE
    cents = vibrato_cents * np.sin(2 * np.pi * 5 * time)
    phase = 2 * np.pi * np.cumsum(f0 * 2 ** (cents / 1200)) / RATE
    sound = sum(np.sin(k * phase + k * k) / k for k in range(1, harmonics + 1))
    return (0.1 * sound / np.sqrt(np.mean(np.square(sound)))).astype(np.float32)


@pytest.fixture(scope="session")
def solo_dir(tmp_path_factory) -> Path:
    """A data folder of made-up solos, laid out as the real one: two singers, notes, strokes."""
    root = tmp_path_factory.mktemp("solos")
    rng = np.random.default_rng(0)

    def write(name: str, audio) -> None:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, audio, RATE, subtype="FLOAT")

    for singer, f0 in (("Performer1", 180.0), ("Performer2", 240.0)):
        for number, start in enumerate((0.0, 2.5)):
            sung = tone(f0 * 1.2**number, 2.2, vibrato_cents=40)
            write(f"voice/alapana/{singer}_Todi_{start}_{start + 2.2}.wav", sung)
    (root / "voice" / "alapana_metadata.csv").write_text(
        "display_name,Tonic\nPerformer2_Todi,120.5\nPerformer1_Todi,unknown\n", encoding="utf-8"
    )
    for name, f0 in (("A4", 440.0), ("E4", 329.63), ("C#5", 554.37)):
        silence = np.zeros(RATE // 5, dtype=np.float32)
        write(f"violin/notes/{name}.wav", np.concatenate([silence, tone(f0, 0.7), silence]))
    for name, f0 in (("kept", 392.0), ("used", 523.0)):
        write(f"violin/bach/{name}_1.wav", tone(f0, 3.5, harmonics=10))
    for kind, f0 in (("tha", 300.0), ("din", 150.0), ("thom", 80.0)):
        for take in (1, 2):
            decay = np.exp(-12 * np.arange(RATE // 4) / RATE)
            write(f"mridangam/strokes/{kind}/{kind}-{take}.wav", tone(f0, 0.25) * decay)
    tail = rng.standard_normal(RATE // 2) * np.exp(-8 * np.arange(RATE // 2) / RATE)
    tail[:200] = 0.0
    tail[100] = 10.0
    write("rir/hall.wav", 0.05 * tail)
    (root / "MANIFEST.csv").write_text(
        "path,source_repository,licence\n"
        "voice/alapana/Performer1_Todi_0.0_2.2.wav,kept/out,CC0\n"
        "voice/alapana/Performer2_Todi_0.0_2.2.wav,some/voices,CC BY 4.0\n"
        "voice/alapana/Performer2_Todi_2.5_4.7.wav,some/voices,CC BY 4.0\n"
        "violin/notes/A4.wav,some/violins,MIT\n",
        encoding="utf-8",
    )
    return root


@pytest.fixture(scope="session")
def solo_split() -> dict[str, list[str]]:
    """The `data` section of a configuration for `solo_dir`."""
    return {
        "voice": ["voice/alapana/*"],
        "test": [
            "voice/alapana/Performer1_*",
            "violin/notes/E4.wav",
            "violin/bach/kept_*",
            "mridangam/strokes/*-2.wav",
        ],
    }


@pytest.fixture(scope="session")
def contour_cache(solo_dir: Path, solo_split, tmp_path_factory) -> Path:
    """A folder with the contours of the singers in `solo_dir`: tracking takes seconds."""
    from carnatic_sep.datasets.bank import load_bank
    from carnatic_sep.datasets.config import DataConfig

    cache = tmp_path_factory.mktemp("contours")
    for test in (False, True):
        load_bank(solo_dir, DataConfig(**solo_split), test=test, cache=cache)
    return cache


@pytest.fixture
def quick_accompaniment(monkeypatch) -> None:
    """Mixers whose tanpuras last 1 s and whose ghatam clicks: the real ones take seconds."""
    from carnatic_sep.datasets import accompaniment

    whole = accompaniment.tanpura

    def tanpura(seconds: float, *, sample_rate: int, rng):
        return whole(1.0, sample_rate=sample_rate, rng=rng)

    def click(*, sample_rate: int, rng):
        decay = np.exp(-np.arange(2000) / 300)
        return (rng.standard_normal(2000) * decay).astype(np.float32)

    monkeypatch.setattr(accompaniment, "tanpura", tanpura)
    monkeypatch.setattr(accompaniment, "ghatam_stroke", click)
    monkeypatch.setattr(accompaniment, "kanjira_stroke", click)
