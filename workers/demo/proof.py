"""What has to hold once the placements are over: record, read models, Temporal and mailboxes agree."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from temporalio.client import Client, WorkflowExecutionStatus

from activities.event_store.event_store import EventStore
from domain.kernel.vocabulary import Outcome
from domain.stream.serialization import fold_recorded
from domain.views.status import StatusView, status_view
from workers.demo.report import AgreementReport, Check
from workers.demo.scenes import OPERATORS_QUEUE
from workflows.contract import STATUS_QUERY
from workflows.search_attributes import HEALTH, OUTCOME, PHASE


class Proof:
    """Looks at placements that are over.

    Args:
        reports: What was seen of each.
        event_store: Their events and read models.
        client: Their workflows, with a worker that answers queries.
    """

    def __init__(self, reports: Sequence[AgreementReport], event_store: EventStore, client: Client) -> None:
        self._reports = reports
        self._event_store = event_store
        self._client = client

    async def checks(self) -> list[Check]:
        """Everything that has to hold."""
        return [
            self._completed(),
            self._stalled_and_rescued(),
            await self._of_each("Hash chain", "whole, event by event", self._chain),
            await self._of_each(
                "Folded stream", "the same as the read models, with nothing left open", self._read_model
            ),
            await self._of_each(
                "Temporal", "status and search attributes say the same as the record", self._temporal
            ),
            self._notices(),
            await self._of_each("Refusals", "left no trace in the record", self._refusals),
            self._surprises(),
        ]

    def _completed(self) -> Check:
        open_ones = [each for each in self._reports if each.outcome is not Outcome.COMPLETED]
        return Check(
            name="Placements",
            holds=not open_ones,
            detail="; ".join(f"{each.agreement_id} is {each.outcome or each.phase}" for each in open_ones)
            or f"{len(self._reports)} of {len(self._reports)} closed as completed",
        )

    def _stalled_and_rescued(self) -> Check:
        for each in self._reports:
            levels = [stall.level or 0 for stall in each.stalls]
            if each.reassigned_to is not None and levels and max(levels) >= OPERATORS_QUEUE:
                worst = max(each.stalls, key=lambda stall: stall.level or 0)
                detail = (
                    f"{each.kind} for {worst.days:.0f} days ({worst.reason.replace('_', ' ')}), level "
                    f"{worst.level}; {each.reassigned_to} took over"
                )
                return Check(name="Stalled", holds=True, detail=detail)
        return Check(
            name="Stalled", holds=False, detail=f"none climbed to level {OPERATORS_QUEUE} and was reassigned"
        )

    def _notices(self) -> Check:
        wrong = [
            f"{each.agreement_id}: {each.notices.sent} sent, {each.notices.letters} arrived, "
            f"{each.notices.failed} failed, {each.notices.queued} still queued"
            for each in self._reports
            if each.notices.failed or each.notices.queued or each.notices.sent != each.notices.letters
        ]
        sent = sum(each.notices.sent for each in self._reports)
        return Check(
            name="Notices",
            holds=not wrong,
            detail="; ".join(wrong) or f"{sent} sent by SMTP and found in the mailboxes; none failed",
        )

    def _surprises(self) -> Check:
        surprises = [surprise for each in self._reports for surprise in each.surprises]
        return Check(
            name="Cast",
            holds=not surprises,
            detail="; ".join(surprises) or "every answer was accepted as it was given",
        )

    async def _of_each(
        self, name: str, if_well: str, look: Callable[[AgreementReport], Awaitable[str | None]]
    ) -> Check:
        found = await asyncio.gather(*(look(each) for each in self._reports))
        wrong = [
            f"{each.agreement_id}: {what}" for each, what in zip(self._reports, found, strict=True) if what
        ]
        return Check(name=name, holds=not wrong, detail="; ".join(wrong) or if_well)

    async def _chain(self, report: AgreementReport) -> str | None:
        fault = await self._event_store.verify_chain(report.agreement_id)
        return None if fault is None else str(fault)

    async def _read_model(self, report: AgreementReport) -> str | None:
        folded = fold_recorded(await self._event_store.stream(report.agreement_id))
        row = await self._event_store.read_models.agreement(report.agreement_id)
        if folded is None or row is None:
            return "it is not in the record"
        read = (row.version, row.head.phase, row.head.outcome, row.head.ends_on)
        if read != (folded.version, folded.phase, folded.outcome, folded.ends_on):
            return f"folded to version {folded.version}, the read model says {read}"
        if folded.obligations or await self._event_store.read_models.open_obligations(report.agreement_id):
            return "obligations are still open"
        return None

    async def _temporal(self, report: AgreementReport) -> str | None:
        handle = self._client.get_workflow_handle(report.agreement_id)
        described = await handle.describe()
        if described.status is not WorkflowExecutionStatus.COMPLETED:
            return f"its workflow is {described.status}"
        folded = fold_recorded(await self._event_store.stream(report.agreement_id))
        if folded is None:
            return "it is not in the record"
        # Answered by replaying the workflow's history, now that it is closed.
        said = await handle.query(STATUS_QUERY, result_type=StatusView)
        told = status_view(folded, said.as_of)
        if said != told:
            return f"its workflow is at version {said.version}, {said.phase}; the record at {told.version}"
        shown = tuple(described.typed_search_attributes.get(key) for key in (PHASE, OUTCOME, HEALTH))
        if shown != (told.phase, told.outcome, told.health):
            return f"its search attributes say {shown}"
        return None

    async def _refusals(self, report: AgreementReport) -> str | None:
        given = {event.command_id for event in await self._event_store.stream(report.agreement_id)}
        recorded = [refusal.command for refusal in report.refusals if refusal.command_id in given]
        return f"{', '.join(recorded)} was refused and is in the record" if recorded else None
