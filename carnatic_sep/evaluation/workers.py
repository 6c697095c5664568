"""Processes that score tracks side by side, each with its share of the cores.

Nothing heavy is imported above, so that :func:`prepare` comes before the libraries that count the
cores when they load.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from multiprocessing import get_context
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from carnatic_sep.datasets.multitrack import Multitrack
    from carnatic_sep.evaluation.contenders import Contender
    from carnatic_sep.evaluation.options import EvaluationOptions
    from carnatic_sep.evaluation.parts import Part

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


def prepare(threads: int) -> None:
    """Give a fresh process `threads` threads, and let Ctrl-C end it without a word.

    What it was at is lost; the process that started it keeps what is done, and tells.
    """
    for name in _THREADS:
        os.environ.setdefault(name, str(threads))
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _score(
    track: Multitrack, systems: tuple[Contender, ...], options: EvaluationOptions, mark: str
) -> Part:
    from carnatic_sep.evaluation.track import score_track

    return score_track(track, systems, options, fingerprint=mark)


def score_tracks(
    tracks: Sequence[tuple[Multitrack, str]],
    systems: tuple[Contender, ...],
    options: EvaluationOptions,
    *,
    jobs: int,
) -> Iterator[Part]:
    """Yield the part of each track as it is finished.

    Parameters
    ----------
    tracks : each with its fingerprint
    jobs : processes; with 1 the work is done in this one
    """
    if jobs == 1 or len(tracks) < 2:
        for track, mark in tracks:
            yield _score(track, systems, options, mark)
        return
    jobs = min(jobs, len(tracks))
    threads = max(1, (os.cpu_count() or 1) // jobs)
    pool = ProcessPoolExecutor(
        jobs, mp_context=get_context("spawn"), initializer=prepare, initargs=(threads,)
    )
    try:
        waiting = {pool.submit(_score, track, systems, options, mark) for track, mark in tracks}
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for each in done:
                yield each.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
