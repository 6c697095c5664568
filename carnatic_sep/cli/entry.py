"""Where the program begins: before anything is imported that takes a while to be there."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line of this process; Ctrl-C ends it in a line, whenever it comes."""
    _let_idle_threads_sleep()
    _take_memory_in_large_pages()
    try:
        from carnatic_sep.cli.main import main as run

        run()
    except KeyboardInterrupt:
        # while typer was imported, or while an error was printed; the shell's code for it
        sys.exit(_said_interrupted())


def _let_idle_threads_sleep() -> None:
    """Tell OpenMP, which reads it when PyTorch is loaded, that threads without work should sleep.

    Otherwise they wait busily, and where another program wants a core too, the one that is waited
    for does not get it: a network that all cores share then takes several times longer
    (docs/performance.md). GNU's waits a few turns first: the small steps of such a network follow
    each other so soon.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
        os.environ.setdefault("GOMP_SPINCOUNT", "3000")


def _take_memory_in_large_pages() -> None:
    """Tell PyTorch to ask Linux for memory in pages of 2 MB; elsewhere it changes nothing.

    In pages of 4 kB, handing it out is a good part of the time that separating takes
    (docs/performance.md).
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")


def _said_interrupted() -> int:
    print("interrupted", file=sys.stderr)
    return 130


if __name__ == "__main__":
    main()
