"""Preview a command: decide on the folded record, with nothing sent and nothing written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from activities.directory.calendars import CalendarSources
from activities.directory.people import Directory
from activities.directory.working_time import UnknownPeopleError, working_time
from activities.event_store.event_store import EventStore
from application.commands.authorization import AuthorizedCommand
from application.errors import NotRunningError, UpdateRefusedError
from application.queries.agreements import load_snapshot_to_decide
from domain.agreement.commands import Command
from domain.agreement.evolve import evolve
from domain.agreement.state import Agreement
from domain.decisions.decide import decide, newcomers
from domain.handling.loaded import KnownCommand
from domain.kernel.calendar import Calendar
from domain.kernel.digests import digest_of_model
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.model import Frozen, Instant, PersonId
from domain.kernel.organisation_calendar import OrganisationCalendar
from domain.kernel.person import Person
from domain.kernel.vocabulary import Role
from domain.ledger.ledger import Ledger
from domain.ledger.notice import Notice, NoticeKind
from domain.ledger.obligation import ObligationId
from domain.notifications.derive import notices_of
from domain.privacy.confidentiality import may_know
from workflows.activity_definitions import CALENDARS_REACH_BEYOND_THE_END


class OpenedObligation(Frozen):
    """An obligation that would be owed."""

    obligation_id: ObligationId
    owner_role: Role
    owner_id: PersonId
    due_at: Instant


class SettledObligation(Frozen):
    """An obligation that would not be owed any more."""

    obligation_id: ObligationId
    status: str
    """As in `fulfilled`, `waived`, `superseded`."""


class MovedObligation(Frozen):
    """An obligation that would have another owner, other instants or other reminders."""

    obligation_id: ObligationId
    owner_before: PersonId
    owner_after: PersonId
    due_before: Instant
    due_after: Instant
    stalled_before: Instant
    stalled_after: Instant
    reminders_before: int
    """Rungs of the ladder that are still ahead."""
    reminders_after: int


class PlannedNotice(Frozen):
    """Somebody who would be told something."""

    person_id: PersonId
    role: Role
    notice: NoticeKind
    obligation_id: ObligationId | None
    not_before: Instant


class Preview(Frozen):
    """What a command would lead to."""

    agreement_id: str
    command_id: str
    command: str
    as_of: Instant
    version: int
    """The stream's version as it is; after the command, where it was given before."""
    given_before: bool
    """Whether this very command is in the record already: giving it again changes nothing."""
    event_types: tuple[str, ...] = ()
    opened: tuple[OpenedObligation, ...] = ()
    settled: tuple[SettledObligation, ...] = ()
    moved: tuple[MovedObligation, ...] = ()
    told: tuple[PlannedNotice, ...] = ()


@dataclass(frozen=True)
class Expected:
    """What the directory would say by the time a command is given."""

    people: Mapping[PersonId, Person] = field(default_factory=dict[PersonId, Person])
    organisations: Mapping[str, OrganisationCalendar] = field(default_factory=dict[str, OrganisationCalendar])
    """Calendars of organisations that would be in force, by id."""


async def preview(
    event_store: EventStore,
    directory: Directory,
    agreement_id: str,
    authorized: AuthorizedCommand,
    expected: Expected | None = None,
) -> Preview:
    """Decide on an agreement as the record has it now.

    Args:
        event_store: Where its events are.
        directory: Where the people are whom the command brings in.
        agreement_id: Which.
        authorized: What somebody would want, and may ask for.
        expected: What the directory would say by then, where that differs.

    Raises:
        NotRunningError: The record has no such agreement.
        UpdateRefusedError: The agreement would refuse, with code and sentence.
    """
    command = authorized.command
    snapshot = await load_snapshot_to_decide(event_store, agreement_id)
    if snapshot is None:
        raise NotRunningError(f"The record has no agreement {agreement_id}.")
    known = await _find_known(event_store, agreement_id, command)
    if known is not None:
        return Preview(
            agreement_id=agreement_id,
            command_id=command.command_id,
            command=command.type,
            as_of=snapshot.at,
            version=known.version,
            given_before=True,
            event_types=known.event_types,
        )
    try:
        calendars = await _load_calendars(
            directory, snapshot.agreement, command, snapshot.at, expected or Expected()
        )
        return _decide(snapshot.agreement, authorized, snapshot.at, calendars)
    except Refused as refused:
        raise UpdateRefusedError(refused.code, refused.sentence) from refused


async def _find_known(event_store: EventStore, agreement_id: str, command: Command) -> KnownCommand | None:
    for known in await event_store.recent_commands(agreement_id):
        if known.command_id == command.command_id:
            if not known.is_of(digest_of_model(command)):
                raise UpdateRefusedError(
                    RefusalCode.COMMAND_REUSED,
                    f"command_id {command.command_id} was given before with other content; choose another.",
                )
            return known
    return None


