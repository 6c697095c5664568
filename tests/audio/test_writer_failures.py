"""Disks that are full, paths that cannot be, runs that are interrupted: nothing is lost."""

from __future__ import annotations

import os
import signal as signals
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import soundfile

from carnatic_sep.audio.formats import OutputFormat
from carnatic_sep.audio.reader import read_audio
from carnatic_sep.audio.writer import StemWriter
from carnatic_sep.errors import AudioWriteError

FORMATS = [
    OutputFormat(name="wav", bit_depth="16"),
    OutputFormat(name="wav", bit_depth="32f"),
    OutputFormat(),
    OutputFormat(name="ogg"),
    OutputFormat(name="mp3"),
]


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def open_writer(folder, form, **options):
    paths = {stem: folder / f"{stem}.{form.extension}" for stem in ("vocals", "violin")}
    return StemWriter(paths, sample_rate=44100, channels=1, output_format=form, **options)


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of 512 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)]
    try:
        made = subprocess.run(mount, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if made.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {made.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: f"{form.name}-{form.bit_depth}")
def test_a_full_disk_keeps_the_partials(form, tiny_disk):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (1, 16384)).astype(np.float32)

    def run():
        with open_writer(tiny_disk, form) as writer:
            for _ in range(60):
                writer.write({"vocals": noise, "violin": -noise})
            writer.commit()

    with pytest.raises(AudioWriteError, match="No space left on device") as caught:
        run()
    message = str(caught.value)
    assert str(tiny_disk) in message
    assert "00:00:" in message
    assert "*.partial" in message
    assert names(tiny_disk)
    assert all(name.endswith(".partial") for name in names(tiny_disk))
    assert all(p.stat().st_size > 1000 for p in tiny_disk.iterdir())


def test_a_disk_that_fills_while_encoding(tiny_disk, signal):
    """The float spool fits, the MP3s beside it do not."""
    form = OutputFormat(name="mp3")
    writer = open_writer(tiny_disk, form)
    audio = signal(60000, 1)
    writer.write({"vocals": audio, "violin": audio})
    with pytest.raises(AudioWriteError, match="No space left"), writer:
        writer.commit()
    assert all(name.endswith(".partial") for name in names(tiny_disk))
    spool = tiny_disk / "vocals.mp3.wav.partial"
    np.testing.assert_array_equal(soundfile.read(spool, dtype="float32")[0], audio[0])


