"""Which notices follow from an event: invites, requests, reminders, escalations, announcements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from domain.agreement.events import Event, break_glass, course, ending, forming, matters, operations, people
from domain.agreement.state import Agreement, Party
from domain.kernel.vocabulary import ObligationKind, Role
from domain.kinds import KINDS
from domain.ledger.ladder import LADDER, MANAGERS_OF, Told
from domain.ledger.notice import Meeting, Notice, NoticeKind
from domain.ledger.obligation import Level, Obligation
from domain.privacy.confidentiality import may_know

TOLD_BY_THE_HEADS_UP = frozenset(
    {
        ObligationKind.MILESTONE,
        ObligationKind.LEG_DELIVERABLE,
        ObligationKind.END_DECISION,
        ObligationKind.RETURN_PLAN,
        ObligationKind.EXPERIMENT,
    }
)
"""Known from the terms since the first day: the heads-up before the due day is soon enough."""

ANNOUNCED: tuple[type[Event], ...] = (
    forming.AgreementConcluded,
    forming.AgreementDeclined,
    forming.AgreementWithdrawn,
    forming.AgreementExpired,
    forming.TermsAmended,
    forming.PlacementStarted,
    course.PivotAdopted,
    course.PlacementPaused,
    course.PlacementResumed,
    course.EndDateMoved,
    people.RoleReassigned,
    operations.PlacementHeld,
    operations.PlacementReleased,
    people.PartyLeft,
    ending.EndBroughtForward,
    ending.PlacementEnded,
    ending.AgreementCompleted,
    ending.AgreementClosedIncomplete,
)
"""Events that every signatory is told about."""


def notices_of(before: Agreement | None, after: Agreement, event: Event, event_id: str) -> tuple[Notice, ...]:
    """Everybody who is to be told about an event, but who has left.

    Args:
        before: The agreement before the event; None for the proposal.
        after: The agreement after it.
        event: What happened.
        event_id: From which the notices take their ids, so that a retry queues the same ones.
    """
    notices = _Notices(before, after, event, event_id)
    found = (*notices.about_the_ledger(), *notices.announcements())
    there = (notice for notice in found if notice.recipient_id not in after.departed)
    return tuple({notice.notice_id: notice for notice in there}.values())


class _Notices:
    """The notices of one event."""

    def __init__(self, before: Agreement | None, after: Agreement, event: Event, event_id: str) -> None:
        self._agreement_before = before
        self._before: Mapping[str, Obligation] = {} if before is None else before.obligations
        self._after = after
        self._rules = KINDS[after.kind]
        self._event = event
        self._event_id = event_id

    def about_the_ledger(self) -> Iterator[Notice]:
        """What the change of the ledger gives reason to tell."""
        change = self._event.ledger
        for settlement in change.settled:
            yield from self._cancelled(self._before[settlement.obligation_id])
        if isinstance(self._event, operations.ObligationNudged):
            yield self._to_owner(NoticeKind.REMINDER, self._after.obligations[self._event.obligation_id])
        if isinstance(self._event, course.PlacementPaused):
            for held in self._before.values():
                yield from self._cancelled(held, before=self._event.resumes_at)
        for obligation in change.opened:
            yield from self._asked(obligation)
        for obligation in change.moved:
            yield from self._moved(obligation)
        for escalation in change.escalated:
            yield from self._escalated(self._after.obligations[escalation.obligation_id], escalation.level)

    def announcements(self) -> Iterator[Notice]:
        """Word that something happened to the placement: to all signatories, or to those whom it touches."""
        match self._event:
            case break_glass.BreakGlassApproved():
                parties = tuple(self._holding((Role.MENTEE, Role.MENTOR)))
            case event if isinstance(event, ANNOUNCED):
                parties = tuple(self._rules.signatories(self._after))
            case _:
                parties = ()
        for party in parties:
            yield self._notice(NoticeKind.ANNOUNCEMENT, party.role, party.person_id)

    def _asked(self, obligation: Obligation) -> Iterator[Notice]:
        if obligation.starts_at is not None:
            yield from self._invited(obligation)
        elif obligation.kind not in TOLD_BY_THE_HEADS_UP:
            yield self._to_owner(NoticeKind.OBLIGATION_OPENED, obligation)

    def _moved(self, obligation: Obligation) -> Iterator[Notice]:
        previous = self._before[obligation.obligation_id]
        if obligation.starts_at is not None:
            if (previous.starts_at, previous.sequence) == (obligation.starts_at, obligation.sequence):
                return
            yield from self._invited(obligation)
            if isinstance(self._event, people.RoleReassigned):
                yield from self._called_off_for_predecessor(previous, obligation)
        elif previous.starts_at is not None:
            yield from self._cancelled(previous)
        if previous.owner_id != obligation.owner_id:
            yield self._to_owner(NoticeKind.OBLIGATION_OPENED, obligation)

    def _invited(self, obligation: Obligation) -> Iterator[Notice]:
        for party in self._rules.attendees(self._after, obligation):
            yield self._notice(
                NoticeKind.INVITE,
                party.role,
                party.person_id,
                obligation,
                meeting=self._meeting(obligation, 0),
            )

    def _cancelled(self, obligation: Obligation, before: datetime | None = None) -> Iterator[Notice]:
        """A meeting that is still ahead is off; a client heeds this only under a higher sequence."""
        starts_at = obligation.starts_at
        if starts_at is None or starts_at <= self._event.at or (before is not None and starts_at >= before):
            return
        for party in self._rules.attendees(self._after, obligation):
            yield self._called_off(obligation, party)

    def _called_off_for_predecessor(self, previous: Obligation, obligation: Obligation) -> Iterator[Notice]:
        """Whoever hands a role over still has the meeting in their calendar."""
        there = {party.person_id for party in self._rules.attendees(self._after, obligation)}
        starts_at = previous.starts_at
        if self._agreement_before is None or starts_at is None or starts_at <= self._event.at:
            return
        for party in self._rules.attendees(self._agreement_before, previous):
            if party.person_id not in there:
                yield self._called_off(previous, party)

    def _called_off(self, obligation: Obligation, party: Party) -> Notice:
        return self._notice(
            NoticeKind.INVITE_CANCELLED,
            party.role,
            party.person_id,
            obligation,
            meeting=self._meeting(obligation, 1),
        )

    def _meeting(self, obligation: Obligation, later: int) -> Meeting:
        starts_at = obligation.starts_at or obligation.due_at
        return Meeting(
            uid=f"{self._after.agreement_id}/{obligation.obligation_id}",
            sequence=obligation.sequence + later,
            starts_at=starts_at,
            minutes=self._rules.meeting_minutes(self._after, obligation),
            attendees=tuple(party.person_id for party in self._rules.attendees(self._after, obligation)),
        )

    def _escalated(self, obligation: Obligation, level: Level) -> Iterator[Notice]:
        for told, kind in LADDER[level].tells:
            if told is Told.OWNER:
                yield self._to_owner(kind, obligation)
            else:
                yield from self._told(kind, obligation, self._recipients(told, obligation))

    def _recipients(self, told: Told, obligation: Obligation) -> Iterable[Party]:
        match told:
            case Told.OWNER:
                return (Party(role=obligation.owner_role, person_id=obligation.owner_id),)
            case Told.COUNTERPART:
                other = Role.MENTOR if obligation.owner_role is Role.MENTEE else Role.MENTEE
                return self._after.holding(other)
            case Told.MENTOR_AND_MANAGER:
                managers = MANAGERS_OF.get(obligation.owner_role, (Role.LINE_MANAGER,))
                return self._holding((Role.MENTOR, *managers))
            case Told.SPONSOR_AND_HR:
                return self._holding((Role.SPONSOR, Role.HRBP))

    def _holding(self, roles: tuple[Role, ...]) -> Iterator[Party]:
        for role in roles:
            yield from self._after.holding(role)[:1]

    def _told(self, kind: NoticeKind, obligation: Obligation, parties: Iterable[Party]) -> Iterator[Notice]:
        for party in parties:
            known = may_know(self._after, obligation, party.person_id, self._after.roles_of(party.person_id))
            if party.person_id != obligation.owner_id and known:
                yield self._notice(kind, party.role, party.person_id, obligation)

    def _to_owner(self, kind: NoticeKind, obligation: Obligation) -> Notice:
        return self._notice(kind, obligation.owner_role, obligation.owner_id, obligation)

    def _notice(
        self,
        kind: NoticeKind,
        role: Role,
        person_id: str,
        obligation: Obligation | None = None,
        meeting: Meeting | None = None,
    ) -> Notice:
        calendar = self._after.calendar_of(person_id)
        at = self._event.at
        subject = "" if obligation is None else f":{obligation.obligation_id}"
        return Notice(
            notice_id=f"{self._event_id}:{kind}{subject}:{person_id}",
            kind=kind,
            agreement_id=self._after.agreement_id,
            agreement_kind=self._after.kind,
            recipient_id=person_id,
            recipient_role=role,
            not_before=at if meeting is not None else calendar.next_working_moment(at),
            event_type=self._told_as(obligation),
            obligation_id=None if obligation is None else obligation.obligation_id,
            obligation_kind=None if obligation is None else obligation.kind,
            due_at=None if obligation is None else obligation.due_at,
            level=None if obligation is None else obligation.reached,
            meeting=meeting,
        )

    def _told_as(self, obligation: Obligation | None) -> str:
        """The type of event that a notice names.

        Settling a breach ends the rest that it brought, and meetings are asked for anew. Whoever comes to
        them hears that the placement goes on, and not that there was a breach.
        """
        match self._event:
            case matters.MatterSettled(matter_id=settled) if obligation and obligation.subject != settled:
                return "placement.released"
            case event:
                return event.type
