"""One mail of nudges per person and day, from the outbox in the real PostgreSQL to a real SMTP server."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg
import pytest

from activities.delivery.attempts import Attempt
from activities.delivery.daily_digest import SUPERSEDED
from activities.delivery.deliver import DeliveryResult, NoticeDelivery
from activities.delivery.digest import read_items
from activities.delivery.failures import TemporaryDeliveryError
from activities.directory.people import Directory
from activities.event_store.digest_log import DigestKey, DigestLog
from activities.event_store.event_store import EventStore
from activities.postgres.rows import NoticeRow
from domain.kernel.calendar import Leave
from domain.kernel.vocabulary import Kind, ObligationKind, ObligationStatus, Phase, Role, StallReason
from domain.ledger.notice import Notice, NoticeKind
from domain.ledger.obligation import LedgerChange, Obligation, ObligationChanges, Settlement
from domain.stream.messages import Append, Head, NewEvent, PartyRow
from tests.activities.people_and_mail import person

if TYPE_CHECKING:
    from tests.activities.conftest import Mailbox

RETRIED = Attempt("run/1", most_tries=12, another_follows=True)
AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
"""A Friday morning, ten o'clock in Berlin."""
MONDAY = datetime(2026, 11, 23, 8, 15, tzinfo=UTC)
"""A quarter of an hour after the next working day has opened in Berlin."""
FIRST, SECOND = "acme.first", "acme.second"


def _owed(obligation_id: str = "milestone:map", **fields: Any) -> Obligation:  # noqa: ANN401 - any field
    known: dict[str, Any] = {
        "obligation_id": obligation_id,
        "kind": ObligationKind.MILESTONE,
        "subject": "map",
        "owner_role": Role.MENTEE,
        "owner_id": "p-mia",
        "opened_at": AT - timedelta(days=20),
        "due_at": AT - timedelta(days=1),
        "stalled_at": AT + timedelta(days=10),
        "reason": StallReason.MILESTONE_OVERDUE,
        "ladder": (),
    }
    return Obligation.model_validate(known | fields)


def _nudge(owed: Obligation, agreement_id: str = FIRST, **fields: Any) -> Notice:  # noqa: ANN401 - any field
    known: dict[str, Any] = {
        "notice_id": f"{uuid.uuid4()}:reminder",
        "kind": NoticeKind.REMINDER,
        "agreement_id": agreement_id,
        "agreement_kind": Kind.SECONDMENT,
        "recipient_id": "p-mia",
        "recipient_role": Role.MENTEE,
        "not_before": AT,
        "event_type": "obligation.escalated",
        "obligation_id": owed.obligation_id,
        "obligation_kind": owed.kind,
        "due_at": owed.due_at,
        "level": 1,
    }
    return Notice.model_validate(known | fields)


async def _write(
    event_store: EventStore,
    agreement_id: str,
    notices: Sequence[Notice] = (),
    ledger: LedgerChange | None = None,
    *,
    at: datetime = AT,
    **head: object,
) -> None:
    """Appends one event with these notices to an agreement, at an instant of its own time."""
    known = await event_store.read_models.agreement(agreement_id)
    fields: dict[str, object] = {
        "kind": Kind.SECONDMENT,
        "phase": Phase.ACTIVE,
        "outcome": None,
        "tenant": "acme",
        "request_id": agreement_id,
        "request_digest": "0" * 64,
        "cohort": None,
        "terms_version": 1,
        "starts_on": date(2026, 11, 2),
        "ends_on": date(2027, 5, 11),
        "mentor_hours_per_month": 4,
        "last_activity_at": at,
        "silent_at": None,
        "paused_until": None,
        "held": False,
        "next_instant": at + timedelta(days=1),
        "parties": (
            PartyRow(role=Role.MENTEE, person_id="p-mia"),
            PartyRow(role=Role.MENTOR, person_id="p-ravi"),
        ),
    }
    appended = await event_store.append(
        Append(
            agreement_id=agreement_id,
            expected_version=0 if known is None else known.version,
            command_id=str(uuid.uuid4()),
            command_type="let_time_pass",
            command_digest="0" * 64,
            actor_id="system",
            actor_role=Role.SYSTEM,
            occurred_at=at,
            events=(
                NewEvent(
                    event_id=str(uuid.uuid4()),
                    type="obligation.escalated",
                    schema_version=1,
                    data={"ledger": (ledger or LedgerChange()).model_dump(mode="json")},
                ),
            ),
            head=Head.model_validate({**fields, **head}),
            notices=tuple(notices),
        )
    )
    assert appended.outcome == "appended"


