"""CPU and memory of a process and of all that it started, by part."""

from __future__ import annotations

from collections.abc import Sequence

import psutil


def parts(process: psutil.Process, names: Sequence[str]) -> dict[str, tuple[float, int]]:
    """Return CPU seconds, with those of ended children, and resident bytes of each part.

    A part is named by words of its command line; processes without such words are `others`.
    """
    found: dict[str, tuple[float, int]] = {}
    for each in (process, *process.children(recursive=True)):
        try:
            words, times = " ".join(each.cmdline()), each.cpu_times()
            memory = each.memory_info().rss
        except psutil.NoSuchProcess:
            continue
        name = next((part for part in names if part in words), "others")
        cpu, other = found.get(name, (0.0, 0))
        spent = times.user + times.system + times.children_user + times.children_system
        found[name] = (cpu + spent, other + memory)
    return found
