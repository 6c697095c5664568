"""Archives: unpacked once, gone on with, kept inside their folder, refused where they are bad."""

from __future__ import annotations

import io
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest

from carnatic_sep.errors import TransferError
from carnatic_sep.transfer import unpack as module

FILES = {"set/song/vocals.wav": b"voice", "set/song/क.txt": b"name", "set/empty.txt": b""}
KINDS = ["zip", "tar", "tar.gz", "tar.bz2", "tar.xz"]


def unpack(archive: Path, folder: Path) -> None:
    module.unpack(archive, folder, elsewhere="choose another folder")


def packed(kind: str, files: dict[str, bytes] = FILES) -> bytes:
    buffer = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return buffer.getvalue()
    mode = {"tar": "w", "tar.gz": "w:gz", "tar.bz2": "w:bz2", "tar.xz": "w:xz"}[kind]
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        for kind_of_link in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            link = tarfile.TarInfo("set/link")
            link.type, link.linkname = kind_of_link, "/etc/passwd"
            archive.addfile(link)
    return buffer.getvalue()


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("kind", KINDS)
def test_archives_are_unpacked_once(tmp_path: Path, kind: str) -> None:
    archive = tmp_path / f"set.{kind}"
    archive.write_bytes(packed(kind))
    unpack(archive, tmp_path / "out")
    assert contents(tmp_path / "out") == FILES
    (tmp_path / "out/set/song/vocals.wav").write_bytes(b"changed by hand")
    unpack(archive, tmp_path / "out")
    assert (tmp_path / "out/set/song/vocals.wav").read_bytes() == b"changed by hand"


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_what_was_deleted_comes_back_and_what_is_not_ours_stays(tmp_path: Path, kind: str) -> None:
    archive, out = tmp_path / f"set.{kind}", tmp_path / "out"
    archive.write_bytes(packed(kind))
    (out / "set/song").mkdir(parents=True)
    (out / "set/song/vocals.wav").write_bytes(b"mine, of another length")
    with pytest.raises(TransferError, match=r"vocals\.wav: is there already with 23 bytes"):
        unpack(archive, out)
    assert (out / "set/song/vocals.wav").read_bytes() == b"mine, of another length"
    (out / "set/song/vocals.wav").rename(tmp_path / "mine.wav")
    unpack(archive, out)
    assert contents(out) == FILES
    shutil.rmtree(out)
    unpack(archive, out)
    assert contents(out) == FILES


def test_an_interrupted_unpacking_goes_on(tmp_path: Path) -> None:
    archive = tmp_path / "set.zip"
    archive.write_bytes(packed("zip"))
    (tmp_path / "set/song").mkdir(parents=True)
    (tmp_path / "set/song/vocals.wav.partial").write_bytes(b"voi")
    unpack(archive, tmp_path)
    assert (tmp_path / "set/song/vocals.wav").read_bytes() == b"voice"


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
@pytest.mark.parametrize(
    "name", ["../outside.txt", "/outside.txt", "a/../../outside.txt", "..\\outside.txt", "C:/x.txt"]
)
def test_nothing_is_written_outside(tmp_path: Path, kind: str, name: str) -> None:
    archive = tmp_path / f"evil.{kind}"
    archive.write_bytes(packed(kind, {name: b"x"}))
    with pytest.raises(TransferError, match=r"would be written outside .*do not use"):
        unpack(archive, tmp_path / "inside")
    assert not list(tmp_path.rglob("*.txt"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_archive_is_named(tmp_path: Path, kind: str) -> None:
    archive = tmp_path / f"bad.{kind}"
    archive.write_bytes(packed(kind)[:60])
    with pytest.raises(TransferError, match=r"bad\..*damaged.*download it again"):
        unpack(archive, tmp_path / "out")


def test_a_file_that_fails_its_checksum_is_not_left_behind(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a.wav", b"voice")
    path = tmp_path / "bad.zip"
    path.write_bytes(buffer.getvalue().replace(b"voice", b"noise"))
    with pytest.raises(TransferError, match="damaged"):
        unpack(path, tmp_path / "out")
    assert contents(tmp_path / "out") == {}


@pytest.mark.parametrize(("offset", "value"), [(8, 97), (6, 1)], ids=["WavPack", "encrypted"])
def test_what_is_packed_in_a_way_of_its_own_is_not_called_damaged(
    tmp_path: Path, offset: int, value: int
) -> None:
    content = bytearray(packed("zip"))
    content[content.index(b"PK\x03\x04") + offset] = value  # in the local header
    at = content.index(b"PK\x01\x02")
    while at >= 0:
        content[at + offset + 2] = value  # and in the central directory
        at = content.find(b"PK\x01\x02", at + 1)
    archive = tmp_path / "odd.zip"
    archive.write_bytes(content)
    with pytest.raises(TransferError, match=r"odd\.zip: cannot be unpacked here .*other means"):
        unpack(archive, tmp_path / "inside")


def test_a_missing_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(TransferError, match=r"none\.zip"):
        unpack(tmp_path / "none.zip", tmp_path)
