"""What goes wrong through no fault of the program, told with the way to mend it."""

import errno
import shutil
from pathlib import Path

FULL = "free some space, then run the same command again: it goes on where it stopped"


class Trouble(Exception):  # noqa: N818 - it is told to people
    """``what`` happened and ``mend``, what to do about it. Shown without a traceback; the exit status is 1."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(f"{what}\n{mend}")
        self.what = what
        self.mend = mend


def from_os_error(error: OSError) -> Trouble:
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return Trouble(f"the disk is full{where}", FULL)
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return Trouble(
            f"not allowed{where}: {error.strerror}",
            "give this user the folder, or name another one with UNSAID_HOME",
        )
    return Trouble(f"{error.strerror or error}{where}", "`./unsaid doctor` looks for what is missing")


def need_space(folder: Path, megabytes: int) -> None:
    """Stop before a full disk leaves something half written."""
    free = shutil.disk_usage(folder).free // 1_000_000
    if free < megabytes:
        raise Trouble(f"the disk is nearly full: {free} MB are free at {folder}, {megabytes} MB are needed", FULL)