async def _both_wait(event_store: EventStore, **second: Any) -> tuple[Notice, Notice]:  # noqa: ANN401 - any field
    """A reminder in each of two agreements of Mia's; what the first is about was due later."""
    owed, older = _owed(), _owed("feedback:m1", kind="feedback", due_at=AT - timedelta(days=3))
    notices = (_nudge(owed), _nudge(older, SECOND, **second))
    await _write(event_store, FIRST, notices[:1], LedgerChange(opened=(owed,)))
    await _write(event_store, SECOND, notices[1:], LedgerChange(opened=(older,)))
    return notices


async def _row(event_store: EventStore, notice: Notice) -> NoticeRow:
    rows = await event_store.notices.of(notice.agreement_id)
    return next(row for row in rows if row.notice.notice_id == notice.notice_id)


async def test_what_waits_in_all_agreements_is_one_mail(
    delivery: NoticeDelivery, event_store: EventStore, mailbox: Mailbox
) -> None:
    """The first delivery of the day takes along what another agreement has to say, the oldest in front."""
    first, second = await _both_wait(event_store)
    assert (await delivery.deliver(first, AT)).outcome == "sent"
    assert (await delivery.deliver(second, AT)).detail == "this notice is settled already: sent"
    (mail,) = mailbox.taken
    assert mail["Subject"] == "Still open for you: 2 things in 2 placements"
    items = read_items(mail)
    assert [item["X-Sojourn-Agreement"] for item in items] == [SECOND, FIRST]
    assert [item["X-Sojourn-Notice"] for item in items] == [second.notice_id, first.notice_id]
    text = mail.get_content()
    assert text.index("1. Still open: feedback") < text.index("2. Still open: milestone")
    assert "Tuesday 2026-11-17 10:00 (Europe/Berlin, UTC+01:00)" in text
    assert f"sojourn act {FIRST} complete_milestone --as p-mia" in text
    for notice in (first, second):
        row = await _row(event_store, notice)
        assert (row.state, row.sent_at, row.digest_id) == ("sent", AT, "p-mia/2026-11-20")


async def test_the_only_nudge_of_a_day_reads_as_it_always_did(
    delivery: NoticeDelivery, event_store: EventStore, mailbox: Mailbox
) -> None:
    """Nothing to list, no list: subject, text and headers of the notice itself."""
    owed = _owed()
    notice = _nudge(owed)
    await _write(event_store, FIRST, [notice], LedgerChange(opened=(owed,)))
    await delivery.deliver(notice, AT)
    (mail,) = mailbox.taken
    assert mail["Subject"] == "Still open: milestone"
    assert (mail["X-Sojourn-Notice"], mail["X-Sojourn-Digest"]) == (notice.notice_id, "p-mia/2026-11-20")


async def test_a_later_nudge_of_the_day_waits_for_the_next_working_morning(
    delivery: NoticeDelivery, event_store: EventStore, mailbox: Mailbox
) -> None:
    """Friday has had its mail: the next one leaves on Monday, and the outbox says why it waits."""
    owed, later = _owed(), _owed("feedback:m1", kind="feedback")
    notice, too_late = _nudge(owed), _nudge(later, SECOND)
    await _write(event_store, FIRST, [notice], LedgerChange(opened=(owed,)))
    await delivery.deliver(notice, AT)
    await _write(event_store, SECOND, [too_late], LedgerChange(opened=(later,)))

    result = await delivery.deliver(too_late, AT + timedelta(hours=2))
    assert (result.outcome, result.until) == ("deferred", MONDAY)
    row = await _row(event_store, too_late)
    assert (row.state, row.reason) == ("queued", "the reminders of 2026-11-20 have gone out")
    assert row.notice.not_before == MONDAY
    assert await event_store.notices.undelivered(SECOND) == [row.notice]

    assert (await delivery.deliver(too_late, MONDAY)).outcome == "sent"
    assert len(mailbox.taken) == 2
    assert (await _row(event_store, too_late)).reason is None


