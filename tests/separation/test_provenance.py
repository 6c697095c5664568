from __future__ import annotations

import json

import pytest

from carnatic_sep.errors import AudioWriteError
from carnatic_sep.separation.provenance import FORMAT, Outcome, write_sidecar


def test_a_record_names_files_relative_to_itself(tmp_path):
    sidecar = tmp_path / "x" / "separation.json"
    outputs = {"vocals": tmp_path / "x" / "பாட்டு.wav", "other": tmp_path / "y" / "o.wav"}
    write_sidecar(sidecar, {"input": {"file": "a"}}, Outcome("complete", outputs, 1.23456, 0.5))
    record = json.loads(sidecar.read_text(encoding="utf-8"))
    assert record["format"] == FORMAT
    assert record["outputs"] == {"பாட்டு.wav": "vocals", "../y/o.wav": "other"}
    assert (record["gain"], record["elapsed_seconds"]) == (0.5, 1.235)
    assert [path.name for path in sidecar.parent.iterdir()] == ["separation.json"]


@pytest.mark.parametrize("content", ["", "[]", "{", '{"outputs": 3}', "null"])
def test_a_file_that_is_no_record_is_replaced(tmp_path, content):
    sidecar = tmp_path / "separation.json"
    sidecar.write_text(content)
    write_sidecar(sidecar, {}, Outcome("complete", {"vocals": tmp_path / "v.wav"}, 0.0))
    assert "earlier" not in json.loads(sidecar.read_text())


def test_records_of_files_that_are_gone_are_dropped(tmp_path):
    sidecar = tmp_path / "separation.json"
    for name in ("a", "b", "c"):
        (tmp_path / name).touch()
        write_sidecar(sidecar, {}, Outcome("complete", {name: tmp_path / name}, 0.0))
    (tmp_path / "a").unlink()
    write_sidecar(sidecar, {}, Outcome("complete", {"d": tmp_path / "d"}, 0.0))
    record = json.loads(sidecar.read_text())
    assert [list(earlier["outputs"]) for earlier in record["earlier"]] == [["c"], ["b"]]


def test_a_name_that_is_no_unicode_is_escaped(tmp_path):
    sidecar = tmp_path / "separation.json"
    write_sidecar(sidecar, {"input": {"file": "r\udce4ga"}}, Outcome("complete", {}, 0.0))
    assert b"r\\udce4ga" in sidecar.read_bytes()


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(AudioWriteError, match=r"separation\.json.*--out"):
        write_sidecar(tmp_path / "file" / "separation.json", {}, Outcome("complete", {}, 0.0))
