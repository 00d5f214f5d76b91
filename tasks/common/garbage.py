"""Python's search for garbage in reference cycles, and how to do long work without it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_search_for_cycles() -> Iterator[None]:
    """Switch off Python's cyclic garbage collector for a block.

    Millions of rows contain no cycles. The collector runs again whenever there are a quarter more
    objects, so that the last rows would cost more time than the first.
    """
    searched = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searched:
            gc.enable()


def search_new_objects() -> None:
    """Search the objects made since the last search for cycles, once.

    Long work without the collector calls it after each batch: the session of a database leaves
    cycles behind. Objects that survive are not searched again, however many they are.
    """
    gc.collect(0)
