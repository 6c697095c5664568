"""Comparing runs: differences by hand, and runs that must not be compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from carnatic_sep.errors import EvaluationError, UnknownNameError, UsageError
from carnatic_sep.evaluation.comparison import compare


def write(
    folder: Path, scores: dict[str, float | None], *, cleaner: str = "1", **options: object
) -> Path:
    """A summary of a system called mine with one stem, each track of its own concert."""
    folder.mkdir()
    chosen = {"references": "bleeding", "mixture": "auto", "cleaners": ["a", "b"], **options}
    document = {
        "format": "carnatic-sep-evaluation-1",
        "options": chosen,
        "versions": {"cleaner": cleaner},
        "headline": "lc_sdr",
        "headlines": ["lc_sdr", "lc_sdr@b"],
        "metrics": {"lc_sdr": {"unit": "dB", "better": "higher"}},
        "systems": [{"name": "mine", "kind": "model"}, {"name": "mixture", "kind": "floor"}],
        "stems": ["vocals"],
        "set_apart": [{"track": "apart", "stem": "vocals"}],
        "tracks": [
            {
                "track": track,
                "concert": track,
                "scores": {"mine": {"vocals": {"lc_sdr": value, "lc_sdr@b": value}}},
            }
            for track, value in scores.items()
        ],
    }
    (folder / "summary.json").write_text(json.dumps(document), encoding="utf-8")
    return folder


def test_shared_tracks_are_compared_and_the_others_named(tmp_path) -> None:
    a = write(tmp_path / "a", {"1": 5.0, "2": 6.0, "3": 7.0, "4": None, "apart": 90.0, "x": 1.0})
    b = write(tmp_path / "b", {"1": 4.0, "2": 4.0, "3": 4.0, "4": 1.0, "apart": 0.0, "y": 1.0})
    found = compare(a, b / "summary.json")
    claim = found.claims[0]
    assert (found.a, found.b) == ("mine (a)", "mine (b)")
    assert found.left_out == ("x", "y")
    assert found.tracks == ("1", "2", "3", "4", "apart")
    difference = claim["differences"]["lc_sdr"]
    assert (difference["mean"], difference["count"], difference["wins"]) == (2.0, 3, 3)
    assert 1.0 <= difference["low"] < 2.0 < difference["high"] <= 3.0
    assert claim["better"] == "a"
    assert found.metrics[0]["metric"] == "lc_sdr"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"references": "clean"}, "with references bleeding, .* with clean"),
        ({"mixture": "file"}, "with mixture auto"),
        ({"cleaners": ["a"]}, "with cleaners a, b"),
        ({"cleaner": "2"}, "of cleaner 1, .* of cleaner 2"),
    ],
)
def test_runs_that_mean_different_things_are_refused(tmp_path, changed, said) -> None:
    a = write(tmp_path / "a", {"1": 5.0})
    b = write(tmp_path / "b", {"1": 5.0}, **changed)
    with pytest.raises(EvaluationError, match=said):
        compare(a, b)


def test_nothing_shared_no_system_and_no_summary(tmp_path) -> None:
    a, b = write(tmp_path / "a", {"1": 5.0}), write(tmp_path / "b", {"2": 5.0})
    with pytest.raises(EvaluationError, match="no track in common"):
        compare(a, b)
    with pytest.raises(UnknownNameError, match="unknown system of .*a 'yours'"):
        compare(a, a, system_a="yours")
    with pytest.raises(EvaluationError, match=r"none.*cannot be read"):
        compare(a, tmp_path / "none")
    document = json.loads((a / "summary.json").read_text())
    document["systems"].append({"name": "second", "kind": "model"})
    (a / "summary.json").write_text(json.dumps(document))
    with pytest.raises(UsageError, match="holds mine, second; name one of them"):
        compare(a, a)


def test_names_in_common_are_not_tracks_in_common(tmp_path) -> None:
    a, b = write(tmp_path / "a", {"1": 5.0}), write(tmp_path / "b", {"1": 5.0})
    for folder, changed in ((a, 10.0), (b, 12.5)):
        document = json.loads((folder / "summary.json").read_text())
        document["tracks"][0]["seconds"] = changed
        (folder / "summary.json").write_text(json.dumps(document))
    with pytest.raises(EvaluationError, match=r"1 lasts 10.00 s in .*a and 12.50 s in .*b"):
        compare(a, b)


def test_a_track_that_could_not_be_read_is_left_out(tmp_path) -> None:
    a = write(tmp_path / "a", {"1": 5.0, "2": 6.0, "3": 7.0})
    b = write(tmp_path / "b", {"1": 4.0, "2": 4.0, "3": 4.0})
    for folder, failed in ((a, None), (b, "3")):
        document = json.loads((folder / "summary.json").read_text())
        for track in document["tracks"]:
            track["seconds"] = 0.0 if track["track"] == failed else 10.0
            track["scores"] = {} if track["track"] == failed else track["scores"]
        (folder / "summary.json").write_text(json.dumps(document))
    found = compare(a, b)
    assert (found.tracks, found.left_out) == (("1", "2"), ("3",))
    assert found.claims[0]["differences"]["lc_sdr"]["mean"] == 1.5


def test_cents_are_not_cut_at_a_hundred(tmp_path) -> None:
    a, b = (write(tmp_path / name, {"1": cents}) for name, cents in (("a", 175.0), ("b", 110.0)))
    for folder in (a, b):
        document = json.loads((folder / "summary.json").read_text())
        document["metrics"] = {"gamaka_rms": {"unit": "cents", "better": "lower"}}
        for track in document["tracks"]:
            track["scores"]["mine"]["vocals"]["gamaka_rms"] = track["scores"]["mine"]["vocals"].pop(
                "lc_sdr"
            )
        (folder / "summary.json").write_text(json.dumps(document))
    (row,) = compare(a, b).metrics
    assert (row["metric"], row["mean"]) == ("gamaka_rms", 65.0)


def test_runs_without_a_metric_in_common(tmp_path) -> None:
    a, b = write(tmp_path / "a", {"1": 5.0}), write(tmp_path / "b", {"1": 5.0})
    document = json.loads((b / "summary.json").read_text())
    document["metrics"] = {"lc_sir": {"unit": "dB", "better": "higher"}}
    (b / "summary.json").write_text(json.dumps(document))
    with pytest.raises(EvaluationError, match=r"holds lc_sdr, .* lc_sir: no metric in common"):
        compare(a, b)
