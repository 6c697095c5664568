"""Where the program begins: before anything is imported that takes a while to be there."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line of this process; Ctrl-C ends it in a line, whenever it comes."""
    try:
        from carnatic_sep.cli.main import main as run

        run()
    except KeyboardInterrupt:
        # while typer was imported, or while an error was printed; the shell's code for it
        sys.exit(_said_interrupted())


def _said_interrupted() -> int:
    print("interrupted", file=sys.stderr)
    return 130


if __name__ == "__main__":
    main()
