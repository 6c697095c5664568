"""The command `carnatic-sep`: its verbs by name, each imported only when it is used."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from carnatic_sep import __version__
from carnatic_sep.cli._terminal import INTERRUPTED, prepare_output, print_error
from carnatic_sep.errors import CarnaticSepError, UnknownNameError, UsageError

VERBS = {
    "separate": "Separate recordings into vocals, violin, mridangam and the rest.",
    "demo": "Render an ensemble with known truth and separate it.",
    "render": "Render multitracks with known truth: mixtures, exact stems, scores.",
    "models": "List, show and verify models.",
    "datasets": "List, show, download, validate, split and count datasets.",
    "inspect": "Tell how much bleeds where in a multitrack.",
    "clean": "Take the bleed out of the stems of a multitrack or a dataset.",
    "train": "Train a model as a configuration file says.",
    "finetune": "Fine-tune a trained model on multitracks, for other stems if need be.",
    "evaluate": "Score models on a dataset, beside floors and bounds, with a report.",
    "compare": "Compare two evaluations, pair by pair.",
    "analyze": "Find melody, tonic, raga and strokes in recordings or their stems.",
}
"""Each verb and its line of help; `carnatic_sep.cli.VERB` has a function VERB or a VERB_app."""


_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
_REFUSALS = {
    errno.ENAMETOOLONG: "no file can be called so here; give a shorter name",
    errno.ELOOP: "its links run in circles; name the file itself",
    errno.ENOTDIR: "a file is where a folder should be; check the path",
    errno.EACCES: "check its permissions",
    errno.EPERM: "check its permissions",
    errno.EROFS: "choose a folder that can be written",
    **dict.fromkeys(_DISK_FULL, "free some space"),
}


class InterruptedRun(Exception):  # noqa: N818 (not a fault)
    """Somebody pressed Ctrl-C, and the verb had nothing to say about it."""


@contextmanager
def _interrupts_by_name() -> Iterator[None]:
    """Within this context, a Ctrl-C is not typer's, which would end without a word."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise InterruptedRun from error


class LazyGroup(TyperGroup):
    """A group that knows its verbs by name, and imports one when it is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the verbs in the order in which a newcomer needs them."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a stand-in with the verb's line of help: enough for a list of verbs."""
        if cmd_name not in VERBS:
            return None
        return TyperCommand(cmd_name, help=VERBS[cmd_name], rich_markup_mode=None)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the verb itself with its name and arguments."""
        if args and not args[0].startswith("-") and args[0] not in VERBS:
            raise UnknownNameError("verb", args[0], list(VERBS))
        name, stand_in, rest = super().resolve_command(ctx, args)
        return name, stand_in and load_verb(str(name)), rest

    def make_context(self, *given: Any, **named: Any) -> Any:
        """Read the command line."""
        with _interrupts_by_name():
            return super().make_context(*given, **named)

    def invoke(self, ctx: Any) -> Any:
        """Run the verb."""
        with _interrupts_by_name():
            return super().invoke(ctx)


def load_verb(verb: str) -> Any:
    """Import `verb` and return it as a command.

    The module `carnatic_sep.cli.VERB` holds either a function called VERB, annotated as typer
    wants it, or a `typer.Typer` called VERB_app with subcommands.
    """
    module = import_module(f"carnatic_sep.cli.{verb}")
    group = getattr(module, f"{verb}_app", None)
    if group is None:
        group = typer.Typer(add_completion=False, rich_markup_mode=None)
        group.command(name=verb, short_help=VERBS[verb])(getattr(module, verb))
    return typer.main.get_command(group)


app = typer.Typer(cls=LazyGroup, add_completion=False, rich_markup_mode=None, name="carnatic-sep")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"carnatic-sep {__version__}")
        raise typer.Exit


@app.callback(
    epilog="\b\nTry:             carnatic-sep separate concert.mp3\n"
    "More on a verb:  carnatic-sep VERB --help"
)
def carnatic_sep(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Take Carnatic music apart: vocals, violin, mridangam and the rest."""


def refuse_empty(arguments: Sequence[str]) -> None:
    """Refuse arguments of no letters: as a path, nothing would mean the folder we are in.

    Raises
    ------
    UsageError
        Naming the place; as a rule a shell variable was not set.
    """
    for number, argument in enumerate(arguments, start=1):
        option, equals, value = argument.partition("=")
        if not argument or (option.startswith("--") and equals and not value):
            what = f"{option}=" if argument else f"argument {number}"
            raise UsageError(
                f"{what} is empty, as an unset shell variable is; give it a value or leave it out"
            )


def _of_the_system(error: OSError) -> str:
    """Say what the system would not do, where a verb has not; raise what it cannot be blamed for.

    Raises
    ------
    OSError
        `error` itself.
    """
    if error.errno in _DISK_FULL and error.filename is None:
        return f"the output cannot be written ({error.strerror}); free some space"
    if error.errno not in _REFUSALS or error.filename is None:
        raise error
    return f"{error.filename}: {error.strerror}; {_REFUSALS[error.errno]}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 all went well, 1 some of it failed, 2 usage, 130 Ctrl-C.

    Parameters
    ----------
    arguments : without the program's name; those of this process if None
    """
    prepare_output()
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        refuse_empty(given)
        code = app(args=given, prog_name="carnatic-sep", standalone_mode=False)
    except CarnaticSepError as error:
        print_error(error)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, InterruptedRun):
        typer.echo("interrupted", err=True)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # the reader of our output has left, as `head` does
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        print_error(_of_the_system(error))
        sys.exit(1)
    except Exception as error:
        if not hasattr(error, "show") or not hasattr(error, "exit_code"):
            raise
        error.show()  # typer's own errors: how to use a verb
        for name in (name for name in given if name.startswith("-") and os.path.exists(name)):  # noqa: PTH110
            print_error(f"{name} is a file: write ./{name}, so that it does not read as an option")
        sys.exit(int(error.exit_code))
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
