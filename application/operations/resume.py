"""Start the workflow of one agreement again from its record."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, NamedTuple

from application.container import Container
from application.errors import AgreementNotFoundError, NoAnswerError
from application.identity.principal import Principal, require_machine
from application.queries.agreements import load_snapshot
from application.temporal.starter import Starter

Outcome = Literal["resumed", "running", "closed"]


class Resumed(NamedTuple):
    """What became of it."""

    outcome: Outcome
    version: int
    """Of the record."""
    state: str
    """The phase that the agreement is in, or how it closed."""


async def resume_agreement(
    container: Container, principal: Principal, agreement_id: str, *, patience: timedelta
) -> Resumed:
    """Start an agreement again, as after its workflow was terminated; where it runs already nothing happens.

    A closed agreement is started only where notices of it wait to be sent.

    Args:
        container: What it takes.
        principal: Whoever has a machine of the installation.
        agreement_id: Which.
        patience: How long to wait until it has read its record.

    Raises:
        NotPermittedError: The principal has no machine of the installation.
        AgreementNotFoundError: There is no such agreement.
        NoAnswerError: It was started and has not read its record yet.
    """
    require_machine(principal)
    event_store = await container.event_store()
    snapshot = await load_snapshot(event_store, agreement_id)
    if snapshot is None:
        raise AgreementNotFoundError(agreement_id)
    found = snapshot.agreement
    if found.closed and not await event_store.notices.undelivered(agreement_id):
        return Resumed("closed", found.version, str(found.outcome))
    starter = Starter(await container.temporal(), container.settings.task_queue)
    if not await starter.resume(found, snapshot.at):
        return Resumed("running", found.version, str(found.phase))
    if not found.closed:
        try:
            await starter.confirm(agreement_id, patience)
        except NoAnswerError as error:
            raise NoAnswerError(
                f"{agreement_id} was started and has not read its record yet: {error}. Is a worker running "
                "(`sojourn worker`)? The same call again starts nothing twice."
            ) from error
    return Resumed("resumed", found.version, str(found.phase))
