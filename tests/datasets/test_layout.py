"""Layout files: those that come with the package, and what is wrong with bad ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from carnatic_sep.datasets.layout import LAYOUTS, compile_template, read_layout, shipped_layouts
from carnatic_sep.errors import ConfigError, UnknownNameError
from carnatic_sep.stems import DEFAULT_STEMS

NAMED = (
    *("saraga_carnatic", "saraga_audiovisual", "sanidha", "scms", "musdb18hq"),
    *("medleydb", "moisesdb", "slakh2100", "plain"),
)


def test_the_datasets_we_speak_of_are_there() -> None:
    assert set(NAMED) <= set(shipped_layouts())


@pytest.mark.parametrize("name", shipped_layouts())
def test_every_layout_is_honest_about_itself(name: str) -> None:
    layout = read_layout(name)
    assert layout.name == name
    assert layout.licence
    assert layout.checked != bool(layout.unchecked), "say what could not be checked, or nothing"
    assert layout.download or layout.how_to_get or name == "plain"
    assert {remote.filename for remote in layout.download} == {
        Path(remote.url.partition("?")[0].replace("%20", " ")).name for remote in layout.download
    }
    for template in (*layout.stems, *layout.mixture):
        compile_template(template)


def test_layouts_lie_inside_the_package() -> None:
    import carnatic_sep

    assert LAYOUTS.is_relative_to(Path(carnatic_sep.__file__).parent)


@pytest.mark.parametrize(
    ("template", "path", "named"),
    [
        ("{track}/{stem}.{ext}", "a/vocals.WAV", {"track": "a", "stem": "vocals", "ext": "WAV"}),
        ("{track}/{stem}.{ext}", "a/b/vocals.wav", None),
        ("{track}/{stem}.{ext}", "a/vocals.txt", None),
        ("{track}/{track}_MIX.wav", "a/a_MIX.wav", {"track": "a"}),
        ("{track}/{track}_MIX.wav", "a/b_MIX.wav", None),
        ("{track}/{mixture}.{ext}", "a/mix.mp3", {"track": "a", "mixture": "mix", "ext": "mp3"}),
        ("{track}/a+b (c).wav", "x/a+b (c).wav", {"track": "x"}),
    ],
)
def test_templates(template: str, path: str, named: dict[str, str] | None) -> None:
    match = compile_template(template).fullmatch(path)
    assert (match and match.groupdict()) == named


def test_names_of_the_dataset_win_over_ours() -> None:
    layout = read_layout("medleydb")
    assert layout.stem_of("Female Singer") == "vocals"
    assert layout.stem_of("oud") == "other"
    assert read_layout("plain").stem_of("oud") is None
    assert {read_layout("plain").stem_of(stem) for stem in DEFAULT_STEMS} == set(DEFAULT_STEMS)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("stems: []", "template for stems"),
        ("names: {guitar: [guitar]}", "guitar: stems are"),
        ("colour: red", "colour"),
        ("download: [{url: 'http://a/b', filename: 'b.zip'}]", "give md5 or sha256"),
        ("download: [{url: 'http://a/b', filename: '../b', md5: '" + "0" * 32 + "'}]", "bare file"),
    ],
)
def test_a_bad_layout_is_named_with_its_fault(tmp_path: Path, line: str, fault: str) -> None:
    path = tmp_path / "mine.yaml"
    stems = "" if line.startswith("stems") else "stems: ['{track}/{stem}.wav']\n"
    path.write_text(f"name: mine\ntitle: Mine\nlicence: ours\nchecked: true\n{stems}{line}\n")
    with pytest.raises(ConfigError, match=fault) as caught:
        read_layout(path)
    assert str(path) in str(caught.value)


def test_an_unknown_name_is_met_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="sanidha"):
        read_layout("sanida")