async def test_what_was_fulfilled_meanwhile_is_not_in_it(
    delivery: NoticeDelivery, event_store: EventStore, mailbox: Mailbox
) -> None:
    """What is taken along is looked at again in its own ledger, at the moment of sending."""
    first, second = await _both_wait(event_store)
    done = Settlement(obligation_id="feedback:m1", status=ObligationStatus.FULFILLED)
    await _write(event_store, SECOND, ledger=LedgerChange(settled=(done,)))
    await delivery.deliver(first, AT)
    (mail,) = mailbox.taken
    assert mail["Subject"] == "Still open: milestone"
    row = await _row(event_store, second)
    assert (row.state, row.reason) == ("skipped", "the obligation is settled")


_NOTHING: ObligationChanges = {}


class Change(NamedTuple):
    """What happens between the queueing of a nudge and the moment of sending it."""

    notice: Mapping[str, Any] = MappingProxyType({})
    """What sets the nudge apart."""
    owed: ObligationChanges = _NOTHING
    """How the obligation is moved."""
    head: Mapping[str, Any] = MappingProxyType({})
    """How the agreement stands then."""


_TO_A_FORMER_MENTOR = {"kind": NoticeKind.COUNTERPART, "recipient_id": "p-jo", "recipient_role": Role.MENTOR}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (Change(owed={"due_at": AT + timedelta(days=9)}), "the obligation has another due day now"),
        (Change(owed={"owner_id": "p-jo"}), "somebody else owes it now"),
        (Change(head={"paused_until": AT + timedelta(days=30)}), "the placement rests"),
        (Change(head={"held": True}), "the placement rests"),
        (Change(notice=_TO_A_FORMER_MENTOR), "the recipient takes part no more"),
    ],
)
async def test_a_nudge_whose_ground_is_gone_is_not_sent(
    delivery: NoticeDelivery, event_store: EventStore, mailbox: Mailbox, change: Change, reason: str
) -> None:
    """Re-planned, reassigned, paused, on hold, out of the placement: found out when it is to be sent."""
    owed = _owed()
    notice = _nudge(owed, **change.notice)
    await _write(event_store, FIRST, [notice], LedgerChange(opened=(owed,)))
    moved = LedgerChange(moved=(owed.model_copy(update=change.owed),))
    await _write(event_store, FIRST, ledger=moved, **change.head)
    assert (await delivery.deliver(notice, AT)).detail == reason
    assert mailbox.taken == []
    assert (await _row(event_store, notice)).state == "skipped"


async def test_of_two_nudges_about_the_same_only_the_later_goes_out(
    delivery: NoticeDelivery, event_store: EventStore, mailbox: Mailbox
) -> None:
    """A heads-up that had to wait until its reminder came along says nothing that the reminder does not."""
    owed = _owed()
    heads_up = _nudge(owed, kind=NoticeKind.HEADS_UP, level=0)
    reminder = _nudge(owed)
    await _write(event_store, FIRST, [heads_up, reminder], LedgerChange(opened=(owed,)))
    result = await delivery.deliver(heads_up, AT)
    assert (result.outcome, result.detail) == ("skipped", SUPERSEDED)
    (mail,) = mailbox.taken
    assert mail["X-Sojourn-Notice"] == reminder.notice_id
    assert (await _row(event_store, reminder)).state == "sent"
    assert (await _row(event_store, heads_up)).reason == SUPERSEDED


async def test_nobody_is_nudged_more_than_four_times_about_one_thing(
    delivery: NoticeDelivery, event_store: EventStore, mailbox: Mailbox
) -> None:
    """Whoever asks for the fifth, the ladder or an operator, on however late a day: it is not sent."""
    owed = _owed()
    await _write(event_store, FIRST, ledger=LedgerChange(opened=(owed,)))
    results: list[DeliveryResult] = []
    for weeks in range(5):
        day = AT + timedelta(weeks=weeks)
        notice = _nudge(owed, not_before=day)
        await _write(event_store, FIRST, [notice], at=day)
        results.append(await delivery.deliver(notice, day))
    assert [result.outcome for result in results] == ["sent"] * 4 + ["skipped"]
    assert results[-1].detail == "nudged 4 times about it already"
    assert len(mailbox.taken) == 4


