"""Start every open agreement again from the record: after a lost cluster, or on an empty namespace.

A closed agreement is among them while notices of it wait to be sent: it ends again once they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from enum import StrEnum

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from activities.event_store.event_store import EventStore
from activities.postgres.pool import DatabaseRefusedError
from application.concurrency import gather_limited
from application.container import Container
from application.errors import NoAnswerError, NothingMatchedError, NotRunningError
from application.identity.principal import Principal, require_machine
from application.progress import NO_PROGRESS, Progress
from application.queries.agreements import AgreementSnapshot, load_snapshot
from application.temporal.namespace import register_search_attributes
from application.temporal.starter import Starter
from application.temporal.status_query import query_workflow
from domain.kernel.model import Frozen
from domain.stream.serialization import UnreadableEvent
from domain.views.status import StatusView
from workflows.contract import STATUS_QUERY

AT_ONCE = 24
"""How many agreements are being started at a time."""


class Outcome(StrEnum):
    """What became of one agreement."""

    RESUMED = "resumed"
    """It runs again, at the record's version or beyond: what fell due meanwhile has happened."""
    RUNNING = "running"
    """It ran already; nothing was done."""
    WOULD_RESUME = "would_resume"
    """In a dry run."""
    SENDS_NOTICES = "sends_notices"
    """It is closed, and was started for the notices that were not sent; it ends by itself."""
    CLOSED = "closed"
    """It is closed and everybody was told; nothing was done."""
    UNANSWERED = "unanswered"
    """It was started and has not said yet how it stands."""
    UNREADABLE = "unreadable"
    """Its record cannot be folded; nothing was started."""
    NOT_STARTED = "not_started"
    """Temporal did not take it."""


class Rehydrated(Frozen):
    """What became of one agreement."""

    agreement_id: str
    outcome: Outcome
    version: int | None = None
    """The record's; the workflow's own where it has answered."""
    sentence: str | None = None
    """What is wrong, for people."""


async def rehydrate(
    container: Container,
    principal: Principal,
    agreement_ids: Sequence[str] = (),
    *,
    patience: timedelta,
    dry_run: bool = False,
    progress: Progress = NO_PROGRESS,
) -> list[Rehydrated]:
    """Start every open agreement from the record; what runs already is left alone.

    Registers the search attributes that the namespace lacks.

    Args:
        container: What it takes.
        principal: Whoever has a machine of the installation.
        agreement_ids: Only these; empty for all.
        patience: How long each may take to say how it stands.
        dry_run: Only look which would be started.
        progress: Told of each agreement that is done.

    Raises:
        NotPermittedError: The principal has no machine of the installation.
        NothingMatchedError: None of these ids is to be run.
    """
    require_machine(principal)
    event_store, client = await container.event_store(), await container.temporal()
    known = await event_store.read_models.to_be_run()
    chosen = known if not agreement_ids else [each for each in known if each in agreement_ids]
    if agreement_ids and not chosen:
        raise NothingMatchedError(
            "None of these is an open agreement of the record, or a closed one with notices to send. "
            "Nothing was started; `sojourn list --open` shows what there is."
        )
    if not dry_run:
        await register_search_attributes(client)
    rehydration = Rehydration(event_store, client, container.settings.task_queue, patience)
    progress.start(len(chosen))
    return await rehydration.run(chosen, progress.advance, dry_run=dry_run)


class Rehydration:
    """Starts agreements from their record, a few at a time. Repeating it starts nothing twice.

    Args:
        event_store: Where they are.
        client: The way to the Temporal that is to run them.
        task_queue: On which.
        patience: How long each may take to say how it stands.
    """

    def __init__(self, event_store: EventStore, client: Client, task_queue: str, patience: timedelta) -> None:
        self._event_store = event_store
        self._client = client
        self._starter = Starter(client, task_queue)
        self._patience = patience

    async def run(
        self, agreement_ids: Sequence[str], one_more: Callable[[], None], *, dry_run: bool = False
    ) -> list[Rehydrated]:
        """Start each that does not run, and return what became of each, in their order.

        Args:
            agreement_ids: Which: `read_models.to_be_run` names them all.
            one_more: Called after each.
            dry_run: Only look which would be started.

        Raises:
            RPCError: Temporal cannot be asked at all.
            DatabaseUnavailableError: PostgreSQL does not answer.
        """

        async def one(agreement_id: str) -> Rehydrated:
            done = await self._one(agreement_id, dry_run=dry_run)
            one_more()
            return done

        return await gather_limited(one, agreement_ids, at_once=AT_ONCE)

    async def _one(self, agreement_id: str, *, dry_run: bool) -> Rehydrated:
        blank = Rehydrated(agreement_id=agreement_id, outcome=Outcome.WOULD_RESUME)
        if await self._runs(agreement_id):
            return blank.model_copy(update={"outcome": Outcome.RUNNING})
        try:
            snapshot = await load_snapshot(self._event_store, agreement_id)
        except (UnreadableEvent, DatabaseRefusedError) as error:
            return blank.model_copy(update={"outcome": Outcome.UNREADABLE, "sentence": str(error)})
        if snapshot is None:
            sentence = "It has no events, so there is nothing to fold."
            return blank.model_copy(update={"outcome": Outcome.UNREADABLE, "sentence": sentence})
        found = blank.model_copy(update={"version": snapshot.agreement.version})
        if snapshot.agreement.closed and not await self._event_store.notices.undelivered(agreement_id):
            found = found.model_copy(update={"outcome": Outcome.CLOSED})
        elif not dry_run:
            found = await self._start(found, snapshot)
        return found

    async def _start(self, found: Rehydrated, snapshot: AgreementSnapshot) -> Rehydrated:
        try:
            started = await self._starter.resume(snapshot.agreement, snapshot.at)
        except RPCError as error:
            if error.status in {RPCStatusCode.UNAVAILABLE, RPCStatusCode.PERMISSION_DENIED}:
                raise
            sentence = f"Temporal answers: {error.message} ({error.status.name.lower()})."
            return found.model_copy(update={"outcome": Outcome.NOT_STARTED, "sentence": sentence})
        if not started:
            return found.model_copy(update={"outcome": Outcome.RUNNING})
        if snapshot.agreement.closed:
            return found.model_copy(update={"outcome": Outcome.SENDS_NOTICES})
        return await self._answered(found)

    async def _runs(self, agreement_id: str) -> bool:
        try:
            description = await self._client.get_workflow_handle(agreement_id).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return description.status is WorkflowExecutionStatus.RUNNING

    async def _answered(self, started: Rehydrated) -> Rehydrated:
        """Wait until it says how it stands: only then is it there again."""
        try:
            status = await query_workflow(
                self._client, started.agreement_id, STATUS_QUERY, StatusView, patience=self._patience
            )
        except (NoAnswerError, NotRunningError) as none:
            return started.model_copy(update={"outcome": Outcome.UNANSWERED, "sentence": f"{none}."})
        return started.model_copy(update={"outcome": Outcome.RESUMED, "version": status.version})
