"""Test cases: kept-out takes through the mixer, and multitracks from disk."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from carnatic_sep.errors import AudioReadError, ConfigError
from carnatic_sep.evaluation.cases import Case, kept_out_mixtures, real_excerpt
from carnatic_sep.evaluation.config import EvaluationConfig, Excerpt, load_evaluation_config


@pytest.fixture
def config(solo_split) -> EvaluationConfig:
    return EvaluationConfig(
        data=solo_split, mix={"seconds": 1.0, "absent": {}, "shadow": 1.0, "piece": 0.0}, mixtures=2
    )


@pytest.mark.usefixtures("quick_accompaniment")
def test_mixtures_are_the_same_every_time(config, solo_dir, contour_cache) -> None:
    first = list(kept_out_mixtures(config, solo_dir, cache=contour_cache))
    again = list(kept_out_mixtures(config, solo_dir, cache=contour_cache))
    assert [case.name for case in first] == ["mixture 1", "mixture 2"]
    for one, other in zip(first, again, strict=True):
        assert np.array_equal(one.mixture, other.mixture)
        assert np.allclose(one.mixture, sum(one.references.values()), atol=1e-6)
    assert not np.array_equal(first[0].mixture, first[1].mixture)


def test_only_kept_out_takes_are_loaded(config, solo_dir, contour_cache, monkeypatch) -> None:
    asked = []

    class Looking:
        def __init__(self, bank, mix, *, seed) -> None:
            groups = (bank.voices, bank.notes, bank.pieces, bank.strokes)
            asked.extend(take.path for group in groups for take in group)

        def draw(self, rng):
            return np.zeros((4, 10), np.float32)

    monkeypatch.setattr("carnatic_sep.evaluation.cases.Mixer", Looking)
    assert len(list(kept_out_mixtures(config, solo_dir, cache=contour_cache))) == 2
    kept = ("Performer1", "E4.wav", "kept_", "-2.wav")
    assert asked
    assert all(any(mark in path for mark in kept) for path in asked)


@pytest.fixture
def multitrack(tmp_path):
    rng = np.random.default_rng(0)
    for name, frames, channels in (("a", 900, 1), ("b", 900, 1), ("c", 800, 1), ("d", 900, 2)):
        soundfile.write(
            tmp_path / f"{name}.wav", 0.1 * rng.standard_normal((frames, channels)), 8000
        )
    return tmp_path


def test_microphones_of_one_instrument_are_summed(multitrack) -> None:
    excerpt = Excerpt(folder=".", stems={"vocals": ["a.wav"], "mridangam": ["a.wav", "b.wav"]})
    case = real_excerpt("hall", excerpt, multitrack)
    a, b = (soundfile.read(multitrack / f"{name}.wav", dtype="float32")[0] for name in "ab")
    assert (case.name, case.sample_rate) == ("hall", 8000)
    assert np.allclose(case.references["mridangam"], a + b, atol=1e-7)
    assert np.allclose(case.mixture, 2 * a + b, atol=1e-6)


@pytest.mark.parametrize("files", [["c.wav"], ["a.wav", "d.wav"], ["a.wav", "c.wav"], []])
def test_files_that_do_not_fit_together_are_refused(multitrack, files) -> None:
    excerpt = Excerpt(folder=".", stems={"vocals": ["a.wav"], "violin": files})
    with pytest.raises(ConfigError, match=r"mono and equal|no files for violin") as caught:
        real_excerpt("hall", excerpt, multitrack)
    assert caught.value.exit_code == 2


def test_an_excerpt_without_stems_is_refused(multitrack) -> None:
    with pytest.raises(ConfigError, match="hall: no stems"):
        real_excerpt("hall", Excerpt(folder=".", stems={}), multitrack)


def test_a_missing_microphone_is_named(multitrack) -> None:
    with pytest.raises(AudioReadError, match=r"no\.wav"):
        real_excerpt("hall", Excerpt(folder=".", stems={"vocals": ["no.wav"]}), multitrack)


def test_a_case_sums_its_references() -> None:
    case = Case("x", 8000, {"a": np.ones(3, np.float32), "b": np.full(3, 2, np.float32)})
    assert case.mixture.tolist() == [3, 3, 3]


def test_configurations(tmp_path, solo_split) -> None:
    path = tmp_path / "evaluation.yaml"
    for text, said in (
        ("data: {}\n", "mix: Field required"),
        ("data: {}\nmix: {}\nmixtures: 0\n", "mixtures: .*greater than 0"),
        ("data: {}\nmix: {}\nexcerpts: {a: {folder: b}}\n", "excerpts.a.stems: Field required"),
        ("data: [\n", "not valid YAML"),
        ("- data\n", "expected keys and values"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError, match=said):
            load_evaluation_config(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_evaluation_config(tmp_path / "none.yaml")
    path.write_text("data: {}\nmix: {seconds: 2}\n", encoding="utf-8")
    assert load_evaluation_config(path).mix.seconds == 2.0
