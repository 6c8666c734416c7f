"""When one run hands over to the next, and how its last commands come to their end."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from workflows.contract import HANDING_OVER

LONGEST_HISTORY = 8_000
"""Events after which a run hands over even where the server's own suggestion was raised or switched off."""
LARGEST_HISTORY = 8 * 1024 * 1024
"""Likewise, bytes. The server warns of 10,240 events or 10 MiB and ends runs at five times that."""
FULL_HISTORY = 9_500
"""Events after which nothing new is let in. An update leaves five at least, and a run takes 2,000 of them."""
GRACE_FOR_A_PAUSE = timedelta(seconds=1)
"""How long a run that is to hand over waits for its callers to leave a gap."""


def due() -> bool:
    """Tell whether a run is to hand over: it is long, the server says so, or there is newer code."""
    info = workflow.info()
    return (
        info.is_continue_as_new_suggested()
        or info.is_target_worker_deployment_version_changed()
        or info.get_current_history_length() >= LONGEST_HISTORY
        or info.get_current_history_size() >= LARGEST_HISTORY
    )


class CommandAdmission:
    """Whether a run takes commands: while they arrive without a gap, none of its handlers is the last one."""

    def __init__(self) -> None:
        self._closed = False

    def admit(self) -> None:
        """Let a command in.

        Raises:
            ApplicationError: Of type `HandingOver`: the next run takes it, and nothing was written.
        """
        if self._closed or workflow.info().get_current_history_length() >= FULL_HISTORY:
            raise ApplicationError("One run hands over to the next; send it again.", type=HANDING_OVER)

    async def drain(self) -> None:
        """Wait until every handler has finished. Callers who leave no gap are asked to come again."""
        if workflow.all_handlers_finished():
            return
        try:
            await workflow.wait_condition(
                workflow.all_handlers_finished,
                timeout=GRACE_FOR_A_PAUSE,
                timeout_summary="Commands under way before continue-as-new",
            )
        except TimeoutError:
            self._closed = True
            await workflow.wait_condition(workflow.all_handlers_finished)