@pytest.mark.parametrize(
    ("at", "until"),
    [
        (datetime(2026, 11, 20, 7, 59, tzinfo=UTC), datetime(2026, 11, 20, 8, 15, tzinfo=UTC)),
        (datetime(2026, 11, 20, 8, 0, tzinfo=UTC), datetime(2026, 11, 20, 8, 15, tzinfo=UTC)),
        (datetime(2026, 11, 20, 16, 0, tzinfo=UTC), MONDAY),
        (datetime(2026, 11, 21, 10, 0, tzinfo=UTC), MONDAY),
        (datetime(2026, 12, 25, 10, 0, tzinfo=UTC), datetime(2026, 12, 28, 8, 15, tzinfo=UTC)),
    ],
    ids=["early", "as the day opens", "evening", "weekend", "holiday"],
)
async def test_nobody_is_nudged_outside_their_working_time(
    delivery: NoticeDelivery, event_store: EventStore, mailbox: Mailbox, at: datetime, until: datetime
) -> None:
    """Whenever an attempt comes, after a dead mail server for one, it is held until the reader works."""
    owed = _owed()
    notice = _nudge(owed)
    await _write(event_store, FIRST, [notice], LedgerChange(opened=(owed,)))
    result = await delivery.deliver(notice, at)
    assert (result.outcome, result.until) == ("deferred", until)
    assert mailbox.taken == []
    assert (await delivery.deliver(notice, until)).outcome == "sent"


async def test_nobody_is_nudged_on_leave(
    delivery: NoticeDelivery, directory: Directory, event_store: EventStore, mailbox: Mailbox
) -> None:
    """Away with nobody to stand in: the nudge is there on the morning of the return."""
    away = Leave(first=date(2026, 11, 20), last=date(2026, 11, 27))
    await directory.upsert([person("p-mia", leave=(away,))])
    owed = _owed()
    notice = _nudge(owed)
    await _write(event_store, FIRST, [notice], LedgerChange(opened=(owed,)))
    back = datetime(2026, 11, 30, 8, 15, tzinfo=UTC)
    assert (await delivery.deliver(notice, AT)).until == back
    assert (await delivery.deliver(notice, back)).delivered_to == "p-mia"
    assert len(mailbox.taken) == 1


async def test_whoever_stands_in_has_one_mail_a_day_too(
    delivery: NoticeDelivery, directory: Directory, event_store: EventStore, mailbox: Mailbox
) -> None:
    """A delegate's own nudges and those of whom they stand in for arrive together."""
    away = Leave(first=date(2026, 11, 20), last=date(2026, 11, 27))
    await directory.upsert([person("p-mia", delegate_id="p-jo", leave=(away,))])
    mine, hers = _owed("feedback:m1", kind="feedback", owner_id="p-jo", owner_role="line_manager"), _owed()
    to_jo = _nudge(mine, recipient_id="p-jo", recipient_role=Role.LINE_MANAGER)
    to_mia = _nudge(hers, SECOND)
    await _write(event_store, FIRST, [to_jo], LedgerChange(opened=(mine,)))
    await _write(event_store, SECOND, [to_mia], LedgerChange(opened=(hers,)))
    assert (await delivery.deliver(to_jo, AT)).delivered_to == "p-jo"
    (mail,) = mailbox.taken
    assert mail["To"] == "jo@example.org"
    assert {item["X-Sojourn-Notice"] for item in read_items(mail)} == {to_jo.notice_id, to_mia.notice_id}
    assert "you stand in for the mentee" in mail.get_content()
    assert (await _row(event_store, to_mia)).state == "sent"


