"""Each kind from request to closed: record, read models, workflow, filters and mails tell one story."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from email.message import EmailMessage
from hashlib import sha256
from typing import TYPE_CHECKING, cast

import pytest
from icalendar import Calendar

from activities.delivery.digest import read_items
from domain.agreement.state import Agreement
from domain.kernel.vocabulary import Health, ObligationStatus, Outcome, Phase
from domain.ledger.notice import NoticeKind
from domain.stream.messages import PartyRow
from domain.views.health import assess
from domain.views.status import StatusView
from workflows.search_attributes import HEALTH, PHASE, STALL_REASON, WAITING_ON_ROLE

if TYPE_CHECKING:
    from tests.workflows.conftest import House, Placement

KINDS = ("secondment", "shadowing", "rotation")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_placement_lives_from_request_to_completion(house: House, kind: str) -> None:
    """Each kind completes, and its record, workflow, notices and mails agree all the way and at the end."""
    placement = await house.place(kind)
    await placement.live_until(
        lambda _: False, each_step=_every(10, _compares_workflow_and_record(placement))
    )
    assert await placement.outcome() == Outcome.COMPLETED

    await _read_models_equal_the_fold(house, placement)
    assert await house.event_store.verify_chain(placement.agreement_id) is None
    await _mails_equal_the_outbox(house, placement)
    await _nobody_is_reminded_of_what_is_done(house, placement)
    _sequences_rise(house.mailbox.mails)
    assert await placement.names_somebody() == []


async def test_a_neglected_placement_is_found_by_its_filters(house: House) -> None:
    """At every step of the ladder Temporal's filters find what the fold says: health, reason, on whom."""
    placement = await house.place("secondment")
    await placement.live_until(lambda agreement: agreement.phase is Phase.ACTIVE)
    seen: set[Health] = set()

    async def compare(agreement: Agreement) -> None:
        seen.add(await _found_by_what_the_fold_says(house, placement, agreement))

    def stalled(agreement: Agreement) -> bool:
        return any(held.reached is not None and held.reached >= 3 for held in agreement.obligations.values())

    await placement.live_until(stalled, answers=lambda _: False, each_step=compare)
    assert {Health.STALLED, Health.DUE_SOON} & seen
    assert Health.STALLED in seen


def _every(
    steps: int, look: Callable[[Agreement], Awaitable[None]]
) -> Callable[[Agreement], Awaitable[None]]:
    taken = 0

    async def step(agreement: Agreement) -> None:
        nonlocal taken
        taken += 1
        if taken % steps == 1:
            await look(agreement)

    return step


def _compares_workflow_and_record(placement: Placement) -> Callable[[Agreement], Awaitable[None]]:
    async def both() -> tuple[StatusView, Agreement]:
        return await placement.status(), await placement.agreement()

    async def look(_: Agreement) -> None:
        # A run that has just begun is still on its way to the same version.
        status, folded = await placement.house.eventually(
            both, lambda seen: seen[0].version == seen[1].version
        )
        assert (status.phase, status.outcome, status.terms_version) == (
            folded.phase,
            folded.outcome,
            folded.terms_version,
        )
        assert {owed.id: (owed.owner_id, owed.due_at) for owed in status.obligations} == {
            owed.obligation_id: (owed.owner_id, owed.due_at) for owed in folded.obligations.values()
        }
        assert status.health == assess(folded, status.as_of).health

    return look


async def _found_by_what_the_fold_says(house: House, placement: Placement, agreement: Agreement) -> Health:
    now = await placement.now()
    assessment = assess(agreement, now)
    stall = assessment.stall
    waiting = assessment.waiting_on if stall is None else stall.waiting_on
    conditions = [
        f"WorkflowId = '{placement.agreement_id}'",
        f"{PHASE.name} = '{agreement.phase}'",
        f"{HEALTH.name} = '{assessment.health}'",
        f"{STALL_REASON.name} IS NULL" if stall is None else f"{STALL_REASON.name} = '{stall.reason}'",
        f"{WAITING_ON_ROLE.name} IS NULL"
        if waiting is None
        else f"{WAITING_ON_ROLE.name} = '{waiting.role}'",
        "ExecutionStatus = 'Running'",
    ]

    async def count() -> int:
        return (await house.client.count_workflows(" AND ".join(conditions))).count

    await house.eventually(count, lambda found: found == 1)
    return assessment.health


