"""Send an authorized command to the workflow of an agreement."""

from __future__ import annotations

from datetime import timedelta

from temporalio.client import Client

from application.commands.authorization import AuthorizedCommand
from application.config.policy_sets import KnownPolicies
from application.temporal.updates import PATIENCE, Waiting, send_update, update_id_of
from workflows.contract import Receipt


async def send_command(
    client: Client,
    agreement_id: str,
    authorized: AuthorizedCommand,
    *,
    policies: KnownPolicies,
    patience: timedelta = PATIENCE,
    waiting: Waiting | None = None,
) -> Receipt:
    """Send a command until it is answered, always under the same update id, so that it takes effect once.

    Args:
        client: A client of Temporal.
        agreement_id: Which workflow.
        authorized: The command.
        policies: Where the policy set is found that it names, for no workflow ever reads a file.
        patience: How long to wait for an answer.
        waiting: Told of attempts without one.

    Raises:
        WorkflowCallError: As `application.temporal.updates.send_update`.
        UpdateRefusedError: Also where it names a policy set that is not known here.
    """
    command = authorized.along_with(policies).command
    return await send_update(
        client,
        agreement_id,
        command.type,
        command,
        update_id=update_id_of(client, command),
        patience=patience,
        waiting=waiting,
    )
