"""The command itself: verbs, help, exit codes."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from carnatic_sep import __version__
from carnatic_sep.cli import main as command
from carnatic_sep.cli.main import VERBS, main
from carnatic_sep.errors import CarnaticSepError, CheckpointError, UsageError


def exit_code(*arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return caught.value.code


def test_help_lists_every_verb(capsys):
    assert exit_code("--help") == 0
    text = capsys.readouterr().out
    assert all(f"  {verb} " in text for verb in VERBS)


def test_help_is_quick_and_loads_nothing_heavy():
    script = (
        "import sys; from carnatic_sep.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'lightning', 'librosa', 'scipy', 'numpy', 'soundfile'}\n"
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)"
    )
    times = []  # of the processor, not of the clock: other work on the machine does not count
    for _ in range(3):
        before = os.times()
        run = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=False
        )
        after = os.times()
        times.append(
            after.children_user
            + after.children_system
            - before.children_user
            - before.children_system
        )
        assert run.returncode == 0, run.stderr
    assert min(times) < 0.35


@pytest.mark.parametrize("verb", list(VERBS))
def test_every_verb_has_whole_help_and_loads_no_torch_for_it(verb):
    assert find_spec(f"carnatic_sep.cli.{verb}"), f"carnatic_sep/cli/{verb}.py is not there"
    script = (
        "import sys; from carnatic_sep.cli.main import main\n"
        f"try: main(['{verb}', '--help'])\n"
        "except SystemExit as end: code = end.code\n"
        "sys.exit(code or int('torch' in sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert f"carnatic-sep {verb}" in run.stdout
    assert "--help" in run.stdout


def test_version(capsys):
    assert exit_code("--version") == 0
    assert capsys.readouterr().out == f"carnatic-sep {__version__}\n"


def test_an_unknown_verb_gets_the_nearest(capsys):
    assert exit_code("seperate", "x.wav") == 2
    assert "did you mean: separate" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [(), ("--nonsense",), ("separate",), ("separate", "--x")])
def test_wrong_usage_is_exit_code_2(arguments, capsys):
    assert exit_code(*arguments) == 2
    assert "Usage" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CarnaticSepError("broken"), 1),
        (CheckpointError("broken"), 1),
        (UsageError("broken"), 2),
        (KeyboardInterrupt(), 130),
    ],
)
def test_errors_become_one_line_and_an_exit_code(monkeypatch, capsys, error, code):
    def fail(**options):
        raise error

    monkeypatch.setattr(command, "app", fail)
    assert exit_code("separate") == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "broken" in err or "interrupted" in err


def test_a_mistake_of_ours_is_not_hidden(monkeypatch):
    def fail(**options):
        raise ZeroDivisionError

    monkeypatch.setattr(command, "app", fail)
    with pytest.raises(ZeroDivisionError):
        main(["separate"])


def test_a_stream_that_is_closed_already_swallows_what_is_printed(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert exit_code("--version") == 0
    assert exit_code("seperate") == 2
    sys.stdout.close()
    sys.stderr.close()


def test_a_full_disk_behind_stdout_is_told_in_one_line(monkeypatch, capsys):
    def fail(**options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(command, "app", fail)
    assert exit_code("models") == 1
    assert "error: the output cannot be written (No space" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("separate", ""), "argument 2 is empty"),
        (("separate", "x.wav", "--out", ""), "argument 4 is empty"),
        (("clean", "recordings", "--out="), "--out= is empty"),
    ],
)
def test_nothing_is_not_the_folder_we_are_in(arguments, named, capsys):
    assert exit_code(*arguments) == 2
    assert named in capsys.readouterr().err


@pytest.mark.parametrize("moment", ["make_context", "resolve_command"])
def test_ctrl_c_while_a_verb_is_made_ready_is_told(moment, monkeypatch, capsys):
    def pressed(*given, **named):
        raise KeyboardInterrupt

    monkeypatch.setattr(command.TyperGroup, moment, pressed)
    assert exit_code("models", "list") == 130
    assert capsys.readouterr().err == "interrupted\n"


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("first", ["typer", "carnatic_sep.cli.models"])
def test_ctrl_c_while_modules_are_imported_is_told(first):
    script = (
        "import os, signal, sys\n"
        "class Press:\n"
        "    def find_spec(self, name, *rest):\n"
        f"        if name == {first!r}: os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Press())\n"
        "sys.argv = ['carnatic-sep', 'models', 'list']\n"
        "from carnatic_sep.cli.entry import main\n"
        "main()"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (130, "", "interrupted\n")


def test_the_package_lists_its_lazy_names():
    script = "import sys, carnatic_sep as c; sys.exit(not {*c.__all__} <= {*dir(c)})"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.skipif(os.name != "posix", reason="names of up to 255 bytes")
@pytest.mark.parametrize("arguments", [("inspect", "x" * 300), ("models", "show", "x" * 300)])
def test_what_the_system_refuses_is_told_in_one_line(arguments, capsys):
    assert exit_code(*arguments) == 1
    assert capsys.readouterr().err.endswith(
        "File name too long; no file can be called so here; give a shorter name\n"
    )


def test_what_the_system_cannot_be_blamed_for_is_not_hidden(monkeypatch):
    def fail(**options):
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", "of our own")

    monkeypatch.setattr(command, "app", fail)
    with pytest.raises(FileNotFoundError, match="of our own"):
        main(["models"])


def test_a_file_whose_name_reads_as_an_option_gets_a_way_out(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-dash.wav").touch()
    assert exit_code("separate", "-dash.wav") == 2
    assert "-dash.wav is a file: write ./-dash.wav" in capsys.readouterr().err
