"""The cast and its scenes, lived against the rules alone: no server, any day of the year."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from pydantic import JsonValue
from rich.cells import cell_len
from rich.console import Console

from activities.directory.calendars import CalendarSources
from application.errors import UpdateRefusedError
from domain.agreement.commands import COMMANDS, Command, ProposeAgreement
from domain.agreement.commands.time import LetTimePass
from domain.agreement.evolve import evolve
from domain.agreement.state import Agreement
from domain.decisions.areas.forming import parties_of
from domain.decisions.decide import decide, newcomers
from domain.decisions.time_passing import next_instant
from domain.decisions.transitions import start_instant
from domain.kernel.calendar import Calendar
from domain.kernel.errors import Refused
from domain.kernel.person import Person
from domain.kernel.vocabulary import Kind, ObligationKind, Outcome, Phase, Role, StallReason
from domain.ledger.notice import Notice
from domain.ledger.obligation import Obligation
from domain.notifications.derive import notices_of
from domain.stream.messages import RecordedEvent
from domain.stream.serialization import to_new_event
from domain.terms import Terms
from domain.terms.requests import split
from domain.views.health import assess
from workers.demo import views
from workers.demo.cast import answer
from workers.demo.examples import read_people, read_request
from workers.demo.life import Life
from workers.demo.mailboxes import ASKING
from workers.demo.report import stalls_in
from workers.demo.response_times import answers_at
from workers.demo.scenes import OPERATORS_QUEUE, SUCCESSOR, scenes_in
from workers.demo.views import LiveView
from workflows.contract import agreement_id_of, is_established_operator

MOMENT = timedelta(milliseconds=1)


class RulesWorld:
    """An agreement that is only decided and folded, with a clock that is set."""

    def __init__(self, terms: Terms, people: Mapping[str, Person], now: datetime) -> None:
        self._people = people
        self._now: datetime = now
        self._agreement: Agreement | None = None
        self._events: list[RecordedEvent] = []
        self._outbox: list[Notice] = []
        self._asked: list[tuple[Obligation, datetime]] = []
        self._readers: list[str] = []
        self.given: list[tuple[Command, datetime]] = []
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
            ahead: list[datetime] = instants if ledger is None else [*instants, ledger]
            self._now = min([*ahead, until])
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
        self.given.append((command, self._now))

    async def events_after(self, version: int) -> Sequence[RecordedEvent]:
        """The stream from there on."""
        return self._events[version:]

    def asked_at(self, owed: Obligation, readers: Sequence[str]) -> datetime | None:
        """When the first letter that asks for it was sent."""
        return min(
            (
                at
                for (asked, at), reader in zip(self._asked, self._readers, strict=True)
                if asked.obligation_id == owed.obligation_id and reader in readers
            ),
            default=None,
        )

    async def until_asked(self, owed: Obligation, readers: Sequence[str]) -> bool:
        """Letters arrive at once here."""
        return self.asked_at(owed, readers) is not None

    async def until_over(self) -> None:
        """Nothing is left to send here."""

    async def live_until_active(self, terms: Terms) -> None:
        """Everybody signs, and the first day comes."""
        for owed in list(self.agreement.obligations.values()):
            command = answer(owed, terms)
            assert command is not None
            await self.give(command)
        await self.pass_time(start_instant(self.agreement))
        assert self.agreement.phase is Phase.ACTIVE

    def letters(self) -> list[tuple[Obligation, datetime]]:
        """What was asked for by letter, and when."""
        return self._asked

    def _commit(self, command: Command, calendars: Mapping[str, Calendar] | None = None) -> None:
        is_operator = is_established_operator(command)
        for event in decide(self._agreement, command, self._now, calendars, is_operator=is_operator):
            before, after = self._agreement, evolve(self._agreement, event)
            self._agreement = after
            self._outbox += notices_of(before, after, event, str(after.version))
            new = to_new_event(event, str(after.version))
            self._events.append(
                RecordedEvent(
                    event_id=new.event_id,
                    type=new.type,
                    schema_version=new.schema_version,
                    data=new.data,
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
            owed = self.agreement.obligations.get(notice.obligation_id or "")
            if notice.kind in ASKING and owed is not None and notice.recipient_role is owed.owner_role:
                self._asked.append((owed, self._now))
                self._readers.append(notice.recipient_id)

    def _calendars(self, person_ids: set[str]) -> Mapping[str, Calendar]:
        first = self._now.date() - timedelta(days=30)
        return {
            person_id: CalendarSources().resolve(self._people[person_id], first, first + timedelta(days=1200))
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


def begun(kind: Kind, today: date) -> tuple[RulesWorld, Terms]:
    """A placement of a kind, proposed on a day."""
    inline, terms = split(read_request(kind, today))
    people = {person.person_id: person for person in (*read_people(), *inline)}
    now = datetime(today.year, today.month, today.day, 10, 30, tzinfo=UTC)
    return RulesWorld(terms, people, now), terms


async def lived(kind: Kind, today: date) -> tuple[Life, RulesWorld, Notes]:
    """A placement of a kind, approved just before a day, from proposal to close."""
    world, terms = begun(kind, today)
    notes = Notes()
    life = Life(agreement_id_of(terms), kind, world, notes)
    await life.play()
    return life, world, notes


TODAY = date(2026, 11, 23)
ANY_DAYS = [TODAY, date(2027, 3, 1), date(2027, 7, 14), date(2027, 12, 24), date(2028, 2, 29)]


@pytest.mark.parametrize("today", ANY_DAYS, ids=str)
@pytest.mark.parametrize("kind", Kind)
async def test_every_placement_completes_whenever_it_is_played(kind: Kind, today: date) -> None:
    """The demonstration ends well on any day of any year, and nobody of the cast is refused by surprise."""
    life, world, notes = await lived(kind, today)
    assert life.agreement.outcome is Outcome.COMPLETED
    assert life.surprises == []
    tried = {command.command_id for command, _ in world.given} | {
        command.command_id for command, _ in life.refusals
    }
    assert {f"demonstration/{scene.name}" for scene in scenes_in(kind)} <= tried
    assert bool(notes.silent) is (kind is Kind.SECONDMENT)


async def test_the_secondment_stalls_climbs_and_is_rescued() -> None:
    """Its mentor goes silent, check-ins are missed, an operator finds it in the queue, a successor signs."""
    life, world, notes = await lived(Kind.SECONDMENT, TODAY)
    silent = notes.silent[0]
    ((reason, level),) = notes.stalls
    assert reason is StallReason.CHECKINS_MISSED
    assert level is not None
    assert level >= OPERATORS_QUEUE
    assert "meeting.missed" in notes.types
    assert life.agreement.holder(Role.MENTOR).person_id == SUCCESSOR
    reassigned = next(at for command, at in world.given if command.type == "reassign_role")
    assert all(at < reassigned for command, at in world.given if command.actor_id == silent)
    assert "sign_agreement" in {command.type for command, _ in world.given if command.actor_id == SUCCESSOR}


@pytest.mark.parametrize("kind", [Kind.SHADOWING, Kind.ROTATION])
async def test_the_others_are_never_stalled(kind: Kind) -> None:
    """Where everybody reads their mail, nothing is held up."""
    life, world, _ = await lived(kind, TODAY)
    assert stalls_in(await world.events_after(0)) == ()
    assert life.agreement.outcome is Outcome.COMPLETED


async def test_a_forbidden_scene_is_told_and_not_recorded() -> None:
    """The next leg is refused while the first is not delivered: with its sentence, and without an event."""
    life, world, _ = await lived(Kind.ROTATION, TODAY)
    ((command, sentence),) = life.refusals
    assert command.type == "start_leg"
    assert "not all accepted yet" in sentence
    assert command.command_id not in {event.command_id for event in await world.events_after(0)}


async def test_stretches_of_stall_end_with_what_ended_them() -> None:
    """A report's episode runs from the stall's own beginning to the reassignment."""
    _, world, _ = await lived(Kind.SECONDMENT, TODAY)
    events = await world.events_after(0)
    (episode,) = stalls_in(events)
    reassigned = next(event for event in events if event.type == "role.reassigned")
    assert episode.until == reassigned.occurred_at
    assert episode.since < episode.until
    assert (episode.level or 0) >= OPERATORS_QUEUE


@pytest.mark.parametrize("kind", Kind)
async def test_people_answer_in_their_own_time(kind: Kind) -> None:
    """Nobody answers before they were asked, outside their working hours, or after a meeting's own time."""
    life, world, _ = await lived(kind, TODAY)
    for owed, asked_at in world.letters():
        agreement = life.agreement
        at = answers_at(owed, asked_at, owed.owner_id, agreement)
        assert at > asked_at
        if owed.starts_at is not None:
            assert at > owed.starts_at
        else:
            assert agreement.calendar_of(owed.owner_id).next_working_moment(at) == at


