"""What is no audio, and what the reader says about it."""

from __future__ import annotations

import os
import struct
import sys

import numpy as np
import pytest
import soundfile

from carnatic_sep.audio.opening import open_decoder
from carnatic_sep.audio.reader import AudioReader, probe
from carnatic_sep.errors import AudioReadError


def refusal(path) -> str:
    with pytest.raises(AudioReadError) as caught:
        AudioReader(path)
    with pytest.raises(AudioReadError):
        probe(path)
    assert caught.value.exit_code == 1
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    return message


def test_a_name_that_ends_in_raw_is_told(tmp_path):
    path = tmp_path / "take.raw"
    path.write_bytes(bytes(range(256)) * 40)
    with pytest.raises(AudioReadError, match=r"take\.raw: no audio format is recognised"):
        open_decoder(path)


def test_a_missing_file(tmp_path):
    assert "no such file" in refusal(tmp_path / "gone.wav")


def test_a_directory(tmp_path):
    assert "directory" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["empty.wav", "empty.mp3", "empty.m4a"])
def test_an_empty_file(tmp_path, name):
    path = tmp_path / name
    path.touch()
    assert "0 bytes" in refusal(path)


@pytest.mark.parametrize(
    "content",
    [
        b"sa ri ga ma pa da ni sa\n" * 300,
        "స రి గ మ ప ద ని స\n".encode() * 700,
        "<!DOCTYPE html><title>404</title>".encode("utf-16"),
        b"\xef\xbb\xbfwith a byte order mark",
    ],
)
@pytest.mark.parametrize("name", ["song.mp3", "song.wav", "song.m4a"])
def test_text_with_the_name_of_audio(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    assert "this is text" in refusal(path)


@pytest.mark.parametrize("name", ["noise.mp3", "noise.flac", "noise.wav", "noise"])
def test_random_bytes(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"\x00\x01" + np.random.default_rng(1).bytes(9000))
    assert "no audio format is recognised" in refusal(path)


@pytest.mark.parametrize("name", ["z.wav", "z.aiff", "z.ogg"])
def test_zero_length(name, audio_file):
    assert "zero length" in refusal(audio_file(np.zeros((2, 0), dtype=np.float32), name))


def test_a_flac_header_alone(tmp_path):
    path = tmp_path / "x.flac"
    path.write_bytes(b"fLaC" + bytes(10))
    assert "begins like FLAC" in refusal(path)


def test_an_unreadable_name(tmp_path):
    assert "cannot be opened" in refusal(tmp_path / ("x" * 300))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(signal, audio_file):
    path = audio_file(signal(100), "x.wav")
    path.chmod(0)
    assert "permission" in refusal(path).lower()


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.m4a", b"\x00\x00\x00\x20ftypM4A " + bytes(64), "MP4/M4A"),
        ("a.bin", b"\x00\x00\x00\x20ftypisom" + bytes(64), "MP4/M4A"),
        ("a.webm", b"\x1a\x45\xdf\xa3" + bytes(64), "Matroska/WebM"),
        ("a.wma", b"\x30\x26\xb2\x75" + bytes(64), "ASF/WMA"),
        ("a.aac", b"\xff\xf1" + bytes(64), "AAC"),
        ("a.ape", b"\x01\x02\x03" + bytes(64), "Monkey's Audio"),
    ],
)
def test_without_pyav_the_extra_is_named(name, content, kind, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    path = tmp_path / name
    path.write_bytes(content)
    message = refusal(path)
    assert kind in message
    assert 'pip install "carnatic-sep[m4a]"' in message


def test_a_wav_with_an_unknown_codec(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 0x1234, 2, 44100, 44100, 4, 16)
    body = b"WAVE" + fmt + struct.pack("<4sI", b"data", 400) + bytes(400)
    path = tmp_path / "odd.wav"
    path.write_bytes(struct.pack("<4sI", b"RIFF", len(body)) + body)
    message = refusal(path)
    assert "codec" in message
    assert "convert" in message


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names themselves")
def test_a_name_that_is_not_unicode_is_read_like_any_other(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.wav")
    soundfile.write(tmp_path / "a.wav", np.full((100, 2), 0.5), 8000)
    (tmp_path / "a.wav").rename(path)
    assert probe(path).frames == 100
    with AudioReader(path) as reader:
        assert sum(block.shape[1] for block in reader.blocks()) == 100