@pytest.mark.parametrize("kind", [NoticeKind.OBLIGATION_OPENED, NoticeKind.ANNOUNCEMENT])
async def test_what_is_no_nudge_goes_out_by_itself_at_any_time(
    delivery: NoticeDelivery, event_store: EventStore, mailbox: Mailbox, kind: NoticeKind
) -> None:
    """News and new requests neither wait for the day's mail nor use it up."""
    owed = _owed()
    nudge, news = _nudge(owed), _nudge(owed, kind=kind, level=None)
    await _write(event_store, FIRST, [nudge, news], LedgerChange(opened=(owed,)))
    assert (await delivery.deliver(nudge, AT)).outcome == "sent"
    assert (await delivery.deliver(news, AT)).outcome == "sent"
    assert [mail["X-Sojourn-Digest"] for mail in mailbox.taken] == ["p-mia/2026-11-20", None]


async def test_what_is_confidential_is_never_listed_beside_anything_else(
    delivery: NoticeDelivery, event_store: EventStore, mailbox: Mailbox
) -> None:
    """A reminder of a concern goes alone, and today, whatever else its owner was reminded of."""
    concern = _owed("concern:c1", kind=ObligationKind.CONCERN)
    owed = _owed()
    about_concern, other = _nudge(concern), _nudge(owed, SECOND)
    await _write(event_store, FIRST, [about_concern], LedgerChange(opened=(concern,)))
    await _write(event_store, SECOND, [other], LedgerChange(opened=(owed,)))
    assert (await delivery.deliver(other, AT)).outcome == "sent"
    assert (await delivery.deliver(about_concern, AT)).outcome == "sent"
    assert [mail["X-Sojourn-Obligation"] for mail in mailbox.taken] == ["milestone:map", "concern:c1"]


async def test_an_agreement_whose_clock_is_elsewhere_keeps_its_nudges(
    delivery: NoticeDelivery, event_store: EventStore, mailbox: Mailbox
) -> None:
    """In a demonstration each agreement lives at a time of its own: March says nothing of November."""
    owed = _owed()
    ahead = AT + timedelta(days=100)
    here, elsewhere = _nudge(owed), _nudge(owed, SECOND)
    await _write(event_store, FIRST, [here], LedgerChange(opened=(owed,)), at=datetime.now(UTC))
    await _write(event_store, SECOND, [elsewhere], LedgerChange(opened=(owed,)), at=ahead)
    await delivery.deliver(here, AT)
    assert (await _row(event_store, elsewhere)).state == "queued"
    assert len(mailbox.taken) == 1


async def test_of_many_deliveries_at_once_one_sends(
    delivery: NoticeDelivery, event_store: EventStore, mailbox: Mailbox
) -> None:
    """Two workers at one instant claim one day: everything is told, in one mail."""
    owed = [_owed(f"milestone:m{number}") for number in range(4)]
    notices = [_nudge(each, f"acme.{number}") for number, each in enumerate(owed)]
    for each, notice in zip(owed, notices, strict=True):
        await _write(event_store, notice.agreement_id, [notice], LedgerChange(opened=(each,)))
    results = await asyncio.gather(*(delivery.deliver(notice, AT) for notice in notices))
    assert sorted(result.outcome for result in results) == ["sent", "skipped", "skipped", "skipped"]
    (mail,) = mailbox.taken
    assert len(read_items(mail)) == 4
    assert [(await _row(event_store, notice)).state for notice in notices] == ["sent"] * 4


async def test_a_claim_that_a_dead_worker_left_is_taken_up_by_its_own_retry(
    delivery: NoticeDelivery, event_store: EventStore, days: DigestLog, mailbox: Mailbox
) -> None:
    """The next attempt at the same notice sends at once what the last one had claimed and not sent."""
    first, second = await _both_wait(event_store)
    key = DigestKey(reader_id="p-mia", local_day=AT.date())
    assert await days.claim(key, first.notice_id, abandoned_after=timedelta(hours=1)) == "claimed"
    assert await days.claim(key, second.notice_id, abandoned_after=timedelta(hours=1)) == "under_way"
    assert (await delivery.deliver(first, AT)).outcome == "sent"
    assert len(mailbox.taken) == 1
    assert await days.claim(key, second.notice_id, abandoned_after=timedelta()) == "sent"


