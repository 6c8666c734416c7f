"""How agreements stand at an instant, folded from the record: true also while no worker runs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, TypedDict, Unpack

from activities.event_store.event_store import EventStore
from activities.postgres.rows import AgreementRow
from application.concurrency import gather_limited
from domain.agreement.state import Agreement
from domain.kernel.model import Frozen, Instant
from domain.kernel.vocabulary import Kind, ObligationKind, ObligationStatus, Phase, StallReason
from domain.ledger.obligation import Level, Obligation
from domain.stream.messages import RecordedEvent
from domain.stream.serialization import fold_recorded, read_event
from domain.views.health import WaitingOn, assess

PAGE = 1000


class Filters(TypedDict, total=False):
    """Which agreements; what is left out does not narrow."""

    kinds: Sequence[Kind] | None
    phases: Sequence[Phase] | None
    tenant: str | None
    cohort: str | None
    person_id: str | None
    only_open: bool


class AgreementSnapshot(NamedTuple):
    """One agreement as it stood at an instant."""

    agreement: Agreement
    at: datetime
    events: list[RecordedEvent]
    """Those that had happened by then."""


class StalledAgreement(Frozen):
    """One agreement that is stalled: why, on whom, since when, and what happens next."""

    agreement_id: str
    kind: Kind
    phase: Phase
    tenant: str
    cohort: str | None
    reason: StallReason
    waiting_on: WaitingOn
    since: Instant
    obligation_id: str | None
    """None where the reason is silence."""
    obligation_kind: ObligationKind | None
    due_at: Instant | None
    level: Level | None
    next: str
    as_of: Instant


class ObligationWithStatus(Frozen):
    """An obligation and what became of it."""

    obligation: Obligation
    status: ObligationStatus


async def load_snapshot(
    event_store: EventStore, agreement_id: str, as_of: datetime | None = None
) -> AgreementSnapshot | None:
    """Fold one agreement from its stream.

    Args:
        event_store: Where its events are.
        agreement_id: Which.
        as_of: Past: only what had happened by then counts. Future: the ledger as it stands, looked at then.
            None: now, or its last event where its own time runs ahead, as in a demonstration.

    Returns:
        None where it had no event by then.

    Raises:
        UnreadableEvent: A newer release wrote it.
    """
    return _snapshot_of(await event_store.stream(agreement_id), as_of)


async def load_snapshot_to_decide(event_store: EventStore, agreement_id: str) -> AgreementSnapshot | None:
    """Fold one agreement as it is now, for a command: with the digests of its terms decrypted.

    Raises:
        KeysError: They cannot be opened; `UnreadableEvent` as `standing`.
    """
    return _snapshot_of(await event_store.stream_to_decide_upon(agreement_id), None)


def _snapshot_of(rows: list[RecordedEvent], as_of: datetime | None) -> AgreementSnapshot | None:
    if as_of is not None:
        rows = [row for row in rows if row.occurred_at <= as_of]
    agreement = fold_recorded(rows)
    if agreement is None:
        return None
    return AgreementSnapshot(agreement, as_of or max(datetime.now(UTC), rows[-1].occurred_at), rows)


async def agreements(event_store: EventStore, **filters: Unpack[Filters]) -> AsyncGenerator[AgreementRow]:
    """Yield all agreements that the filters leave, in order of id."""
    after = ""
    while True:
        page = await event_store.read_models.agreements(**filters, after=after, limit=PAGE)
        for row in page:
            yield row
        if len(page) < PAGE:
            return
        after = page[-1].agreement_id


async def stalled(
    event_store: EventStore, as_of: datetime | None = None, **filters: Unpack[Filters]
) -> list[StalledAgreement]:
    """Return what is stalled, longest first, exactly as `domain.views.health.assess` says of each stream.

    Args:
        event_store: Where the events are.
        as_of: As for `standing`.
        filters: Which agreements to look at.
    """
    rows = [row async for row in agreements(event_store, **filters)]
    now = datetime.now(UTC)
    latest = as_of or max([now, *(row.updated_at for row in rows)])
    # The read model spares folding what cannot be stalled; it knows the ledger as it stands, so an agreement
    # that has moved on since the instant asked about is folded in any case.
    suspects = {row.agreement_id for row in await event_store.read_models.stalled(latest)}
    wanted = [
        row.agreement_id
        for row in rows
        if row.agreement_id in suspects or (as_of is not None and row.opened_at <= as_of < row.updated_at)
    ]

    async def one(agreement_id: str) -> StalledAgreement | None:
        snapshot = await load_snapshot(event_store, agreement_id, as_of)
        return None if snapshot is None else stalled_agreement(snapshot)

    found = await gather_limited(one, wanted)
    return sorted((row for row in found if row is not None), key=lambda row: (row.since, row.agreement_id))


def all_obligations(events: Iterable[RecordedEvent]) -> list[ObligationWithStatus]:
    """Return every obligation of a stream with what became of it, by due instant."""
    owed: dict[str, ObligationWithStatus] = {}
    for row in events:
        ledger = read_event(row).ledger
        for settled in ledger.settled:
            owed[settled.obligation_id] = owed[settled.obligation_id].model_copy(
                update={"status": ObligationStatus(settled.status)}
            )
        for obligation in (*ledger.opened, *ledger.moved):
            owed[obligation.obligation_id] = ObligationWithStatus(
                obligation=obligation, status=ObligationStatus.OPEN
            )
    return sorted(owed.values(), key=lambda each: (each.obligation.due_at, each.obligation.obligation_id))


def stalled_agreement(snapshot: AgreementSnapshot) -> StalledAgreement | None:
    """Return one agreement as the list of what is stalled has it; None where it is not."""
    agreement = snapshot.agreement
    stall = assess(agreement, snapshot.at).stall
    if stall is None:
        return None
    return StalledAgreement(
        agreement_id=agreement.agreement_id,
        kind=agreement.kind,
        phase=agreement.phase,
        tenant=agreement.terms.tenant,
        cohort=agreement.terms.cohort,
        reason=stall.reason,
        waiting_on=stall.waiting_on,
        since=stall.since,
        obligation_id=stall.obligation_id,
        obligation_kind=stall.obligation_kind,
        due_at=stall.due_at,
        level=stall.level,
        next=stall.next,
        as_of=snapshot.at,
    )
