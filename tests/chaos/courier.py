"""Delivers commands on the path of the command line, more often than needed, and notes every answer."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta

from temporalio.client import Client
from temporalio.service import RPCError

from application.errors import NoAnswerError, NotRunningError, UpdateRefusedError
from application.temporal.updates import send_update, update_id_of
from domain.agreement.commands import Command
from domain.kernel.errors import RefusalCode
from tests.chaos.notes import Fate, Notes, Sent
from workflows.contract import Receipt

PATIENCE = timedelta(seconds=60)
"""How long somebody who wants to know asks for an answer."""

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
        self, command: Command, *, as_another: bool = False, hangs_up_after: float | None = None
    ) -> Fate:
        """Delivers a command once, asking for the answer as long as patience lasts.

        Args:
            command: What is asked.
            as_another: Under an update id of its own, as from another process: Temporal takes it for another
                update, and only Sojourn can know that it is the same command.
            hangs_up_after: Seconds after which its sender is gone, as a process that was killed.

        Returns:
            What its sender knows of it by now, all deliveries together.
        """
        note = self._note(command)
        note.deliveries += 1
        had_receipt = bool(note.receipts)
        try:
            async with asyncio.timeout(hangs_up_after):
                receipt = await self._ask(command, as_another=as_another)
        except UpdateRefusedError as refused:
            if refused.code not in _RULES:
                note.faults.append(f"{refused.code}: {refused.sentence}")
            elif had_receipt:
                note.refused_after_receipt.append(refused.code)
            else:
                note.refusals.append(refused.code)
        except (NoAnswerError, NotRunningError, TimeoutError):
            # An agreement that has ended meanwhile may have taken it before.
            note.unanswered += 1
        except RPCError as error:
            note.faults.append(f"{error.status.name}: {error.message}")
        else:
            note.receipts.append(receipt)
        return note.fate

    async def deliver_twice(self, command: Command) -> Fate:
        """Delivers a command from two places at the same moment."""
        await asyncio.gather(self.deliver(command), self.deliver(command, as_another=True))
        return self._note(command).fate

    async def deliver_altered(self, command: Command) -> None:
        """Delivers other content under the id of a command that was acknowledged; it has to be refused."""
        note = self._note(command)
        try:
            await self._ask(command, as_another=True)
        except UpdateRefusedError as refused:
            if refused.code != RefusalCode.COMMAND_REUSED:
                note.faults.append(f"other content under its id was refused as {refused.code}")
        except (NotRunningError, NoAnswerError):
            return
        else:
            note.faults.append("other content under its id was accepted")

    def _note(self, command: Command) -> Sent:
        return self._notes.of(self._agreement_id, command.command_id, command.type)

    async def _ask(self, command: Command, *, as_another: bool) -> Receipt:
        update_id = update_id_of(self._client, command)
        return await send_update(
            self._client,
            self._agreement_id,
            command.type,
            command,
            update_id=f"{update_id}:{uuid.uuid4().hex[:8]}" if as_another else update_id,
            patience=PATIENCE,
        )
