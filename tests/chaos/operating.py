"""What operators do in the midst of it: bring everything back after a loss, and roll out a release."""

from __future__ import annotations

from datetime import timedelta

from temporalio.common import WorkerDeploymentVersion

from application.operations.rehydrate import Outcome as Found
from application.operations.rehydrate import Rehydration
from application.operations.upgrade import Outcome, Upgrade
from application.temporal.versions import VersionNotMadeCurrentError, make_current
from tests.chaos.surroundings import TASK_QUEUE, NotYetError, Surroundings, patiently

_BACK = frozenset({Found.RESUMED, Found.RUNNING, Found.SENDS_NOTICES, Found.CLOSED})
_ANSWERS_WITHIN = timedelta(seconds=20)
_MOVES_WITHIN = timedelta(seconds=5)
"""An agreement that does not move by itself in time begins again from its record, as one that is stranded."""


async def bring_back(around: Surroundings) -> None:
    """Starts every open agreement from the record, on a Temporal that knows none, until all are there."""
    rehydration = Rehydration(around.event_store, around.client, TASK_QUEUE, _ANSWERS_WITHIN)

    async def once() -> None:
        found = await rehydration.run(await around.event_store.read_models.to_be_run(), _nobody_counts)
        missing = [f"{each.agreement_id}: {each.outcome}" for each in found if each.outcome not in _BACK]
        if missing:
            raise NotYetError(", ".join(missing))

    await patiently(once)


async def roll_out(around: Surroundings, build_id: str) -> None:
    """Brings workers and agreements to another version; the last old worker leaves when nobody needs it."""
    version = WorkerDeploymentVersion(TASK_QUEUE, build_id)
    upgrade = Upgrade(around.client, TASK_QUEUE, version)
    last = around.workers.count - 1
    for number in range(last):
        around.workers.replace(number, build_id)

    async def once() -> None:
        try:
            await make_current(around.client, version)
        except VersionNotMadeCurrentError as error:
            raise NotYetError(str(error)) from error
        behind = [agreement_id async for agreement_id in upgrade.behind()]
        moved = await upgrade.move(behind, _MOVES_WITHIN, _nobody_counts)
        left = [each.agreement_id for each in moved if each.outcome is Outcome.BEHIND]
        again = await upgrade.start_again(around.event_store, left, _nobody_counts)
        stranded = [each.agreement_id for each in again if each.outcome is Outcome.BEHIND]
        if stranded or behind:
            # Temporal's list of those behind may be some moments old: it is looked at until it is empty.
            raise NotYetError(f"{', '.join(stranded) or 'some agreements'} may still be behind")

    await patiently(once)
    around.workers.replace(last, build_id)


def _nobody_counts() -> None:
    """How far it is interests nobody here."""
