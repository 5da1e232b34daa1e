"""What goes wrong through no fault of the program, told with the way to mend it."""

import errno


class Trouble(Exception):
    """``what`` happened and ``mend``, what to do about it. Shown without a traceback; the exit status is 1."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(f"{what}\n{mend}")
        self.what = what
        self.mend = mend


def from_os_error(error: OSError) -> Trouble:
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return Trouble(f"the disk is full{where}", "free some space (1 GB is plenty), then run the same command again")
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return Trouble(
            f"not allowed to write or read{where}: {error.strerror}",
            "give this user the folder, or name another one with UNSAID_HOME",
        )
    return Trouble(f"{error.strerror or error}{where}", "run `./unsaid doctor` to see what is missing")