async def test_an_old_claim_is_taken_over_by_whoever_comes_next(
    delivery: NoticeDelivery,
    event_store: EventStore,
    days: DigestLog,
    pool: asyncpg.Pool[asyncpg.Record],
    mailbox: Mailbox,
) -> None:
    """Where nobody tries that notice again, the day is not lost for the others."""
    first, second = await _both_wait(event_store)
    key = DigestKey(reader_id="p-mia", local_day=AT.date())
    await days.claim(key, first.notice_id, abandoned_after=timedelta(hours=1))
    await pool.execute("UPDATE sojourn.digest SET claimed_at = claimed_at - interval '1 hour'")
    assert (await delivery.deliver(second, AT)).outcome == "sent"
    assert len(mailbox.taken) == 1
    assert (await _row(event_store, first)).state == "sent"


async def test_what_waits_goes_into_the_mail_of_one_day_only(
    delivery: NoticeDelivery, event_store: EventStore, days: DigestLog, mailbox: Mailbox
) -> None:
    """While one mail to a reader is under way no other is put together, also not that of another day."""
    thursday = AT - timedelta(hours=23)
    first, second = await _both_wait(event_store)
    late = _nudge(_owed("milestone:m1"), not_before=thursday)
    keys = {day: DigestKey(reader_id="p-mia", local_day=day.date()) for day in (thursday, AT)}
    an_hour = timedelta(hours=1)
    assert await days.claim(keys[AT], first.notice_id, abandoned_after=an_hour) == "claimed"
    assert await days.claim(keys[thursday], late.notice_id, abandoned_after=an_hour) == "under_way"
    somebody_elses = DigestKey(reader_id="p-ravi", local_day=AT.date())
    assert await days.claim(somebody_elses, late.notice_id, abandoned_after=an_hour) == "claimed"
    assert (await delivery.deliver(first, AT)).outcome == "sent"
    assert [(await _row(event_store, notice)).state for notice in (first, second)] == ["sent", "sent"]
    assert await days.claim(keys[thursday], late.notice_id, abandoned_after=an_hour) == "claimed"
    assert len(mailbox.taken) == 1


async def test_whoever_waited_for_another_days_mail_does_not_tell_it_again(
    delivery: NoticeDelivery,
    event_store: EventStore,
    days: DigestLog,
    pool: asyncpg.Pool[asyncpg.Record],
    mailbox: Mailbox,
) -> None:
    """A delivery looks once more at its own notice when its turn has come: it was in the mail before."""
    thursday = AT - timedelta(hours=23)
    first, second = await _both_wait(event_store, not_before=thursday)
    key = DigestKey(reader_id="p-mia", local_day=AT.date())
    assert await days.claim(key, first.notice_id, abandoned_after=timedelta(hours=1)) == "claimed"
    waiting = asyncio.create_task(delivery.deliver(second, thursday))
    taken = "SELECT taken_by IS NOT NULL FROM sojourn.notice WHERE notice_id = $1"
    while not await pool.fetchval(taken, second.notice_id):
        assert not waiting.done()
    await days.settle(key, [first.notice_id, second.notice_id], AT)
    assert (await waiting).outcome == "skipped"
    assert mailbox.taken == []
    (unsent,) = await pool.fetch("SELECT count(*) FROM sojourn.digest WHERE sent_at IS NULL")
    assert unsent["count"] == 0


async def test_deliveries_on_two_days_at_once_tell_nothing_twice(
    delivery: NoticeDelivery, event_store: EventStore, mailbox: Mailbox
) -> None:
    """Of deliveries that live on neighbouring days each waits for the other's mail: nothing is in both."""
    owed = [_owed(f"milestone:m{number}") for number in range(6)]
    thursday = AT - timedelta(hours=23)
    notices = [_nudge(each, f"acme.{number}", not_before=thursday) for number, each in enumerate(owed)]
    for each, notice in zip(owed, notices, strict=True):
        await _write(event_store, notice.agreement_id, [notice], LedgerChange(opened=(each,)))
    await asyncio.gather(
        *(delivery.deliver(notice, (AT, thursday)[number % 2]) for number, notice in enumerate(notices))
    )
    told = [item["X-Sojourn-Notice"] for mail in mailbox.taken for item in read_items(mail)]
    states = {notice.notice_id: (await _row(event_store, notice)).state for notice in notices}
    assert sorted(told) == sorted(notice_id for notice_id, state in states.items() if state == "sent")
    assert set(states.values()) <= {"sent", "queued"}


