"""Delivers commands on the path of the command line, more often than needed, and notes every answer."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta

from temporalio.client import Client
from temporalio.service import RPCError

from domain.commands import Command
from domain.refusals import RefusalCode
from tests.chaos.notes import Fate, Notes
from workers.asking import NoAnswerError, NotRunningError, UpdateRefusedError, ask, update_id_of

PATIENCE = timedelta(seconds=60)
"""How long somebody who wants to know asks for an answer."""
IMPATIENCE = timedelta(seconds=1)
"""How long somebody asks who then leaves it at that."""

_RULES = frozenset(RefusalCode)


class Courier:
    """Sends the commands of one agreement.

    Args:
        client: The way to Temporal.
        agreement_id: To which agreement.
        notes: Where answers are noted.
    """

    def __init__(self, client: Client, agreement_id: str, notes: Notes) -> None:
        self._client = client
        self._agreement_id = agreement_id
        self._notes = notes

    async def deliver(
        self, command: Command, *, patience: timedelta = PATIENCE, as_another: bool = False
    ) -> Fate:
        """Delivers a command once, asking for the answer as long as patience lasts.

        Args:
            command: What is asked.
            patience: How long.
            as_another: Under an update id of its own, as from another process: Temporal takes it for another
                update, and only Sojourn can know that it is the same command.

        Returns:
            What its sender knows of it by now, all deliveries together.
        """
        note = self._notes.of(self._agreement_id, command.command_id, command.type)
        note.deliveries += 1
        had_receipt = bool(note.receipts)
        update_id = update_id_of(command)
        try:
            receipt = await ask(
                self._client,
                self._agreement_id,
                command.type,
                command,
                update_id=f"{update_id}:{uuid.uuid4().hex[:8]}" if as_another else update_id,
                patience=patience,
            )
        except UpdateRefusedError as refused:
            if refused.code not in _RULES:
                note.faults.append(f"{refused.code}: {refused.sentence}")
            elif had_receipt:
                note.refused_after_receipt.append(refused.code)
            else:
                note.refusals.append(refused.code)
        except NotRunningError:
            # It has ended: whether an earlier delivery got through is not known by this one.
            note.unanswered += 1
        except NoAnswerError:
            note.unanswered += 1
        except RPCError as error:
            note.faults.append(f"{error.status.name}: {error.message}")
        else:
            note.receipts.append(receipt)
        return note.fate

    async def deliver_twice(self, command: Command) -> Fate:
        """Delivers a command from two places at the same moment."""
        await asyncio.gather(self.deliver(command), self.deliver(command, as_another=True))
        return self._notes.of(self._agreement_id, command.command_id, command.type).fate

    async def deliver_altered(self, command: Command) -> None:
        """Delivers other content under the id of a command that was acknowledged; it has to be refused."""
        note = self._notes.of(self._agreement_id, command.command_id, command.type)
        try:
            await ask(
                self._client,
                self._agreement_id,
                command.type,
                command,
                update_id=update_id_of(command),
                patience=PATIENCE,
            )
        except UpdateRefusedError as refused:
            if refused.code != RefusalCode.COMMAND_REUSED:
                note.faults.append(f"other content under its id was refused as {refused.code}")
        except (NotRunningError, NoAnswerError):
            return
        else:
            note.faults.append("other content under its id was accepted")
