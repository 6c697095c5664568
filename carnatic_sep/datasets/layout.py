"""How a dataset lies on disk, as data: one YAML file a dataset, read into these models."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from carnatic_sep.datasets.yaml_file import fit, read_mapping
from carnatic_sep.errors import UnknownNameError
from carnatic_sep.stems import DEFAULT_STEMS, MRIDANGAM, VIOLIN, VOCALS, stem_of

LAYOUTS = Path(__file__).parent / "layouts"

_PLACEHOLDERS = {
    "ext": r"wav|flac|mp3|ogg|opus|m4a|aac|aif|aiff|rf64|w64",
    "mixture": r"mixture|mix|mixdown|master",
}
_ANYTHING = r"[^/]+?"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MetadataLayout(_Strict):
    """Where the facts about a track stand, each as a dotted path: ``raaga.0.name``.

    Several paths may be given with ``|`` between them; the first that leads somewhere counts.

    Attributes
    ----------
    files : templates of JSON or YAML files; the first that has a fact gives it
    artists : path to the list of artists
    artist_name, artist_role, artist_lead : paths within one artist; `artist_lead` to a flag
    labels : path to a mapping or list that says what a file's `stem` placeholder plays
    label_key, label_name : paths within one of `labels`: the placeholder's value or the file's
        name (the mapping's key if empty), and what plays
    """

    files: tuple[str, ...] = ()
    title: str = ""
    concert: str = ""
    tonic_hz: str = ""
    raga: str = ""
    tala: str = ""
    sum_of_stems: str = ""
    artists: str = ""
    artist_name: str = "name"
    artist_role: str = "role"
    artist_lead: str = ""
    labels: str = ""
    label_key: str = ""
    label_name: str = ""


class RemoteFile(_Strict):
    """A public file of a dataset: where it is, and which bytes exactly."""

    url: str
    filename: str
    md5: Annotated[str, Field(pattern=r"^([0-9a-f]{32})?$")] = ""
    sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    unpack: bool = True

    @field_validator("filename")
    @classmethod
    def _plain_name(cls, value: str) -> str:
        if not value or Path(value).name != value:
            raise ValueError("give a bare file name")
        return value

    @model_validator(mode="after")
    def _checked(self) -> RemoteFile:
        if not self.md5 and not self.sha256:
            raise ValueError("give md5 or sha256: a download is checked")
        return self


class DatasetLayout(_Strict):
    """One dataset: what it is, and which file plays which part.

    Templates are paths below the dataset's folder with placeholders in braces. ``{concert}``,
    ``{track}`` and ``{split}`` make the track's identity, ``{stem}`` is the name that is mapped to
    a stem, ``{microphone}`` tells several files of one stem apart, ``{ext}`` is any audio format,
    ``{mixture}`` any usual name of a mixture, and other names match anything; a repeated
    placeholder repeats its value. Letters match in either case.

    Attributes
    ----------
    name, title, description, home, licence : for people
    checked : whether this file was tried on the real thing
    unchecked : what could not be checked, in words
    loader : ``folder``, or ``saraga`` for Saraga Carnatic through mirdata
    folder : the folder below the root that an unpacked download makes, if any
    stems, mixture : templates of audio files; a file is what the first says that fits: mixtures
        with ``{mixture}``, then stems, then other mixtures
    beside : templates of audio files that belong there and are neither, such as a second version
        of each stem; they come first, and are passed over without a word
    mixture_is_sum_of_stems : see :class:`~carnatic_sep.datasets.multitrack.Multitrack`
    names : stem to the names that this dataset uses for it, besides those of `stems.py`
    other_names : ``other`` takes any name nobody knows into the stem other, ``skip`` leaves it
    expected : the stems that every track should have
    metadata, annotations : where facts and annotation files stand; a template without
        ``{track}`` speaks for the whole concert. ``tonic`` is a text file with Sa in Hz
    download, how_to_get : public files; what to do where there are none
    split : name of a split file that comes with the package
    """

    name: str
    title: str
    description: str = ""
    home: str = ""
    licence: str
    checked: bool
    unchecked: str = ""
    loader: Literal["folder", "saraga"] = "folder"
    folder: str = ""
    stems: tuple[str, ...] = ()
    mixture: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    mixture_is_sum_of_stems: bool = False
    names: dict[str, tuple[str, ...]] = {}
    other_names: Literal["other", "skip"] = "skip"
    expected: tuple[str, ...] = (VOCALS, VIOLIN, MRIDANGAM)
    metadata: MetadataLayout = MetadataLayout()
    annotations: dict[Literal["pitch", "sama", "tempo", "sections", "tonic"], tuple[str, ...]] = {}
    download: tuple[RemoteFile, ...] = ()
    how_to_get: str = ""
    split: str = ""

    @model_validator(mode="after")
    def _some_audio(self) -> DatasetLayout:
        if not self.stems and not self.mixture:
            raise ValueError("give a template for stems, for mixture, or both")
        return self

    @field_validator("names", "expected")
    @classmethod
    def _known_stems(cls, value: dict[str, tuple[str, ...]] | tuple[str, ...]) -> object:
        unknown = [stem for stem in value if stem not in DEFAULT_STEMS]
        if unknown:
            raise ValueError(f"{', '.join(unknown)}: stems are {', '.join(DEFAULT_STEMS)}")
        return value

    @cached_property
    def _stem_by_name(self) -> dict[str, str]:
        return {name.lower(): stem for stem, names in self.names.items() for name in names}

    def stem_of(self, name: str) -> str | None:
        """Return the stem that a file called `name` feeds; None if it is to be left out."""
        own = self._stem_by_name.get(name.strip().lower())
        return own or stem_of(name) or ("other" if self.other_names == "other" else None)


def compile_template(template: str) -> re.Pattern[str]:
    """Turn a template into a pattern for whole relative paths with ``/``.

    >>> match = compile_template("{track}/{track}.{stem}.{ext}").fullmatch("a/a.vocal.mp3")
    >>> match and match.group("stem")
    'vocal'
    """
    seen: set[str] = set()
    pattern = ""
    for part in re.split(r"(\{\w+\})", template):
        name = part[1:-1] if part.startswith("{") and part.endswith("}") else ""
        if not name:
            pattern += re.escape(part)
        elif name in seen:
            pattern += f"(?P={name})"
        else:
            seen.add(name)
            pattern += f"(?P<{name}>{_PLACEHOLDERS.get(name, _ANYTHING)})"
    return re.compile(pattern, re.IGNORECASE)


def shipped_layouts() -> list[str]:
    """Return the names of the layouts that come with the package."""
    return sorted(path.stem for path in LAYOUTS.glob("*.yaml"))


def read_layout(name: str | Path) -> DatasetLayout:
    """Read a layout by its name, or from a YAML file.

    Raises
    ------
    ConfigError
        The file is missing or describes no layout; each fault is named.
    UnknownNameError
        No layout that comes with the package has this name.
    """
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        if str(name) not in shipped_layouts():
            raise UnknownNameError("dataset", str(name), shipped_layouts())
        path = LAYOUTS / f"{name}.yaml"
    return fit(DatasetLayout, read_mapping(path), path=path)
