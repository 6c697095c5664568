"""compIAM's own models, through stand-ins with its signatures; they are compared where it is."""

from __future__ import annotations

import inspect
import sys
import types

import numpy as np
import pytest

from carnatic_sep.analysis import compiam_tools
from carnatic_sep.analysis.options import AnalysisOptions
from carnatic_sep.analysis.pitch import PitchTrack, track_pitch
from carnatic_sep.errors import AnalysisError, UnknownNameError, UsageError

RATE = 44100
SA = 150.0


class FTANetCarnatic:
    """As compIAM 0.4.1 defines it; hears 200 Hz, then nothing."""

    def predict(
        self, input_data, input_sr=44100, hop_size=80, batch_size=5, out_step=None, gpu="-1"
    ):
        seconds = len(input_data) / input_sr
        count = round(seconds * 8000 / hop_size) + 1
        f0 = np.full(count, 200.0)
        f0[count // 2 :] = 0.0
        return np.array([np.linspace(0, seconds, count), f0]).transpose()


class DEEPSRGM:
    """As compIAM 0.4.1 defines it; calls a window after the svara it dwells on most."""

    def __init__(self) -> None:
        self.model = types.SimpleNamespace(eval=lambda: self.modes.append("eval"))
        self.modes: list[str] = []

    def predict(self, features, threshold=0.6, gpu="-1"):
        assert self.modes, "dropout is still on"
        assert features.shape == (1, 5000)
        assert features.dtype == np.int64
        assert 0 <= features.min() <= features.max() <= 208
        return f"raga of {np.bincount(features[0]).argmax()}"


def load_model(model_name, data_home=None, models_dict=(), version=None, **kwargs):
    loaded.append(model_name)
    return {"melody:ftanet-carnatic": FTANetCarnatic, "melody:deepsrgm": DEEPSRGM}[model_name]()


def get_model_info(model_key):
    return {"kwargs": {"v1": {"download_link": f"https://zenodo.org/{model_key}.zip"}}}


loaded: list[str] = []


@pytest.fixture
def compiam(monkeypatch):
    """A module that answers as compIAM does."""
    module = types.ModuleType("compiam")
    module.__spec__ = types.SimpleNamespace(name="compiam")
    module.load_model, module.get_model_info = load_model, get_model_info
    monkeypatch.setitem(sys.modules, "compiam", module)
    compiam_tools.load_tool.cache_clear()
    loaded.clear()
    yield module
    compiam_tools.load_tool.cache_clear()


def _melody(seconds: float, cents: float) -> PitchTrack:
    f0 = np.full(round(seconds / 0.01), SA * 2 ** (cents / 1200))
    return PitchTrack(f0, np.ones(len(f0)), 0.01)


def test_ftanet_is_one_of_the_trackers_and_is_loaded_once(compiam) -> None:
    AnalysisOptions(pitch="ftanet").check()
    audio = np.random.default_rng(0).standard_normal(130 * RATE).astype(np.float32)
    found = track_pitch(audio, RATE, tracker="ftanet")  # three windows
    assert loaded == ["melody:ftanet-carnatic"]
    assert found.tracker == "ftanet"
    assert len(found.f0) == 13000
    assert set(found.f0) == {0.0, 200.0}
    # The first window hears 65 s, and FTA-Net's stand-in sings in the first half of them.
    assert found.voiced[:3240].all()
    assert not found.voiced[3260:6000].any()


def test_deepsrgm_reads_sixtieths_of_an_octave(compiam) -> None:
    vote = compiam_tools.deepsrgm(_melody(60.0, 702.0), SA)
    assert vote.name == "raga of 35"  # 702 cents are 35.1 sixtieths of an octave
    assert (vote.share, vote.windows) == (1.0, 40)


def test_deepsrgm_counts_votes(compiam) -> None:
    low, high = _melody(90.0, 0.0), _melody(30.0, 1200.0)
    both = PitchTrack(np.r_[low.f0, high.f0], np.r_[low.confidence, high.confidence], 0.01)
    vote = compiam_tools.deepsrgm(both, SA)
    assert vote.name == "raga of 0"
    assert 0.7 < vote.share < 0.85


def test_windows_hold_rests_and_extremes() -> None:
    pitch = _melody(30.0, 6000.0)
    pitch.f0[1000:] = 0.0
    windows = compiam_tools.deepsrgm_windows(pitch, SA)
    assert windows.shape == (40, 5000)
    assert set(np.unique(windows)) == {0, 208}
    with pytest.raises(AnalysisError, match=r"22\.2 s at a time"):
        compiam_tools.deepsrgm_windows(_melody(22.0, 0.0), SA)
    whole = compiam_tools.deepsrgm_windows(_melody(22.23, 0.0), SA)
    assert len(whole) >= 1


def test_what_is_missing_is_named(compiam, monkeypatch) -> None:
    def no_tensorflow(key):
        raise ImportError("you need to have tensorflow installed")

    compiam.load_model = no_tensorflow
    with pytest.raises(UsageError, match=r"TensorFlow 2\.15.*tensorflow==2\.15"):
        AnalysisOptions(pitch="ftanet").check()

    def no_network(key):
        raise OSError("Name or service not known")

    compiam.load_model = no_network
    with pytest.raises(UsageError, match=r"weights.*zenodo\.org/melody:deepsrgm\.zip"):
        AnalysisOptions(raga="deepsrgm").check()
    monkeypatch.setitem(sys.modules, "compiam", None)
    with pytest.raises(UsageError, match=r"carnatic-sep\[compiam\]"):
        AnalysisOptions(raga="deepsrgm").check()
    with pytest.raises(UnknownNameError, match="histogram"):
        AnalysisOptions(raga="oracle").check()


def test_the_stand_ins_have_compiams_signatures() -> None:
    compiam = pytest.importorskip("compiam")
    from compiam.melody import pitch_extraction, raga_recognition

    def shape(function):
        each = inspect.signature(function).parameters.values()
        return [(p.name, p.default) for p in each if p.name != "models_dict"]

    assert shape(load_model) == shape(compiam.load_model)
    assert list(inspect.signature(get_model_info).parameters) == ["model_key"]
    assert shape(FTANetCarnatic.predict) == shape(pitch_extraction.FTANetCarnatic.predict)
    assert shape(DEEPSRGM.predict) == shape(raga_recognition.DEEPSRGM.predict)
    for key in (compiam_tools.FTANET, compiam_tools.DEEPSRGM):
        assert "zenodo.org" in compiam.get_model_info(key)["kwargs"]["v1"]["download_link"]


@pytest.mark.filterwarnings("ignore:dropout option")  # compIAM's network has one layer
def test_windows_fit_the_network_of_compiam() -> None:
    pytest.importorskip("compiam")
    torch = pytest.importorskip("torch")
    from compiam.melody.raga_recognition.deepsrgm.model import deepsrgmModel

    network = deepsrgmModel(hidden_size=8).eval()
    windows = compiam_tools.deepsrgm_windows(_melody(30.0, 6000.0), SA)
    with torch.no_grad():
        assert network(torch.from_numpy(windows[:1]).long()).shape[-1] == 10
