"""Nudges sent from the board, in an operator's name."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta

from temporalio.service import RPCError

from activities.postgres.pool import DatabaseRefusedError, DatabaseUnavailableError
from application.errors import NoAnswerError, NotRunningError, UpdateRefusedError
from application.queries.agreements import standing
from application.temporal.client import NoTemporalError
from application.temporal.updates import ask, update_id_of
from domain.agreement.commands.operations import NudgeObligation
from domain.kernel.vocabulary import Role
from domain.ledger.obligation import Obligation
from domain.privacy.confidentiality import obligations_known_to
from workers.board.rows import BoardRow
from workers.cli.reach import Reach
from workers.terminal.failures import Failure

PATIENCE = timedelta(seconds=8)
"""How long somebody at a board waits for an answer."""


class Nudger:
    """Sends nudges; what goes wrong is told in a sentence, for the board goes on."""

    def __init__(self, reach: Reach, operator_id: str, *, patience: timedelta = PATIENCE) -> None:
        self._reach = reach
        self._operator_id = operator_id
        self._patience = patience
        self._unanswered: dict[tuple[str, str], str] = {}

    async def nudge(self, row: BoardRow) -> str:
        """Has the owner of what is overdue for longest reminded now; says what came of it.

        The ledger is read again: since the board was, somebody may have done what they owed.
        """
        try:
            stands = await standing(await self._reach.event_store(), row.agreement_id)
        except (DatabaseRefusedError, DatabaseUnavailableError) as error:
            return f"Nudge not sent, the record cannot be read: {error}"
        owed: Mapping[str, Obligation] = {}
        if stands is not None:
            owed = obligations_known_to(stands.agreement, self._operator_id, {Role.OPERATOR})
        overdue = [held for held in owed.values() if held.is_overdue(row.at)]
        if not overdue:
            return f"Not nudged: nothing is overdue in {row.agreement_id}."
        oldest = min(overdue, key=lambda held: (held.due_at, held.obligation_id)).obligation_id
        return await self._send(row.agreement_id, oldest)

    async def _send(self, agreement_id: str, obligation_id: str) -> str:
        about = (agreement_id, obligation_id)
        # A nudge without an answer may still take effect, so the next attempt is the same command.
        command_id = self._unanswered.setdefault(about, f"watch-{uuid.uuid4()}")
        command = NudgeObligation(
            command_id=command_id,
            actor_id=self._operator_id,
            acting_as=Role.OPERATOR,
            obligation_id=obligation_id,
        )
        try:
            client = await self._reach.client()
            await ask(
                client,
                agreement_id,
                command.type,
                command,
                update_id=update_id_of(client, command),
                patience=self._patience,
            )
        except NoAnswerError:
            return "Nudge not answered: no worker runs. It may still be sent; n again repeats the same nudge."
        except (NoTemporalError, RPCError) as error:
            # What the driver has to say about it, in brackets, does not fit a board.
            return f"Nudge not sent: {str(error).partition(' (')[0]}."
        except NotRunningError as error:
            return f"Nudge not sent: {error} `sojourn resume {agreement_id}` starts it again from its record."
        except UpdateRefusedError as refused:
            del self._unanswered[about]
            return f"Not nudged: {refused.sentence}"
        del self._unanswered[about]
        return f"Nudged about {obligation_id} in {agreement_id}."


async def require_operator(reach: Reach, person_id: str) -> None:
    """Lets nobody nudge as an operator who is none.

    Raises:
        Failure: The directory does not have them as an operator.
    """
    known = await (await reach.directory()).get([person_id])
    if person_id not in known or not known[person_id].is_operator:
        raise Failure(
            f'--as: {person_id} is no operator. Operators have "is_operator": true in the directory; set it '
            "with `sojourn people`, or watch without --as."
        )
