"""Read models: the ledger, the heads and the outbox say what the events say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import TypeAlias

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activities.event_store.event_store import EventStore
from activities.postgres.pool import DatabaseRefusedError
from activities.postgres.rows import KnownRequest, ObligationRow
from domain.kernel.vocabulary import Kind, ObligationStatus, Phase, Role, StallReason
from domain.ledger.notice import Notice
from domain.ledger.obligation import Escalation, LedgerChange, Level, Obligation, Settlement
from domain.stream.messages import Append, PartyRow

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
MakeAppend = Callable[..., Append]
MakeObligation = Callable[..., Obligation]
MakeNotice = Callable[..., Notice]

DAY = timedelta(days=1)


def fulfilled(*obligation_ids: str) -> tuple[Settlement, ...]:
    """Settlements of obligations that were fulfilled."""
    return tuple(
        Settlement(obligation_id=obligation_id, status=ObligationStatus.FULFILLED)
        for obligation_id in obligation_ids
    )


async def test_the_ledger_follows_the_events(
    event_store: EventStore, make_append: MakeAppend, make_obligation: MakeObligation
) -> None:
    """Opened, escalated, moved and settled: each event of one append counts, in order."""
    mapping, talk = make_obligation("milestone:map"), make_obligation("check_in:1")
    await event_store.append(make_append((LedgerChange(opened=(mapping,)), LedgerChange(opened=(talk,)))))
    assert await event_store.read_models.open_obligations("agreement-1") == [talk, mapping]

    climbed = LedgerChange(
        escalated=(
            Escalation(obligation_id="milestone:map", level=0),
            Escalation(obligation_id="milestone:map", level=1),
        )
    )
    moved = talk.model_copy(update={"owner_id": "p-grace", "owner_role": Role.MENTOR, "sequence": 1})
    append = make_append((climbed, LedgerChange(moved=(moved,))), expected_version=2)
    await event_store.append(append)
    reached = mapping.model_copy(update={"reached": 1})
    assert await event_store.read_models.open_obligations("agreement-1") == [moved, reached]

    verification = make_obligation("milestone_verification:map", due_at=mapping.due_at + DAY)
    settled = LedgerChange(settled=fulfilled("milestone:map"), opened=(verification,))
    done = make_append((settled,), expected_version=4)
    await event_store.append(done)
    assert await event_store.read_models.open_obligations("agreement-1") == [moved, verification]
    assert await event_store.read_models.obligations("agreement-1") == [
        ObligationRow(obligation=moved, status=ObligationStatus.OPEN, settled_at=None),
        ObligationRow(obligation=reached, status=ObligationStatus.FULFILLED, settled_at=done.occurred_at),
        ObligationRow(obligation=verification, status=ObligationStatus.OPEN, settled_at=None),
    ]


async def test_an_obligation_is_settled_before_its_successor_of_the_same_name_opens(
    event_store: EventStore, make_append: MakeAppend, make_obligation: MakeObligation
) -> None:
    """One event may replace an obligation by a new one under the same id."""
    before, after = make_obligation(), make_obligation(owner_id="p-grace")
    await event_store.append(make_append((LedgerChange(opened=(before,)),)))
    replaced = LedgerChange(settled=fulfilled(before.obligation_id), opened=(after,))
    await event_store.append(make_append((replaced,), expected_version=1))
    assert await event_store.read_models.open_obligations("agreement-1") == [after]


@pytest.mark.parametrize("change", ["settled", "moved", "escalated", "opened"])
async def test_a_change_that_does_not_follow_from_the_ledger_is_refused(
    event_store: EventStore, make_append: MakeAppend, make_obligation: MakeObligation, change: str
) -> None:
    """The read model never drifts silently: an obligation opens once, and only an open one changes."""
    opened, settled = make_obligation("open"), make_obligation("settled")
    await event_store.append(make_append((LedgerChange(opened=(opened, settled)),)))
    await event_store.append(make_append((LedgerChange(settled=fulfilled("settled")),), expected_version=1))
    broken = {
        "settled": LedgerChange(settled=fulfilled("open", "settled")),
        "moved": LedgerChange(moved=(opened, settled)),
        "escalated": LedgerChange(
            escalated=tuple(Escalation(obligation_id=name, level=2) for name in ("open", "settled"))
        ),
        "opened": LedgerChange(opened=(opened,)),
    }[change]
    with pytest.raises(DatabaseRefusedError, match="Fold it again and decide again"):
        await event_store.append(make_append((broken,), expected_version=2))
    assert await event_store.read_models.open_obligations("agreement-1") == [opened]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 3)), min_size=1, max_size=25))
async def test_the_ledger_is_the_fold_of_its_changes(
    event_store: EventStore,
    make_append: MakeAppend,
    make_obligation: MakeObligation,
    story: list[tuple[str, int]],
) -> None:
    """Whatever the order of changes, SQL keeps the same ledger as folding them in memory."""
    ledger: dict[str, Obligation] = {}
    changes: list[LedgerChange] = []
    for name, choice in story:
        if name not in ledger:
            ledger[name] = make_obligation(name)
            changes.append(LedgerChange(opened=(ledger[name],)))
        elif choice == 0:
            del ledger[name]
            changes.append(LedgerChange(settled=fulfilled(name)))
        elif choice == 1:
            ledger[name] = ledger[name].model_copy(update={"due_at": ledger[name].due_at + DAY})
            changes.append(LedgerChange(moved=(ledger[name],)))
        else:
            level: Level = 2 if choice == 2 else 3
            ledger[name] = ledger[name].model_copy(update={"reached": level})
            changes.append(LedgerChange(escalated=(Escalation(obligation_id=name, level=level),)))
    number = len(await event_store.read_models.agreements())
    agreement_id = f"agreement-{number}"
    head = {"request_id": f"request-{number}"}
    await event_store.append(make_append(changes, agreement_id=agreement_id, head=head))
    still_open = await event_store.read_models.open_obligations(agreement_id)
    assert sorted(still_open, key=str) == sorted(ledger.values(), key=str)


async def test_the_head_row_is_the_head_that_was_sent(
    event_store: EventStore, make_append: MakeAppend
) -> None:
    """What operators filter by is what the workflow said after its last command."""
    first = make_append()
    await event_store.append(first)
    row = await event_store.read_models.agreement("agreement-1")
    assert row is not None
    assert (row.head, row.version, row.opened_at) == (first.head, 1, first.occurred_at)
    parties = (PartyRow(role=Role.LEG_MANAGER, person_id="p-linus", scope="leg-1"), first.head.parties[0])
    second = make_append(
        expected_version=1,
        head={
            "phase": Phase.ACTIVE,
            "parties": parties,
            "silent_at": first.occurred_at,
            "paused_until": first.occurred_at,
            "held": True,
            "next_instant": None,
        },
    )
    await event_store.append(second)
    row = await event_store.read_models.agreement("agreement-1")
    assert row is not None
    assert (row.head, row.version) == (second.head, 2)
    assert (row.opened_at, row.updated_at) == (first.occurred_at, second.occurred_at)
    assert await event_store.read_models.agreement("agreement-2") is None


async def test_agreements_are_found_by_what_operators_ask(
    event_store: EventStore, make_append: MakeAppend
) -> None:
    """Each filter narrows the list, and pages follow each other without overlap."""
    for number, (kind, phase) in enumerate(
        [(Kind.SECONDMENT, Phase.ACTIVE), (Kind.ROTATION, Phase.ACTIVE), (Kind.SHADOWING, Phase.CLOSED)]
    ):
        head = {"request_id": f"r{number}", "kind": kind, "phase": phase, "cohort": f"c{number}"}
        await event_store.append(make_append(agreement_id=f"a{number}", head=head))

    async def found(**filters: object) -> list[str]:
        rows = await event_store.read_models.agreements(**filters)  # pyright: ignore[reportArgumentType]
        return [row.agreement_id for row in rows]

    assert await found() == ["a0", "a1", "a2"]
    assert await found(only_open=True) == ["a0", "a1"]
    assert await found(kinds=[Kind.ROTATION, Kind.SHADOWING]) == ["a1", "a2"]
    assert await found(phases=[Phase.CLOSED]) == ["a2"]
    assert await found(cohort="c1") == ["a1"]
    assert await found(tenant="other") == []
    assert await found(person_id="p-grace", only_open=True) == ["a0", "a1"]
    assert await found(person_id="p-nobody") == []
    assert await found(agreement_ids=["a2", "a9"]) == ["a2"]
    assert await found(after="a0", limit=1) == ["a1"]


async def test_a_request_leads_to_its_agreement(event_store: EventStore, make_append: MakeAppend) -> None:
    """HR tooling that asks again learns which agreement its request opened."""
    assert await event_store.find_request("acme", "request-1") is None
    await event_store.append(make_append())
    assert await event_store.find_request("acme", "request-1") == KnownRequest(
        agreement_id="agreement-1", digest="d" * 64, version=1
    )
    assert await event_store.find_request("other", "request-1") is None


async def test_overlap_and_hours_count_open_agreements_once(
    event_store: EventStore, make_append: MakeAppend
) -> None:
    """A mentee's other placement shows for any shared day; a mentor's hours count once per agreement."""
    twice = (
        PartyRow(role=Role.MENTEE, person_id="p-ada"),
        PartyRow(role=Role.MENTOR, person_id="p-grace", scope="leg-1"),
        PartyRow(role=Role.MENTOR, person_id="p-grace", scope="leg-2"),
    )
    heads: list[dict[str, object]] = [
        {},
        {"parties": twice, "mentor_hours_per_month": 2.0},
        {"phase": Phase.CLOSED},
    ]
    for number, head in enumerate(heads):
        append = make_append(agreement_id=f"a{number}", head={**head, "request_id": f"r{number}"})
        await event_store.append(append)
    last_day, day_after = date(2026, 9, 30), date(2026, 10, 1)
    overlapping = event_store.read_models.overlapping_agreements
    assert await overlapping("p-ada", last_day, day_after) == ["a0", "a1"]
    assert await overlapping("p-ada", last_day, day_after, excluding="a0") == ["a1"]
    assert await overlapping("p-ada", day_after, day_after) == []
    assert await overlapping("p-grace", last_day, day_after) == []
    assert await event_store.read_models.mentor_hours("p-grace") == 6.5
    assert await event_store.read_models.mentor_hours("p-grace", excluding="a1") == 4.5
    assert await event_store.read_models.mentor_hours("p-ada") == 0.0


async def test_stalled_says_why_since_when_on_whom_and_what_next(
    event_store: EventStore, make_append: MakeAppend, make_obligation: MakeObligation, now: datetime
) -> None:
    """The longest stalled obligation of each agreement speaks for it, at any instant asked about."""
    sooner = make_obligation("sooner", stalled_at=now + 13 * DAY)
    append = make_append((LedgerChange(opened=(make_obligation(), sooner)),))
    await event_store.append(append)
    assert await event_store.read_models.stalled(now + 13 * DAY - timedelta(seconds=1)) == []
    [row] = await event_store.read_models.stalled(now + 14 * DAY)
    assert (row.agreement_id, row.obligation_id, row.reason) == (
        "agreement-1",
        "sooner",
        StallReason.MILESTONE_OVERDUE,
    )
    assert (row.waiting_on_role, row.waiting_on_id, row.since) == (Role.MENTEE, "p-ada", now + 13 * DAY)
    assert (row.level, row.next_level, row.next_at) == (2, 3, now + 15 * DAY)
    await event_store.append(make_append((LedgerChange(settled=fulfilled("sooner")),), expected_version=1))
    [row] = await event_store.read_models.stalled(now + 30 * DAY)
    assert (row.obligation_id, row.level, row.next_level, row.next_at) == ("milestone:map", 3, None, None)


@pytest.mark.parametrize(
    ("head", "stalled"),
    [
        ({}, []),
        ({"silent_at": 20}, [StallReason.SILENT]),
        ({"silent_at": 21}, []),
        ({"silent_at": 20, "paused_until": 21}, []),
        ({"silent_at": 20, "paused_until": 20}, []),
        ({"silent_at": 20, "held": True}, []),
        ({"silent_at": 20, "phase": Phase.CLOSED}, []),
    ],
)
async def test_silence_stalls_unless_paused_held_or_closed(
    event_store: EventStore,
    make_append: MakeAppend,
    make_obligation: MakeObligation,
    *,
    now: datetime,
    head: dict[str, object],
    stalled: list[StallReason],
) -> None:
    """An agreement where nothing happens is stalled too, and waits on its mentor."""
    instants = {name: now + value * DAY for name, value in head.items() if type(value) is int}
    later = make_obligation(due_at=now + 40 * DAY, stalled_at=now + 50 * DAY)
    await event_store.append(make_append((LedgerChange(opened=(later,)),), head={**head, **instants}))
    rows = await event_store.read_models.stalled(now + 20 * DAY)
    assert [row.reason for row in rows] == stalled
    assert [(row.waiting_on_role, row.waiting_on_id, row.obligation_id) for row in rows] == [
        (Role.MENTOR, "p-grace", None)
    ] * len(stalled)


async def test_notices_are_queued_with_their_events(
    event_store: EventStore, make_append: MakeAppend, make_notice: MakeNotice, now: datetime
) -> None:
    """An event and its notices are there together, each notice once, ordered by when it may be sent."""
    later = make_notice("notice-2", not_before=now + DAY, obligation_id=None)
    append = make_append(notices=(later, make_notice()))
    await event_store.append(append)
    await event_store.append(append)
    assert await event_store.notices.undelivered("agreement-1") == [make_notice(), later]
    await event_store.notices.settle("notice-2", "sent")
    await event_store.append(make_append(notices=(later,), expected_version=1))
    assert await event_store.notices.undelivered("agreement-1") == [make_notice()]
    assert [notice.attempts for notice in await event_store.notices.of("agreement-1")] == [0, 1]
    lost = make_append(notices=(make_notice("notice-3"),), expected_version=7, command_id="late")
    assert (await event_store.append(lost)).outcome == "conflict"
    assert len(await event_store.notices.of("agreement-1")) == 2


async def test_a_notice_is_settled_once(
    event_store: EventStore, make_append: MakeAppend, make_notice: MakeNotice, now: datetime
) -> None:
    """Attempts are counted, failures stay visible, and what was sent or skipped stays so."""
    names = ("notice-1", "notice-2", "notice-3")
    await event_store.append(make_append(notices=tuple(make_notice(name) for name in names)))
    assert await event_store.notices.settle("notice-1", "queued", error="the mail server is down")
    assert await event_store.notices.settle("notice-1", "sent", at=now + DAY)
    assert not await event_store.notices.settle("notice-1", "failed", error="late")
    assert await event_store.notices.settle("notice-2", "skipped", reason="the obligation is settled")
    assert await event_store.notices.settle("notice-3", "failed", error="no such mailbox")
    assert await event_store.notices.undelivered("agreement-1") == []
    sent, skipped, failed = await event_store.notices.of("agreement-1")
    assert (sent.state, sent.attempts, sent.sent_at) == ("sent", 2, now + DAY)
    assert (skipped.state, skipped.attempts, skipped.reason) == ("skipped", 0, "the obligation is settled")
    assert (failed.state, failed.attempts, failed.last_error) == ("failed", 1, "no such mailbox")
    assert await event_store.notices.settle("notice-3", "sent")


async def test_settling_a_notice_says_what_is_wrong(
    event_store: EventStore, make_append: MakeAppend, make_notice: MakeNotice
) -> None:
    """A failure without an error, a skip without a reason and an unknown notice are refused."""
    await event_store.append(make_append(notices=(make_notice(),)))
    with pytest.raises(DatabaseRefusedError, match="no notice notice-9"):
        await event_store.notices.settle("notice-9", "sent")
    with pytest.raises(DatabaseRefusedError, match="failed_with_an_error"):
        await event_store.notices.settle("notice-1", "failed")
    with pytest.raises(DatabaseRefusedError, match="skipped_for_a_reason"):
        await event_store.notices.settle("notice-1", "skipped")


async def test_a_rebuild_from_the_log_gives_the_same_ledger(
    pool: Pool, owner: Pool, event_store: EventStore, make_append: MakeAppend, make_obligation: MakeObligation
) -> None:
    """The obligations are a read model: dropped and rebuilt from the events, they are as they were."""
    both = LedgerChange(opened=(make_obligation("a"), make_obligation("b")))
    escalated = LedgerChange(escalated=(Escalation(obligation_id="b", level=2),))
    await event_store.append(make_append((both, LedgerChange(settled=fulfilled("a")), escalated)))
    before = await pool.fetch("SELECT * FROM sojourn.obligation ORDER BY obligation_id")
    await owner.execute("TRUNCATE sojourn.obligation")
    await owner.execute(
        "SELECT sojourn.apply_ledger_v1(agreement_id, version, occurred_at, data::jsonb->'ledger') "
        "FROM (SELECT * FROM sojourn.event ORDER BY agreement_id, version) AS log"
    )
    assert await pool.fetch("SELECT * FROM sojourn.obligation ORDER BY obligation_id") == before


async def test_appends_to_different_agreements_do_not_wait_for_each_other(
    owner: Pool, event_store: EventStore, make_append: MakeAppend
) -> None:
    """A stream whose writer hangs holds up its own appends only."""
    for number in range(2):
        append = make_append(agreement_id=f"a{number}", head={"request_id": f"r{number}"})
        await event_store.append(append)
    async with owner.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM sojourn.agreement WHERE agreement_id = 'a0' FOR UPDATE")
        held = asyncio.create_task(event_store.append(make_append(agreement_id="a0", expected_version=1)))
        free = await event_store.append(make_append(agreement_id="a1", expected_version=1))
        assert free.outcome == "appended"
        assert not held.done()
    assert (await held).outcome == "appended"