async def test_a_mail_that_the_record_knows_nothing_of_is_repeated_as_the_same_message(
    delivery: NoticeDelivery, event_store: EventStore, pool: asyncpg.Pool[asyncpg.Record], mailbox: Mailbox
) -> None:
    """A worker that dies after the mail server took it is repeated, with the same Message-ID."""
    first, _ = await _both_wait(event_store)
    await delivery.deliver(first, AT)
    await pool.execute("UPDATE sojourn.notice SET state = 'queued', sent_at = NULL, digest_id = NULL")
    await pool.execute("UPDATE sojourn.digest SET sent_at = NULL")
    assert (await delivery.deliver(first, AT)).outcome == "sent"
    once, again = mailbox.taken
    assert once["Message-ID"] == again["Message-ID"]


async def test_a_day_whose_mail_was_refused_is_free_again(
    delivery: NoticeDelivery, event_store: EventStore, pool: asyncpg.Pool[asyncpg.Record], mailbox: Mailbox
) -> None:
    """After a temporary refusal whoever is next sends it; after a final one each notice fails by itself."""
    first, second = await _both_wait(event_store)
    mailbox.answers_data = "451 4.7.1 greylisted"
    with pytest.raises(TemporaryDeliveryError):
        await delivery.deliver(first, AT, RETRIED)
    assert await pool.fetchval("SELECT count(*) FROM sojourn.digest") == 0
    assert "451" in ((await _row(event_store, first)).last_error or "")

    mailbox.answers_data = "550 5.1.1 no such mailbox"
    assert (await delivery.deliver(first, AT, RETRIED)).outcome == "failed"
    assert (await _row(event_store, second)).state == "queued"

    mailbox.answers_data = "250 OK"
    assert (await delivery.deliver(second, AT, RETRIED)).outcome == "sent"
    (mail,) = mailbox.taken
    assert mail["X-Sojourn-Notice"] == second.notice_id


async def test_whose_calendar_is_unknown_is_nudged_by_the_hours_of_the_week(
    delivery: NoticeDelivery, directory: Directory, event_store: EventStore, mailbox: Mailbox
) -> None:
    """A directory that names holidays nobody knows keeps no nudge from its reader."""
    await directory.upsert([person("p-mia", holiday_calendar="XX-NOWHERE")])
    owed = _owed()
    notice = _nudge(owed)
    await _write(event_store, FIRST, [notice], LedgerChange(opened=(owed,)))
    assert (await delivery.deliver(notice, AT + timedelta(days=1))).until == MONDAY
    assert (await delivery.deliver(notice, MONDAY)).outcome == "sent"
    assert len(mailbox.taken) == 1


async def test_a_resent_notice_is_queued_by_the_statement_that_writes_the_event(
    event_store: EventStore, delivery: NoticeDelivery, mailbox: Mailbox
) -> None:
    """Only what was given up, and only of the agreement whose event it is; then it goes its usual way."""
    first, second = await _both_wait(event_store)
    for notice in (first, second):
        await event_store.notices.settle(notice.notice_id, "failed", error="550 no such mailbox")
    known = await event_store.read_models.agreement(FIRST)
    assert known is not None
    event = NewEvent(
        event_id=str(uuid.uuid4()),
        type="notices.resent",
        schema_version=1,
        data={
            "ledger": LedgerChange().model_dump(mode="json"),
            "notice_ids": [first.notice_id, second.notice_id],
            "reason": "The address was wrong.",
        },
    )
    appended = await event_store.append(
        Append(
            agreement_id=FIRST,
            expected_version=known.version,
            command_id="resend/1",
            command_type="resend_notices",
            command_digest="0" * 64,
            actor_id="P-9001",
            actor_role=Role.OPERATOR,
            occurred_at=AT,
            events=(event,),
            head=known.head,
            notices=(),
        )
    )
    assert appended.outcome == "appended"
    assert await event_store.notices.undelivered(FIRST) == [first]
    assert [row.notice for row in await event_store.notices.failed()] == [second]
    assert (await delivery.deliver(first, AT)).outcome == "sent"
    assert len(mailbox.taken) == 1
