from __future__ import annotations

import time

import numpy as np
import soundfile

from carnatic_sep.separation.estimate import forecast, real_time_factor, spoken
from carnatic_sep.separation.inputs import Track
from carnatic_sep.separation.separator import Separator


def test_the_factor_is_the_models_time_per_new_audio(known_model):
    model = known_model(segment_seconds=0.2)

    def slow(mixture):
        time.sleep(0.06)
        return model.first_takes_all(mixture)

    model.formula = slow
    separator = Separator(model, overlap=0.5, device="cpu")
    assert 0.6 <= real_time_factor(separator) < 3.0  # a busy machine is slower


def test_short_audio_is_not_worth_a_try(known_model, tmp_path):
    short, long = tmp_path / "short.wav", tmp_path / "long.wav"
    soundfile.write(short, np.zeros(8000), 8000)
    soundfile.write(long, np.zeros(8000 * 90), 8000)
    model = known_model()
    separator = Separator(model, device="cpu")
    brief = forecast(separator, [Track(short, "s"), Track(tmp_path / "none.wav", "n")])
    assert (brief.files, brief.audio_seconds, brief.estimate_seconds) == (2, 1.0, None)
    assert not model.shapes
    whole = forecast(separator, [Track(long, "l")])
    assert whole.audio_seconds == 90.0
    assert whole.estimate_seconds > 0
    assert model.shapes


def test_durations_as_people_say_them():
    said = [spoken(seconds) for seconds in (0, 59.4, 59.6, 3570, 3600, 9060)]
    assert said == ["1 s", "59 s", "1 min", "1 h", "1 h", "2 h 31 min"]