UNANSWERED = {
    ObligationKind.REQUESTED_CHANGES,
    ObligationKind.COURSE_CORRECTION,
    ObligationKind.FORCED_CHOICE,
    ObligationKind.SUCCESSOR,
    ObligationKind.HOLD_REVIEW,
    ObligationKind.COVER,
    ObligationKind.CRITERIA,
}
"""What an amendment, a choice or HR settles: the cast leaves it to people with a view of their own."""

Trouble = tuple[ObligationKind, str, Role, Mapping[str, JsonValue]]

TROUBLES: list[Trouble] = [
    (
        ObligationKind.BREACH,
        "report_breach",
        Role.MENTEE,
        {"matter_id": "r1", "breaches": "boundary", "what": "Home duties took three days."},
    ),
    (
        ObligationKind.PIVOT_CONSENT,
        "propose_pivot",
        Role.MENTOR,
        {"pivot_id": "v1", "option": "re_scope", "reason": "The programme was stopped."},
    ),
]


async def test_the_cast_answers_every_kind_of_obligation() -> None:
    """Over three lives and two troubles each kind is answered by a command that is accepted."""
    answered: set[ObligationKind] = set()
    for kind in Kind:
        life, world, _ = await lived(kind, TODAY)
        assert life.surprises == []
        accepted = {command.command_id.rpartition(":")[0] for command, _ in world.given}
        answered |= {owed.kind for owed, _ in world.letters() if owed.obligation_id in accepted}
    for kind, name, role, fields in TROUBLES:
        answered.add(await answered_in_trouble(kind, name, role, fields))
    assert set(ObligationKind) - answered == UNANSWERED