async def _read_models_equal_the_fold(house: House, placement: Placement) -> None:
    folded = await placement.agreement()
    row = await house.event_store.read_models.agreement(placement.agreement_id)
    assert row is not None
    assert (row.version, row.head.phase, row.head.outcome) == (folded.version, folded.phase, folded.outcome)
    assert (row.head.starts_on, row.head.ends_on) == (folded.starts_on, folded.ends_on)
    assert row.head.next_instant is None
    parties = {
        PartyRow(role=party.role, person_id=party.person_id, scope=party.scope) for party in folded.parties
    }
    assert set(row.head.parties) == parties
    assert await house.event_store.read_models.open_obligations(placement.agreement_id) == []
    obligations = await house.event_store.read_models.obligations(placement.agreement_id)
    opened = {owed["obligation_id"] for owed in await _opened(house, placement)}
    assert {row.obligation.obligation_id for row in obligations} == opened
    assert all(row.status is not ObligationStatus.OPEN and row.settled_at is not None for row in obligations)


async def _opened(house: House, placement: Placement) -> list[dict[str, str]]:
    stream = await house.event_store.stream(placement.agreement_id)
    ledgers = [cast("dict[str, list[dict[str, str]]]", event.data["ledger"]) for event in stream]
    return [owed for ledger in ledgers for owed in ledger["opened"]]


async def _mails_equal_the_outbox(house: House, placement: Placement) -> None:
    outbox = await house.event_store.notices.of(placement.agreement_id)
    assert {row.state for row in outbox} <= {"sent", "skipped"}
    mails: defaultdict[str, list[str]] = defaultdict(list)
    for row in outbox:
        if row.state == "sent":
            mails[row.digest_id or row.notice.notice_id].append(row.notice.notice_id)
    told = {str(mail["Message-ID"]): mail for mail in house.mailbox.mails}
    assert len(told) == len(house.mailbox.mails)
    sent = {_message_id(notice_ids): notice_ids for notice_ids in mails.values()}
    assert told.keys() == sent.keys()
    for message_id, mail in told.items():
        items = read_items(mail) or [{name: str(value).strip() for name, value in mail.items()}]
        assert sorted(item["X-Sojourn-Notice"] for item in items) == sorted(sent[message_id])
        assert {item["X-Sojourn-Agreement"] for item in items} == {placement.agreement_id}


def _message_id(notice_ids: Iterable[str]) -> str:
    name = " ".join(sorted(notice_ids))
    return f"<{sha256(name.encode()).hexdigest()[:40]}@localhost>"


async def _nobody_is_reminded_of_what_is_done(house: House, placement: Placement) -> None:
    settled = {
        row.obligation.obligation_id: row.settled_at
        for row in await house.event_store.read_models.obligations(placement.agreement_id)
    }
    closed_at = (await house.event_store.stream(placement.agreement_id))[-1].occurred_at
    for row in await house.event_store.notices.of(placement.agreement_id):
        if row.state != "sent" or row.notice.kind in {NoticeKind.ANNOUNCEMENT, NoticeKind.INVITE_CANCELLED}:
            continue
        assert row.sent_at is not None
        assert row.sent_at <= closed_at
        assert row.notice.obligation_id is not None
        settled_at = settled[row.notice.obligation_id]
        assert settled_at is None or row.sent_at <= settled_at


def _sequences_rise(mails: Iterable[EmailMessage]) -> None:
    """Per meeting and reader: no later message has a lower sequence, and other content has a higher one."""
    said: defaultdict[tuple[str, str], dict[int, str]] = defaultdict(dict)
    for mail in mails:
        for part in mail.walk():
            if part.get_content_type() != "text/calendar":
                continue
            event = Calendar.from_ical(part.get_content()).events[0]
            key = (event.uid, str(mail["To"]))
            content = f"{event.start} {part.get_param('method')}"
            sequence = event.sequence
            earlier = said[key]
            assert sequence >= max(earlier, default=0)
            assert earlier.setdefault(sequence, content) == content
    assert said
