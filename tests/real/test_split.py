"""The configurations of this repository on the real recordings: nothing is on both sides."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

import pytest

from carnatic_sep.datasets.bank import note_frequency, select
from carnatic_sep.evaluation.config import load_evaluation_config
from carnatic_sep.training.config import load_config

CONFIGS = Path(__file__).parents[2] / "configs"
GROUPS = ("voice", "violin_notes", "violin_pieces", "strokes")


def sides(root: Path, patterns: list[str], kept: list[str]) -> tuple[set[str], set[str]]:
    names = set(select(root, patterns))
    test = {name for name in names if any(fnmatch(name, pattern) for pattern in kept)}
    return names - test, test


@pytest.mark.parametrize(
    "name", ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"]
)
def test_what_is_scored_was_never_trained_on(data_dir, name) -> None:
    run = load_config(CONFIGS / f"{name}.yaml").data
    scored = load_evaluation_config(CONFIGS / "evaluation.yaml").data
    trained = {
        *(file for group in GROUPS for file in sides(data_dir, getattr(run, group), run.test)[0]),
        *sides(data_dir, run.teacher_voice, run.test)[0],
        *sides(data_dir, run.synthesised_voice, run.test)[0],
    }
    for group in GROUPS:
        test = sides(data_dir, getattr(scored, group), scored.test)[1]
        assert test, group
        assert not test & trained, group
    assert not any("real_multitrack" in file or "saraga" in file for file in trained)
    # A kept-out singer or violinist is so in every recording.
    assert not any("Performer1_" in file or "minji-kim_" in file for file in trained)


def test_every_note_of_the_violin_has_a_name(data_dir) -> None:
    notes = select(data_dir, ["violin/notes/*"])
    pitches = [note_frequency(Path(name).stem) for name in notes]
    assert len(pitches) == len(set(pitches))
    assert 150 < min(pitches) < max(pitches) < 4000