async def _load_calendars(
    directory: Directory,
    agreement: Agreement,
    command: Command,
    at: datetime,
    expected: Expected,
) -> Mapping[PersonId, Calendar]:
    wanted, last = newcomers(agreement, command), agreement.ends_on + CALENDARS_REACH_BEYOND_THE_END
    if not wanted:
        return {}
    people = _ExpectedDirectory(directory, expected)
    try:
        return await working_time(people, CalendarSources(), wanted, at.date(), last)
    except UnknownPeopleError as error:
        raise Refused(RefusalCode.UNKNOWN_REFERENCE, str(error)) from error


class _ExpectedDirectory:
    """The directory as it would be by then."""

    def __init__(self, directory: Directory, expected: Expected) -> None:
        self._directory = directory
        self._expected = expected

    async def get(self, person_ids: Iterable[str]) -> dict[str, Person]:
        wanted = sorted(person_ids)
        people = self._expected.people
        expected = {each: people[each] for each in wanted if each in people}
        return {**await self._directory.get(wanted), **expected}

    async def organisation_calendars(self, calendar_ids: Iterable[str]) -> dict[str, OrganisationCalendar]:
        wanted = sorted(calendar_ids)
        calendars = self._expected.organisations
        expected = {each: calendars[each] for each in wanted if each in calendars}
        return {**await self._directory.organisation_calendars(wanted), **expected}


def _decide(
    before: Agreement, authorized: AuthorizedCommand, at: datetime, calendars: Mapping[PersonId, Calendar]
) -> Preview:
    command = authorized.command
    events = decide(before, command, at, calendars, is_operator=authorized.is_operator)
    after, told, statuses = before, list[Notice](), dict[ObligationId, str]()
    for number, event in enumerate(events):
        folded = evolve(after, event)
        told.extend(notices_of(after, folded, event, f"preview-{number}"))
        statuses.update({each.obligation_id: each.status for each in event.ledger.settled})
        after = folded
    hidden = _hidden_from_actor(command, before, after)
    told = [notice for notice in told if notice.obligation_id not in hidden]
    owed, owed_then = _visible(before, hidden), _visible(after, hidden)
    return Preview(
        agreement_id=before.agreement_id,
        command_id=command.command_id,
        command=command.type,
        as_of=at,
        version=before.version,
        given_before=False,
        event_types=tuple(event.type for event in events),
        opened=_opened(owed, owed_then),
        settled=tuple(
            SettledObligation(obligation_id=key, status=statuses.get(key, "superseded"))
            for key in sorted(owed.keys() - owed_then.keys())
        ),
        moved=_moved(owed, owed_then, at),
        told=tuple(planned_notice(notice) for notice in told),
    )


def planned_notice(notice: Notice) -> PlannedNotice:
    """Return a notice as a preview shows it."""
    return PlannedNotice(
        person_id=notice.recipient_id,
        role=notice.recipient_role,
        notice=notice.kind,
        obligation_id=notice.obligation_id,
        not_before=notice.not_before,
    )


def _hidden_from_actor(command: Command, before: Agreement, after: Agreement) -> frozenset[ObligationId]:
    """Return what is or would be owed and whoever gives the command may not know of."""
    person_id = command.actor_id
    acting_as = frozenset(() if command.acting_as is None else {command.acting_as})
    roles = before.roles_of(person_id) | acting_as
    return frozenset(
        key
        for each in (before, after)
        for key, held in each.obligations.items()
        if not may_know(each, held, person_id, roles)
    )


def _visible(agreement: Agreement, hidden: frozenset[ObligationId]) -> Ledger:
    return {key: held for key, held in agreement.obligations.items() if key not in hidden}


def _opened(before: Ledger, after: Ledger) -> tuple[OpenedObligation, ...]:
    return tuple(
        OpenedObligation(
            obligation_id=key,
            owner_role=after[key].owner_role,
            owner_id=after[key].owner_id,
            due_at=after[key].due_at,
        )
        for key in sorted(after.keys() - before.keys())
    )


def _moved(before: Ledger, after: Ledger, at: datetime) -> tuple[MovedObligation, ...]:
    return tuple(
        MovedObligation(
            obligation_id=key,
            owner_before=before[key].owner_id,
            owner_after=after[key].owner_id,
            due_before=before[key].due_at,
            due_after=after[key].due_at,
            stalled_before=before[key].stalled_at,
            stalled_after=after[key].stalled_at,
            reminders_before=sum(rung.at > at for rung in before[key].ladder),
            reminders_after=sum(rung.at > at for rung in after[key].ladder),
        )
        for key in sorted(before.keys() & after.keys())
        if before[key] != after[key]
    )
