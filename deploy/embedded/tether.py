"""Becomes another program that dies with the process that started it.

Run as a script: `python tether.py PARENT_PID SIGNAL ACCOUNT PROGRAM ARGUMENTS...`. A launcher rather than
a function run between fork and exec, because forking a process that has threads may hang it, and the
Temporal SDK has threads.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import sys

_SET_PARENT_DEATH_SIGNAL = 1


def _drop_to(account: str) -> None:
    entry = pwd.getpwnam(account)
    os.initgroups(account, entry.pw_gid)
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def main(parent: int, death_signal: int, account: str, command: list[str]) -> None:
    """Change account where asked, tie this process to its parent, then become the command.

    Args:
        parent: Process id that this process must not outlive.
        death_signal: Number of the signal to receive when the parent dies.
        account: Operating system account to run as; empty keeps the present one.
        command: The program and its arguments.
    """
    program = ctypes.CDLL(None)
    if account:
        _drop_to(account)
    if sys.platform == "linux":
        # After the change of account, which the kernel answers by forgetting this wish.
        program.prctl(_SET_PARENT_DEATH_SIGNAL, death_signal, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the process that started this server is gone")
    os.execv(command[0], command)  # noqa: S606 - the caller's own program, no shell


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
