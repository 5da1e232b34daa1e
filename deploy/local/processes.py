"""Processes of one home folder: which of them are left over, and how they are ended. Only ours, by their ids."""

import os
import time

import psutil

from deploy.local.home import PARTS, Home, Part

ASKED_S = 10


def starts(home: Home, name: Part) -> int:
    """How often a part was started since `up`; its launcher counts."""
    return home.number(home.starts / name) or 0


def mark(name: Part) -> dict[str, str]:
    """What a part's environment says beside its home folder, so that it can be told from a later owner of its id."""
    return {"UNSAID_PART": name}


def end_leftovers(home: Home) -> None:
    """End what a supervisor that was killed left running, so that its ports and folders are free again."""
    for name in PARTS:
        end_leftover(home, name)


def end_leftover(home: Home, name: Part) -> None:
    pid = home.pid(name)
    if pid is None or pid == os.getpid():
        return
    try:
        process = psutil.Process(pid)
        environment = process.environ()
    except psutil.Error:
        return
    if environment.get("UNSAID_HOME") == str(home.folder) and environment.get("UNSAID_PART") == name:
        end([process])


def end_those_in(folder: str) -> None:
    """End the processes whose working directory this is."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == folder:
                found.append(process)
        except psutil.Error:
            continue
    end(found)


def end(processes: list[psutil.Process]) -> None:
    """Ask them to end, wait, then insist."""
    for process in processes:
        _signal(process, insist=False)
    alive = _wait(processes, ASKED_S)
    for process in alive:
        _signal(process, insist=True)
    _wait(alive, ASKED_S)


def wait_gone(pid: int | None, timeout_s: float) -> None:
    if pid is None:
        return
    try:
        _wait([psutil.Process(pid)], timeout_s)
    except psutil.NoSuchProcess:
        return


def listens(pid: int | None, port: int) -> bool:
    try:
        sockets = psutil.Process(pid).net_connections("tcp") if pid else []
    except psutil.Error:
        return False
    return any(each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == port for each in sockets)


def works(process: psutil.Process) -> bool:
    """Whether a process lives. In a container an ended one may stay in the table for ever, since nobody asks for it."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _wait(processes: list[psutil.Process], timeout_s: float) -> list[psutil.Process]:
    """Those that still live when all are gone or the time has passed."""
    end_at = time.monotonic() + timeout_s
    while (alive := [process for process in processes if works(process)]) and time.monotonic() < end_at:
        time.sleep(0.02)
    return alive


def _signal(process: psutil.Process, *, insist: bool) -> None:
    try:
        if insist:
            process.kill()
        else:
            process.terminate()
    except psutil.NoSuchProcess:
        return
