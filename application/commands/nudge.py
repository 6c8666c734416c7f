"""Remind whoever owes what has been due for longest in an agreement, now and in an operator's name."""

from __future__ import annotations

from datetime import datetime, timedelta

from application.commands.bulk import oldest_overdue
from application.commands.submit import submit
from application.container import Container
from application.errors import UpdateRefusedError
from application.identity.operators import require_operator
from application.identity.principal import Principal
from application.queries.agreements import load_snapshot
from domain.agreement.commands.operations import NudgeObligation
from domain.kernel.errors import RefusalCode
from domain.kernel.model import PersonId
from domain.kernel.vocabulary import Role


async def find_what_to_nudge_about(
    container: Container, operator_id: PersonId, agreement_id: str, at: datetime
) -> str:
    """Return the id of what has been due for longest, of what an operator may know of.

    Args:
        container: What it takes.
        operator_id: Who would nudge.
        agreement_id: In which agreement.
        at: The instant at which it has to be overdue.

    Raises:
        UpdateRefusedError: Nothing is overdue.
    """
    snapshot = await load_snapshot(await container.event_store(), agreement_id)
    oldest = None if snapshot is None else oldest_overdue(snapshot, operator_id, Role.OPERATOR, at)
    if oldest is None:
        raise UpdateRefusedError(RefusalCode.NOT_OPEN, f"nothing is overdue in {agreement_id}.")
    return oldest


async def nudge(
    container: Container,
    principal: Principal,
    agreement_id: str,
    obligation_id: str,
    *,
    command_id: str,
    patience: timedelta,
) -> None:
    """Have the owner of an obligation reminded now; the same command id again is the same reminder.

    Args:
        container: What it takes.
        principal: The operator.
        agreement_id: In which agreement.
        obligation_id: About what; `find_what_to_nudge_about` names it.
        command_id: The id of the command.
        patience: How long to wait for an answer.

    Raises:
        NotPermittedError: The principal is no operator.
        WorkflowCallError: As `application.commands.submit.submit`.
    """
    command = NudgeObligation(
        command_id=command_id,
        actor_id=await require_operator(await container.directory(), principal),
        acting_as=Role.OPERATOR,
        obligation_id=obligation_id,
    )
    await submit(container, principal, agreement_id, command, patience=patience)
