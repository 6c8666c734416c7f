"""Changes of course that a run begun by an earlier release must not notice while it is replayed.

A run stays on the worker version that began it, and an agreement moves to another at continue-as-new
(`sojourn upgrade`). Each patch keeps what came before all the same: a history of an earlier release replays
under this one, so that a run can be moved by hand where its worker version is lost. A patch goes when no
supported release lacks it.
"""

from __future__ import annotations

from temporalio import workflow

_ONE_TASK_PER_COMMAND = "one-task-per-command"


def one_task_per_command() -> bool:
    """Tell whether this run asks the record inside its tasks, and has all due notices delivered at once.

    To be asked before the run does anything else: an old run that is replayed answers False then, and would
    not if it were first asked beyond its history.
    """
    return workflow.patched(_ONE_TASK_PER_COMMAND)
