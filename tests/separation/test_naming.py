from __future__ import annotations

import os
from pathlib import Path

import pytest

from carnatic_sep.errors import UnknownNameError, UsageError
from carnatic_sep.separation.naming import FilenameTemplate, check_collisions

OUT = Path("out")


@pytest.mark.parametrize(
    ("template", "file", "sidecar"),
    [
        ("{track}/{stem}.{ext}", "t/vocals.flac", "t/separation.json"),
        ("{track} - {stem}.{ext}", "t - vocals.flac", "t.separation.json"),
        ("{stem}/{track}.{ext}", "vocals/t.flac", "t.separation.json"),
        ("{model}/{track}/x/{stem}.{ext}", "m/t/x/vocals.flac", "m/t/x/separation.json"),
        ("a/{stem}/{track}/b.{ext}", "a/vocals/t/b.flac", "a/t.separation.json"),
        ("{{x}}{track}/{stem}.{ext}", "{x}t/vocals.flac", "{x}t/separation.json"),
    ],
)
def test_files_and_their_record(template, file, sidecar):
    names = FilenameTemplate(template)
    path = names.path(OUT, track="t", stem="vocals", extension="flac", model="m")
    assert path == OUT / file
    assert names.sidecar(OUT, track="t", model="m") == OUT / sidecar


@pytest.mark.parametrize("track", ["காவேரி", "తెలుగు పాట", "रागम् तानम्", 'it\'s "one" {x} 50 %'])
def test_any_title_passes_through_unchanged(track):
    path = FilenameTemplate().path(OUT, track=track, stem="other", extension="wav", model="m")
    assert path == OUT / track / "other.wav"


@pytest.mark.parametrize(
    "template",
    [
        "{track}.{ext}",
        "{track}/{stem}",
        "/tmp/{stem}.{ext}",
        "../{stem}.{ext}",
        "{track}/../../{stem}.{ext}",
        "{stem!r}.{ext}",
        "{stem:>9}.{ext}",
        "{stem",
        "a\\{stem}.{ext}",
    ],
)
def test_templates_that_cannot_work(template):
    with pytest.raises(UsageError, match="--filename"):
        FilenameTemplate(template)


@pytest.mark.parametrize("place", ["trak", "", "stem.__class__", "0", "track[0]"])
def test_unknown_places_are_named(place):
    with pytest.raises(UnknownNameError, match="place in --filename"):
        FilenameTemplate("{" + place + "}/{stem}.{ext}")


@pytest.mark.parametrize("other", ["out/x/vocals.flac", "out/X/vocals.flac"])
def test_two_inputs_for_one_output_are_refused(other):
    with pytest.raises(UsageError, match=r"a/x\.wav.*b/x\.mp3.*--filename"):
        check_collisions(
            {Path("a/x.wav"): [Path("out/x/vocals.flac")], Path("b/x.mp3"): [Path(other)]}
        )


def test_composed_and_decomposed_names_are_the_same_file():
    with pytest.raises(UsageError):
        check_collisions({Path("1"): [Path("out/r\u0101ga")], Path("2"): [Path("out/ra\u0304ga")]})


def test_an_output_that_is_an_input_is_refused():
    with pytest.raises(UsageError, match="would replace the input"):
        check_collisions({Path("a.wav"): [Path("b.wav")], Path("b.wav"): [Path("c.wav")]})


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_an_output_that_is_an_input_is_refused_whichever_way_leads_there(tmp_path):
    (tmp_path / "in" / "a").mkdir(parents=True)
    (tmp_path / "x").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "in", target_is_directory=True)
    inputs = [tmp_path / "in/a.wav", tmp_path / "in/a/vocals.wav"]
    for out in (tmp_path / "link", tmp_path / "x" / ".." / "in"):
        with pytest.raises(UsageError, match="would replace the input"):
            check_collisions({inputs[0]: [out / "a" / "vocals.wav"], inputs[1]: []})


def test_different_outputs_pass():
    outputs = {Path("a.wav"): [Path("out/a")], Path("b.wav"): [Path("out/b")]}
    check_collisions(outputs)
    assert len(outputs) == 2
