"""The cast and its scenes, lived against the rules alone: no server, any day of the year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from activities.calendars import CalendarSources
from domain.agreement import Agreement
from domain.announcing import notices_of
from domain.calendars import Calendar
from domain.commands import Command, ProposeAgreement
from domain.commands.time import LetTimePass
from domain.decide import decide, newcomers
from domain.decisions.forming import parties_of
from domain.decisions.passage import next_instant
from domain.evolve import evolve
from domain.notices import Notice
from domain.obligations import Obligation
from domain.people import Person
from domain.reading import to_new_event
from domain.recording import RecordedEvent
from domain.refusals import Refused
from domain.stalled import assess
from domain.terms import Terms
from domain.terms.requests import split
from domain.vocabulary import Kind, ObligationKind, Outcome, Role, StallReason
from workers.asking import UpdateRefusedError
from workers.demonstration.cast import answer
from workers.demonstration.examples import read_people, read_request
from workers.demonstration.life import Life
from workers.demonstration.mailboxes import ASKING
from workers.demonstration.scenes import OPERATORS_QUEUE, SUCCESSOR
from workflows.contract import agreement_id_of

MOMENT = timedelta(milliseconds=1)


class RulesWorld:
    """An agreement that is only decided and folded, with a clock that is set."""

    def __init__(self, terms: Terms, people: Mapping[str, Person], now: datetime) -> None:
        self._people = people
        self._now = now
        self._agreement: Agreement | None = None
        self._events: list[RecordedEvent] = []
        self._outbox: list[Notice] = []
        self._asked: list[tuple[Notice, datetime]] = []
        self.given: list[Command] = []
        agreement_id = agreement_id_of(terms)
        self._commit(
            ProposeAgreement(
                command_id="propose", actor_id=terms.approved_by, agreement_id=agreement_id, terms=terms
            ),
            self._calendars({party.person_id for party in parties_of(terms)}),
        )

    @property
    def agreement(self) -> Agreement:
        """As it stands."""
        assert self._agreement is not None
        return self._agreement

    async def now(self) -> datetime:
        """The agreement's own time."""
        return self._now

    async def pass_time(self, until: datetime) -> None:
        """Stops at every instant at which the agreement changes by itself, as the workflow does."""
        while not self.agreement.closed:
            instants = [notice.not_before for notice in self._outbox if notice.not_before > self._now]
            ledger = next_instant(self.agreement, self._now)
            at = min([*instants, *([] if ledger is None else [ledger])], default=until)
            self._now = min(at, until) if at > self._now else until
            self._commit(LetTimePass(command_id=f"time/{self._now:%Y%m%dT%H%M%S}", actor_id="system"))
            if self._now >= until:
                return

    async def give(self, command: Command) -> None:
        """Decides, as the workflow does."""
        self._now += MOMENT
        try:
            self._commit(command, self._calendars(set(newcomers(self.agreement, command))))
        except Refused as refused:
            raise UpdateRefusedError(str(refused.code), refused.sentence) from refused
        self.given.append(command)

    async def events_after(self, version: int) -> Sequence[RecordedEvent]:
        """The stream from there on."""
        return self._events[version:]

    def asked_at(self, owed: Obligation, readers: Sequence[str]) -> datetime | None:
        """When the first letter that asks for it was sent."""
        return min(
            (
                at
                for notice, at in self._asked
                if notice.obligation_id == owed.obligation_id
                and notice.recipient_role is owed.owner_role
                and notice.recipient_id in readers
            ),
            default=None,
        )

    async def until_asked(self, owed: Obligation, readers: Sequence[str]) -> bool:
        """Letters arrive at once here."""
        return self.asked_at(owed, readers) is not None

    async def until_over(self) -> None:
        """Nothing is left to send here."""

    def _commit(self, command: Command, calendars: Mapping[str, Calendar] | None = None) -> None:
        for event in decide(self._agreement, command, self._now, calendars):
            before, after = self._agreement, evolve(self._agreement, event)
            self._agreement = after
            self._outbox += notices_of(before, after, event, str(after.version))
            new = to_new_event(event, str(after.version))
            self._events.append(
                RecordedEvent(
                    **dict(new),
                    agreement_id=after.agreement_id,
                    version=after.version,
                    occurred_at=self._now,
                    recorded_at=self._now,
                    actor_id=command.actor_id,
                    actor_role=Role.SYSTEM,
                    command_id=command.command_id,
                    previous_hash="",
                    hash="",
                )
            )
        self._deliver()

    def _deliver(self) -> None:
        for notice in [notice for notice in self._outbox if notice.not_before <= self._now]:
            self._outbox.remove(notice)
            if notice.kind in ASKING and notice.obligation_id in self.agreement.obligations:
                self._asked.append((notice, self._now))

    def _calendars(self, person_ids: set[str]) -> Mapping[str, Calendar]:
        first = self._now.date() - timedelta(days=30)
        return {
            person_id: CalendarSources().resolve(
                self._people[person_id], first, first + timedelta(days=1200)
            )
            for person_id in sorted(person_ids)
        }


class Notes:
    """Remembers what a life showed."""

    def __init__(self) -> None:
        self.types: list[str] = []
        self.stalls: list[tuple[StallReason, int | None]] = []
        self.silent: list[str] = []

    def at(self, life: Life) -> None:
        """Nothing to note."""

    def happened(self, life: Life, event: RecordedEvent) -> None:  # noqa: ARG002
        """By its type."""
        self.types.append(event.type)

    def refused(self, life: Life, command: Command, sentence: str) -> None:
        """Kept by the life itself."""

    def fell_silent(self, life: Life, person_id: str) -> None:  # noqa: ARG002
        """Who it was."""
        self.silent.append(person_id)

    async def looks_at_the_queue(self, life: Life) -> None:
        """What an operator would see."""
        stall = assess(life.agreement, life.now).stall
        assert stall is not None
        self.stalls.append((stall.reason, stall.level))


async def lived(kind: Kind, today: date) -> tuple[Life, RulesWorld, Notes]:
    """A placement of a kind, approved just before a day, from proposal to close."""
    inline, terms = split(read_request(kind, today))
    people = {person.person_id: person for person in (*read_people(), *inline)}
    now = datetime(today.year, today.month, today.day, 10, 30, tzinfo=UTC)
    world = RulesWorld(terms, people, now)
    notes = Notes()
    life = Life(agreement_id_of(terms), terms, world, notes)
    await life.play()
    return life, world, notes


ANY_DAYS = [date(2026, 11, 22), date(2027, 3, 1), date(2027, 7, 14), date(2027, 12, 24), date(2028, 2, 29)]


@pytest.mark.parametrize("today", ANY_DAYS, ids=str)
@pytest.mark.parametrize("kind", Kind)
async def test_every_placement_completes_whenever_it_is_played(kind: Kind, today: date) -> None:
    """The demonstration ends well on any day of any year, and nobody of the cast is refused by surprise."""
    life, _, _ = await lived(kind, today)
    assert life.agreement.outcome is Outcome.COMPLETED
    assert life.surprises == []
