"""Where the files of a track go, and whether two of them would go to the same place."""

from __future__ import annotations

import os
import string
import unicodedata
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from carnatic_sep.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DEFAULT_TEMPLATE = "{track}/{stem}.{ext}"
SIDECAR = "separation.json"
_FIELDS = ("track", "stem", "ext", "model")


@dataclass(frozen=True)
class FilenameTemplate:
    """A path below the output folder, with places for names.

    Attributes
    ----------
    text : with ``{stem}`` and ``{ext}`` at the end, and any of ``{track}`` and ``{model}``

    Raises
    ------
    UsageError
        An unknown or missing place, or a path that leaves the output folder.

    >>> FilenameTemplate("{track}/{stem}.{ext}").path(
    ...     Path("out"), track="varnam", stem="vocals", extension="flac", model="default"
    ... ).as_posix()
    'out/varnam/vocals.flac'
    """

    text: str = DEFAULT_TEMPLATE

    def __post_init__(self) -> None:
        try:
            parts = list(string.Formatter().parse(self.text))
        except ValueError as error:
            raise UsageError(f"--filename {self.text!r}: {error}") from error
        fields = [field for _, field, _, _ in parts if field is not None]
        if any(spec or conversion for _, _, spec, conversion in parts):
            raise UsageError(f"--filename {self.text!r}: write places plainly, e.g. {{stem}}")
        for field in fields:
            if field not in _FIELDS:
                raise UnknownNameError("place in --filename", field, list(_FIELDS))
        if "stem" not in fields or not self.text.endswith(".{ext}"):
            raise UsageError(
                f"--filename {self.text!r}: needs {{stem}}, and .{{ext}} at its end, "
                f"e.g. {DEFAULT_TEMPLATE}"
            )
        path = PurePosixPath(self.text)
        if path.is_absolute() or ".." in path.parts or "\\" in self.text or "\0" in self.text:
            raise UsageError(
                f"--filename {self.text!r}: stays below --out; no leading / and no .. in it"
            )

    def path(self, out_dir: Path, *, track: str, stem: str, extension: str, model: str) -> Path:
        """Return the file for one output."""
        return out_dir / self.text.format(track=track, stem=stem, ext=extension, model=model)

    def sidecar(self, out_dir: Path, *, track: str, model: str) -> Path:
        """Return the record's file: in the track's own folder, or named after the track."""
        folders: list[str] = []
        for part in self.text.split("/")[:-1]:
            if "{stem}" in part or "{ext}" in part:
                break
            folders.append(part)
        folder = "/".join(folders)
        name = SIDECAR if "{track}" in folder else f"{track}.{SIDECAR}"
        return out_dir / folder.format(track=track, model=model) / name


def check_collisions(outputs: Mapping[Path, Iterable[Path]]) -> None:
    """Refuse outputs that two inputs would write, or that are inputs themselves.

    Names that differ in case or in Unicode composition only are the same on many file systems,
    and count as the same.

    Parameters
    ----------
    outputs : input file to the files that it will leave

    Raises
    ------
    UsageError
        Naming the inputs and the file.
    """
    owners: dict[str, Path] = {}
    inputs = {_key(path): path for path in outputs}
    for source, targets in outputs.items():
        for target in targets:
            key = _key(target)
            if key in inputs:
                raise UsageError(
                    f"{target}: would replace the input {inputs[key]}; choose another --out"
                )
            other = owners.setdefault(key, source)
            if other != source:
                raise UsageError(
                    f"{other} and {source} would both write {target}; separate them into "
                    "different folders with --out, or give --filename a place that differs"
                )


def _key(path: Path) -> str:
    # The folder as it really is, whichever links and dots lead there; a file that is a link is
    # replaced itself, not what it points to.
    place = os.path.join(os.path.realpath(path.parent), path.name)  # noqa: PTH118
    return unicodedata.normalize("NFC", place).casefold()
