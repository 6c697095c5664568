"""Splits: the one that comes with the package, and those made with a seed."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carnatic_sep.datasets.divide import parse_parts
from carnatic_sep.datasets.layout import read_layout, shipped_layouts
from carnatic_sep.datasets.multitrack import Artist, Multitrack
from carnatic_sep.datasets.registry import load_dataset
from carnatic_sep.datasets.splits import (
    SplitFile,
    apply_split,
    linked_groups,
    make_split,
    plain_name,
    read_split,
    shared_people,
    write_split,
)
from carnatic_sep.errors import ConfigError, DatasetError, UsageError

PARTS = {"train": 0.6, "valid": 0.2, "test": 0.2}


def made(name: str, concert: str, *artists: tuple[str, str]) -> Multitrack:
    return Multitrack(
        id=name, concert=concert, stems={}, artists=tuple(Artist(*artist) for artist in artists)
    )


@pytest.mark.parametrize("name", [name for name in shipped_layouts() if read_layout(name).split])
def test_shipped_splits_share_no_act_and_no_known_accompanist(name: str) -> None:
    split = read_split(read_layout(name).split)
    assert split.dataset == name
    for one, other in itertools.combinations(split.parts, 2):
        people = []
        for part in (one, other):
            acts = split.parts[part]
            players = [player for act in acts for player in split.accompanists.get(act, ())]
            people.append({plain_name(person) for person in (*acts, *players)})
        assert people[0] & people[1] == set()
    assert set(split.accompanists) <= {act for acts in split.parts.values() for act in acts}


def test_the_saraga_split_holds_the_nineteen_acts() -> None:
    split = read_split("saraga_carnatic")
    assert {name: len(acts) for name, acts in split.parts.items()} == {
        "train": 14,
        "valid": 3,
        "test": 2,
    }


@pytest.mark.parametrize(
    ("concert", "leads", "part"),
    [
        ("Mahati at Arkay by Mahati", ["Mahati"], "test"),
        ("Akkarai Sisters at Arkay by Akkarai Sisters", ["Akkarai Subhalakshmi"], "valid"),
        ("Dr S Sundar at Arkay by S Sundar", [], "train"),
        ("Sumitra Vasudev at Arkay by Sumithra Vasudev", [], "valid"),
        ("A V K Rajasimhan at Arkay by Angarai V K Rajasimhan", [], "train"),
        ("KP Nandini at Arkay by KP Nandini", ["KP Nandini"], "train"),
        ("Live at Vani Mahal by Sanjay Subrahmanyan", ["Sanjay Subrahmanyan"], None),
    ],
)
def test_concerts_of_saraga_are_found_by_act(
    concert: str, leads: list[str], part: str | None
) -> None:
    track = made(f"{concert}/x", concert, *[(lead, "lead") for lead in leads])
    sorted_in = apply_split(read_split("saraga_carnatic"), [track])
    assert [name for name, members in sorted_in.items() if members] == ([part] if part else [])


PEOPLE = st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=2, unique=True)
STAGES = st.lists(st.tuples(st.integers(0, 8), PEOPLE), min_size=12, max_size=40)


@given(
    stages=STAGES, seed=st.integers(0, 99), by=st.sampled_from(["concert", "lead", "accompanist"])
)
def test_a_made_split_shares_nobody(stages: list, seed: int, by: str) -> None:
    tracks = [
        made(f"t{n}", f"c{concert}", (names[0], "lead"), *[(name, "violin") for name in names[1:]])
        for n, (concert, names) in enumerate(stages)
    ]
    try:
        split = make_split(tracks, dataset="d", seed=seed, fractions=PARTS, by=by)
    except DatasetError:
        assert len(linked_groups(tracks, by=by)) < len(PARTS)
        return
    assert split == make_split(tracks[::-1], dataset="d", seed=seed, fractions=PARTS, by=by)
    parts = apply_split(split, tracks)
    assert all(parts.values())
    assert sorted(t.id for members in parts.values() for t in members) == sorted(
        track.id for track in tracks
    )
    for one, other in itertools.combinations(parts.values(), 2):
        assert {t.concert for t in one} & {t.concert for t in other} == set()
        roles = {"concert": (), "lead": ("lead",), "accompanist": ("lead", "violin")}[by]
        names = [
            {a.name for t in part for a in t.artists if a.role in roles} for part in (one, other)
        ]
        assert names[0] & names[1] == set()
    assert shared_people(parts, by=by) == []


def test_shares_follow_the_hours_and_seeds_differ() -> None:
    tracks = [made(f"t{n:02}", f"c{n}") for n in range(60)]
    weights = {track.id: 1.0 + n % 5 for n, track in enumerate(tracks)}
    splits = [
        make_split(tracks, dataset="d", seed=seed, fractions=PARTS, by="concert", weights=weights)
        for seed in (1, 2)
    ]
    assert splits[0].parts != splits[1].parts
    total = sum(weights.values())
    for split in splits:
        for name, share in PARTS.items():
            hours = sum(weights[i] for i in split.parts[name])
            assert hours / total == pytest.approx(share, abs=0.02)


def test_too_few_concerts_are_named() -> None:
    tracks = [made(f"t{n}", "one concert") for n in range(9)]
    with pytest.raises(DatasetError, match="1 groups of tracks without a common concert"):
        make_split(tracks, dataset="d", seed=0, fractions=PARTS, by="concert")


def test_people_on_both_sides_are_named() -> None:
    parts = {
        "train": [made("a", "one", ("B.U. Ganesh Prasad", "violin"))],
        "test": [made("b", "two", ("B.U. Ganesh Prasad", "violin")), made("c", "one")],
    }
    assert shared_people(parts) == [
        "concert one is in both train and test",
        "artist B.U. Ganesh Prasad is in both train and test",
    ]
    assert shared_people(parts, by="concert") == ["concert one is in both train and test"]


def test_a_split_is_written_read_and_used(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "vocals.wav").touch()
    dataset = load_dataset(tmp_path)
    with pytest.raises(DatasetError, match="datasets split"):
        dataset.split("test")
    split = make_split(
        dataset.tracks(), dataset="d", seed=3, fractions={"train": 1, "test": 1}, by="concert"
    )
    write_split(split, tmp_path / "split.yaml")
    assert read_split(tmp_path / "split.yaml") == split
    (track,) = load_dataset(tmp_path).split("test")
    assert (track.id,) == split.parts["test"]
    with pytest.raises(UsageError, match="overwrite"):
        write_split(split, tmp_path / "split.yaml")
    other = tmp_path / "other.yaml"
    write_split(SplitFile(dataset="d", parts={"all": ("a", "b")}), other)
    assert len(dataset.split("all", file=other)) == 2
    assert not list(tmp_path.glob("*.partial"))


def test_a_track_in_two_parts_is_refused() -> None:
    split = SplitFile(dataset="d", parts={"train": ("a",), "test": ("a",)})
    with pytest.raises(DatasetError, match="a into train and test"):
        apply_split(split, [made("a", "c")])


def test_a_file_that_is_no_split_is_named(tmp_path: Path) -> None:
    (tmp_path / "split.yaml").write_text("train: [a]\n")
    with pytest.raises(ConfigError, match=r"split\.yaml.*parts"):
        read_split(tmp_path / "split.yaml")


def test_a_part_that_is_named_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="names the part train twice"):
        parse_parts("train=0.5, test=0.2, train=0.3")