@pytest.mark.parametrize("form", FORMATS[:3], ids=lambda form: f"{form.name}-{form.bit_depth}")
def test_a_limit_on_file_size_is_reported_like_a_full_disk(form, tmp_path):
    script = textwrap.dedent(
        f"""
        import resource, sys
        from pathlib import Path
        import numpy as np
        from carnatic_sep.audio.writer import OutputFormat, StemWriter
        from carnatic_sep.errors import AudioWriteError

        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        noise = np.random.default_rng(0).uniform(-1, 1, (1, 16384)).astype(np.float32)
        form = OutputFormat(name={form.name!r}, bit_depth={form.bit_depth!r})
        path = Path(sys.argv[1]) / "vocals.out"
        try:
            with StemWriter({{"vocals": path}}, sample_rate=8000, channels=1,
                            output_format=form) as writer:
                for _ in range(60):
                    writer.write({{"vocals": noise}})
                writer.commit()
        except AudioWriteError as error:
            print(error)
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "File too large" in done.stdout
    assert done.stderr == ""
    assert names(tmp_path) == ["vocals.out.partial"]


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: f"{form.name}-{form.bit_depth}")
def test_an_interrupt_leaves_readable_partials(form, signal, tmp_path):
    audio = signal(30000, 1)

    def run():
        with open_writer(tmp_path, form) as writer:
            writer.write({"vocals": audio, "violin": 0.5 * audio})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    extra = ".wav" if form.lossy else ""
    expected = [f"{stem}.{form.extension}{extra}.partial" for stem in ("violin", "vocals")]
    assert names(tmp_path) == expected
    read, _ = read_audio(tmp_path / expected[1])
    np.testing.assert_allclose(read, audio, atol=2**-15)


def test_a_killed_run_leaves_nothing_under_the_final_name(tmp_path):
    script = textwrap.dedent(
        """
        import os, signal, sys
        from pathlib import Path
        import numpy as np
        from carnatic_sep.audio.writer import OutputFormat, StemWriter

        writer = StemWriter({"vocals": Path(sys.argv[1]) / "vocals.wav"}, sample_rate=8000,
                            channels=1, output_format=OutputFormat(name="wav", bit_depth="32f"))
        writer.write({"vocals": np.full((1, 5000), 0.25, dtype=np.float32)})
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert done.returncode == -signals.SIGKILL
    assert names(tmp_path) == ["vocals.wav.partial"]
    audio, _ = read_audio(tmp_path / "vocals.wav.partial")
    np.testing.assert_array_equal(audio, np.full((1, 5000), 0.25, dtype=np.float32))


def test_partials_of_an_earlier_run_do_not_stand_in_the_way(signal, tmp_path):
    (tmp_path / "vocals.flac.partial").write_bytes(b"old")
    with open_writer(tmp_path, OutputFormat()) as writer:
        writer.write({stem: signal(100, 1) for stem in ("vocals", "violin")})
        writer.commit()
    assert names(tmp_path) == ["violin.flac", "vocals.flac"]


def test_a_parent_that_is_a_file(tmp_path):
    (tmp_path / "out").write_bytes(b"a file")
    with pytest.raises(AudioWriteError, match="--out"):
        open_writer(tmp_path / "out", OutputFormat())
    assert (tmp_path / "out").read_bytes() == b"a file"


def test_a_directory_under_the_final_name(tmp_path):
    (tmp_path / "violin.flac").mkdir()
    with pytest.raises(AudioWriteError, match="directory of this name"):
        open_writer(tmp_path, OutputFormat(), overwrite=True)


def test_a_name_that_is_too_long_leaves_nothing_behind(tmp_path):
    paths = {"vocals": tmp_path / "vocals.flac", "violin": tmp_path / ("த" * 100 + ".flac")}
    with pytest.raises(AudioWriteError, match="cannot be created"):
        StemWriter(paths, sample_rate=44100, channels=1, output_format=OutputFormat())
    assert names(tmp_path) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(AudioWriteError, match="permission"):
        open_writer(tmp_path, OutputFormat())


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_not_written(bad, tmp_path):
    audio = np.zeros((1, 10), dtype=np.float32)
    with open_writer(tmp_path, OutputFormat()) as writer:
        writer.write({"vocals": audio, "violin": audio})
        with pytest.raises(AudioWriteError, match=r"'violin' is not finite.*00:00:00\.0"):
            writer.write({"vocals": audio, "violin": audio + bad})
    assert all(name.endswith(".partial") for name in names(tmp_path))


def test_nothing_written_is_no_file(tmp_path):
    with (
        open_writer(tmp_path, OutputFormat()) as writer,
        pytest.raises(AudioWriteError, match="no audio was written"),
    ):
        writer.commit()
    assert all(name.endswith(".partial") for name in names(tmp_path))


def test_a_commit_is_final(signal, tmp_path):
    with open_writer(tmp_path, OutputFormat()) as writer:
        blocks = {stem: signal(100, 1) for stem in ("vocals", "violin")}
        writer.write(blocks)
        writer.commit()
        with pytest.raises(ValueError, match="committed"):
            writer.write(blocks)
        with pytest.raises(ValueError, match="committed"):
            writer.commit()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc to count open files")
def test_open_files_do_not_pile_up(signal, tmp_path):
    def open_files():
        return sum(1 for _ in Path("/proc/self/fd").iterdir())

    before = open_files()
    for index in range(10):
        with open_writer(tmp_path / str(index), OutputFormat()) as writer:
            writer.write({stem: signal(100, 1) for stem in ("vocals", "violin")})
    assert open_files() == before
