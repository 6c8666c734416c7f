"""How agreements stand: the fold of the stream, its read model and the past agree with one another."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from activities.event_store.event_store import EventStore
from activities.postgres.rows import StalledRow
from application.queries.agreements import StalledAgreement, all_obligations, load_snapshot, stalled
from domain.agreement.state import Agreement
from domain.kernel.vocabulary import ObligationKind, ObligationStatus, Phase, Role, StallReason
from domain.ledger.obligation import Obligation
from domain.stream.serialization import fold_recorded
from domain.views.health import assess

Lives = Callable[..., Awaitable[Agreement]]

DAY = timedelta(days=1)


def signatures_only(owed: Obligation) -> bool:
    """Everybody signs, and then nobody does anything more."""
    return owed.kind in {ObligationKind.SIGNATURE, ObligationKind.ANNEX_SIGNATURE}


def nothing(_: Obligation) -> bool:
    """Nobody does anything."""
    return False


def nothing_delivered(owed: Obligation) -> bool:
    """Meetings go on; nothing is delivered, and nobody looks back."""
    return owed.kind not in {
        ObligationKind.MILESTONE,
        ObligationKind.LEG_DELIVERABLE,
        ObligationKind.SESSION_DEBRIEF,
        ObligationKind.DEBRIEF,
    }


@pytest.mark.parametrize("kind", ["secondment", "shadowing", "rotation"])
@pytest.mark.parametrize(
    ("answers", "days"), [(nothing, 5), (signatures_only, 150), (nothing_delivered, 150)]
)
async def test_read_model_and_fold_call_the_same_stalled(
    event_store: EventStore, live: Lives, kind: str, answers: Callable[[Obligation], bool], days: int
) -> None:
    """At any instant from the last event on, SQL says of an agreement what its folded stream says."""
    agreement = await live(kind, days=days, answers=answers)
    last = (await event_store.stream(agreement.agreement_id))[-1].occurred_at
    seen = 0
    for later in (0, 1, 3, 7, 14, 30, 60, 120, 400):
        at = last + later * DAY
        told = [_of_sql(row) for row in await event_store.read_models.stalled(at)]
        assert told == [_of_fold(row) for row in await stalled(event_store, at)]
        stall = assess(agreement, at).stall
        assert [told["reason"] for told in told] == ([] if stall is None else [stall.reason])
        seen += len(told)
    assert seen > 0


async def test_silence_is_told_alike(event_store: EventStore, live: Lives) -> None:
    """Where people fall silent before anything is overdue for long, both say so and name the mentor."""

    def until_the_first_meeting(owed: Obligation) -> bool:
        return signatures_only(owed) or owed.obligation_id == "check_in:1"

    agreement = await live("secondment", days=55, answers=until_the_first_meeting)
    assert agreement.silent_at is not None
    reasons = set[StallReason]()
    for later in range(60):
        at = agreement.silent_at + later * DAY
        told = [_of_sql(row) for row in await event_store.read_models.stalled(at)]
        rows = await stalled(event_store, at)
        assert told == [_of_fold(row) for row in rows]
        reasons.update(row.reason for row in rows)
        if rows and rows[0].reason is StallReason.SILENT:
            assert (rows[0].waiting_on.role, rows[0].obligation_id) == (Role.MENTOR, None)
    assert StallReason.SILENT in reasons


async def test_the_past_counts_only_what_had_happened(event_store: EventStore, live: Lives) -> None:
    """What was stalled then is shown for then, though it has been signed or closed since."""
    early = await live("secondment", days=1, answers=nothing, request_id="early")
    at = min(owed.stalled_at for owed in early.obligations.values())
    agreement = await live("secondment", days=150, answers=nothing)
    assert agreement.closed
    assert at < (await event_store.stream(agreement.agreement_id))[-1].occurred_at
    [before] = await stalled(event_store, at, phases=[Phase.CLOSED])
    assert before.agreement_id == agreement.agreement_id
    assert before.reason is StallReason.RELEASE_MISSING
    assert (before.since, before.as_of) == (at, at)
    assert await stalled(event_store, at - timedelta(seconds=1)) == []
    assert await stalled(event_store, phases=[Phase.CLOSED]) == []
    snapshot = await load_snapshot(event_store, agreement.agreement_id, at)
    assert snapshot is not None
    rows = await event_store.stream(agreement.agreement_id)
    assert snapshot.agreement == fold_recorded(row for row in rows if row.occurred_at <= at)
    assert await load_snapshot(event_store, agreement.agreement_id, agreement.proposed_at - DAY) is None


async def test_agreements_ahead_of_the_clock_are_looked_at_in_their_own_time(
    event_store: EventStore, live: Lives
) -> None:
    """Without an instant, an agreement played in virtual time stands as at its last event or later."""
    agreement = await live("shadowing", days=90, answers=nothing)
    snapshot = await load_snapshot(event_store, agreement.agreement_id)
    last = (await event_store.stream(agreement.agreement_id))[-1].occurred_at
    assert snapshot is not None
    assert snapshot.at == max(last, snapshot.at)
    assert snapshot.at - max(last, datetime.now(UTC)) < timedelta(seconds=30)
    [row] = await stalled(event_store) or [None]
    assert row is None or row.as_of == snapshot.at


async def test_filters_say_which_agreements_to_look_at(event_store: EventStore, live: Lives) -> None:
    """What a filter leaves out is neither folded nor listed."""
    await live("secondment", days=20, answers=nothing)
    await live("rotation", days=20, answers=nothing)
    rows = await stalled(event_store, datetime(2027, 6, 1, tzinfo=UTC))
    assert len(rows) == 2
    assert [row.kind for row in await stalled(event_store, rows[0].as_of, kinds=[rows[0].kind])] == [
        rows[0].kind
    ]


async def test_every_obligation_is_told_with_what_became_of_it(event_store: EventStore, live: Lives) -> None:
    """The ledger of a stream is what the read model holds, settled obligations included."""
    agreement = await live("shadowing", days=40)
    rows = await event_store.stream(agreement.agreement_id)
    told = {each.obligation.obligation_id: each.status for each in all_obligations(rows)}
    obligations = await event_store.read_models.obligations(agreement.agreement_id)
    stored = {row.obligation.obligation_id: row.status for row in obligations}
    assert told == stored
    assert ObligationStatus.FULFILLED in told.values()
    still_open = {name for name, status in told.items() if status is ObligationStatus.OPEN}
    assert still_open == agreement.obligations.keys()


def _of_sql(row: StalledRow) -> dict[str, object]:
    told = row.model_dump(exclude={"next_level", "next_at", "waiting_on_role", "waiting_on_id"})
    return {**told, "waiting_on": (row.waiting_on_role, row.waiting_on_id)}


def _of_fold(row: StalledAgreement) -> dict[str, object]:
    told = row.model_dump(exclude={"next", "tenant", "as_of", "waiting_on"})
    return {**told, "waiting_on": (row.waiting_on.role, row.waiting_on.person_id)}