async def answered_in_trouble(
    kind: ObligationKind, name: str, role: Role, fields: Mapping[str, JsonValue]
) -> ObligationKind:
    """Brings a secondment into trouble and lets the cast answer it."""
    world, terms = begun(Kind.SECONDMENT, TODAY)
    await world.live_until_active(terms)
    given: dict[str, JsonValue] = {**fields}
    if name == "propose_pivot":
        changed = terms.model_copy(update={"grade": "T7"})
        given["terms"] = changed.model_dump(mode="json")
    await world.give(
        COMMANDS[name].model_validate(
            {"command_id": "trouble", "actor_id": world.agreement.holder(role).person_id, **given}
        )
    )
    owed = [held for held in world.agreement.obligations.values() if held.kind is kind]
    assert owed
    for each in owed:
        command = answer(each, terms, world.agreement.terms_version)
        assert command is not None
        await world.give(command)
    assert not [held for held in world.agreement.obligations.values() if held.kind is kind]
    return kind


CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Screen:
    """Shows a life in a view, as the performance does."""

    def __init__(self, view: LiveView, people: Mapping[str, Person]) -> None:
        self._view = view
        self._people = people

    def at(self, life: Life) -> None:
        """Redraws."""
        self._view.at(life)

    def happened(self, life: Life, event: RecordedEvent) -> None:
        """Enters the feed."""
        self._view.happened(life, event)

    def refused(self, life: Life, command: Command, sentence: str) -> None:
        """A line above."""
        self._view.says(life, f"{command.actor_id} tries {command.type}; refused: {sentence}")

    def fell_silent(self, life: Life, person_id: str) -> None:
        """A line above."""
        self._view.says(life, f"{person_id} stops answering.")

    async def looks_at_the_queue(self, life: Life) -> None:
        """Nothing of its own."""


@pytest.mark.parametrize("width", [80, 120])
async def test_the_live_view_fits_its_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """No line of any frame is longer than the terminal is wide, and each stage of the story can be read."""
    monkeypatch.setattr(views, "_FRAME_SECONDS", 0.0)
    world, terms = begun(Kind.SECONDMENT, TODAY)
    out = io.StringIO()
    console = Console(file=out, width=width, height=30, force_terminal=True, color_system=None)
    people = {person.person_id: person for person in read_people()}
    with LiveView(console, people) as view:
        await Life(agreement_id_of(terms), Kind.SECONDMENT, world, Screen(view, people)).play()
    frames = CONTROL.sub("", out.getvalue()).replace("\r", "\n")
    blocks = [line for line in frames.splitlines() if "stops answering" not in line]
    assert max(cell_len(line.rstrip()) for line in blocks) <= width
    assert "● stalled: checkins missed, waits on Marcus Oyelaran, level 4   phase active" in frames
    assert "agreement 5/5  milestones 4/4  check-ins 10/13  debrief 2/2  synthesis 3/3" in frames
    assert "● closed: completed" in frames
    assert "1 of 1 closed" in frames
