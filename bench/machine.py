"""The machine: which core runs what, and what processes cost, their children included."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psutil

SERVERS, LOAD = 0, 1


def two_cores() -> bool:
    return {SERVERS, LOAD} <= os.sched_getaffinity(0) if hasattr(os, "sched_setaffinity") else False


@contextmanager
def on_core(core: int, *, pinned: bool) -> Iterator[None]:
    """Run on one core; what is started meanwhile inherits it and keeps it."""
    if not pinned:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_s(root: int) -> float:
    """CPU used by a process and all its descendants, those that ended included."""
    total = 0.0
    for process in _tree(root):
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def cpu_by_part(roots: Mapping[str, int]) -> dict[str, float]:
    return {part: cpu_s(root) for part, root in roots.items()}


def memory_mb(roots: Mapping[str, int]) -> dict[str, float]:
    """Proportional set size: pages that processes share are counted once."""
    found = {}
    for part, root in roots.items():
        total = 0
        for process in _tree(root):
            try:
                total += process.memory_full_info().pss
            except psutil.Error:
                continue
        found[part] = total / 1e6
    return found


def _tree(root: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(root)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []
