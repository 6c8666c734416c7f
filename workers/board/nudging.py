"""Send nudges from the board, in an operator's name."""

from __future__ import annotations

import uuid
from datetime import timedelta

from temporalio.service import RPCError

from activities.postgres.pool import DatabaseRefusedError, DatabaseUnavailableError
from application.commands.nudge import find_what_to_nudge_about, nudge
from application.container import Container
from application.errors import NoAnswerError, NotRunningHereError, UpdateRefusedError, UseCaseError
from application.identity.principal import Principal
from application.temporal.client import NoTemporalError
from domain.kernel.model import PersonId
from workers.board.rows import BoardRow

PATIENCE = timedelta(seconds=8)
"""How long somebody at a board waits for an answer."""


class Nudger:
    """Sends nudges; what goes wrong is told in a sentence, for the board goes on.

    Args:
        container: What use cases work with.
        principal: Who nudges.
        operator_id: Their id.
        patience: How long to wait for an answer.
    """

    def __init__(
        self,
        container: Container,
        principal: Principal,
        operator_id: PersonId,
        *,
        patience: timedelta = PATIENCE,
    ) -> None:
        self._container = container
        self._principal = principal
        self._operator_id = operator_id
        self._patience = patience
        self._unanswered: dict[tuple[str, str], str] = {}

    async def nudge(self, row: BoardRow) -> str:
        """Have the owner of what is overdue for longest reminded now, and return what came of it.

        The ledger is read again: since the board was, somebody may have done what they owed.
        """
        agreement_id = row.agreement_id
        try:
            obligation_id = await find_what_to_nudge_about(
                self._container, self._operator_id, agreement_id, row.at
            )
        except (DatabaseRefusedError, DatabaseUnavailableError) as error:
            return f"Nudge not sent, the record cannot be read: {error}"
        except UpdateRefusedError as refused:
            return f"Not nudged: {refused.sentence}"
        return await self._send(agreement_id, obligation_id)

    async def _send(self, agreement_id: str, obligation_id: str) -> str:
        about = (agreement_id, obligation_id)
        # A nudge without an answer may still take effect, so the next attempt is the same command.
        command_id = self._unanswered.setdefault(about, f"watch-{uuid.uuid4()}")
        try:
            await nudge(
                self._container,
                self._principal,
                agreement_id,
                obligation_id,
                command_id=command_id,
                patience=self._patience,
            )
        except NoAnswerError:
            return "Nudge not answered: no worker runs. It may still be sent; n again repeats the same nudge."
        except (NoTemporalError, RPCError, DatabaseRefusedError, DatabaseUnavailableError) as error:
            # What the driver has to say about it, in brackets, does not fit a board.
            return f"Nudge not sent: {str(error).partition(' (')[0]}."
        except NotRunningHereError:
            return (
                f"Nudge not sent: No workflow {agreement_id} is running. "
                f"`sojourn resume {agreement_id}` starts it again from its record."
            )
        except UseCaseError as refused:
            del self._unanswered[about]
            return f"Not nudged: {refused.sentence}"
        del self._unanswered[about]
        return f"Nudged about {obligation_id} in {agreement_id}."
