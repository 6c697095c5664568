"""Work on several things at once, each on cores of its own, and give them back in order."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_LANES = 8
"""Every lane needs memory of its own; on more cores than these, each gets several."""


def lanes_for(threads: int) -> int:
    """Return how many lanes `threads` are shared out to."""
    return max(1, min(threads, MOST_LANES))


def in_lanes(
    work: Callable[[Item], Result], items: Iterable[Item], *, threads: int
) -> Iterator[tuple[Item, Result]]:
    """Yield each item with what `work` makes of it, in order, as many at once as there are threads.

    A network of small steps keeps one core busy and lets the others wait; a segment for each keeps
    all of them busy, and the caller can read, fade and write meanwhile. An item that is alone gets
    all threads. At most one item more than there are lanes has been taken and not been given back.

    Parameters
    ----------
    work : is called in other threads, several at once, where PyTorch uses its lane's share of
        `threads`
    items : if they end with an error, all before it are given back first
    threads : that PyTorch may use in all

    Raises
    ------
    Whatever `work` raises, at its item's turn.
    """
    lanes = lanes_for(threads)
    if lanes == 1:
        for item in items:
            yield item, work(item)
        return
    failures: list[Exception] = []
    coming = _until_failure(items, failures)
    first = list(islice(coming, 2))
    if len(first) < 2:
        yield from ((item, work(item)) for item in first)
    else:
        yield from _side_by_side(work, chain(first, coming), lanes=lanes, threads=threads // lanes)
    if failures:
        raise failures[0]


def _side_by_side(
    work: Callable[[Item], Result], items: Iterable[Item], *, lanes: int, threads: int
) -> Iterator[tuple[Item, Result]]:
    pool = ThreadPoolExecutor(lanes, "lane", initializer=_use_threads, initargs=(threads,))
    ahead: deque[tuple[Item, Future[Result]]] = deque()
    try:
        for item in items:
            ahead.append((item, pool.submit(work, item)))
            if len(ahead) > lanes:
                done, future = ahead.popleft()
                yield done, future.result()
        while ahead:
            done, future = ahead.popleft()
            yield done, future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _until_failure(items: Iterable[Item], failures: list[Exception]) -> Iterator[Item]:
    """Yield `items`; an error that ends them goes to `failures`."""
    try:
        yield from items
    except Exception as error:
        failures.append(error)


def _use_threads(count: int) -> None:
    """Let PyTorch use `count` threads in this thread, whatever it uses in others.

    OpenMP keeps that number for each thread; `torch.set_num_threads` would change other threads'
    too.
    """
    import torch
    from threadpoolctl import threadpool_limits

    torch.get_num_threads()  # sets a new thread's number, so that it is not set after ours
    threadpool_limits(count, user_api="openmp")
