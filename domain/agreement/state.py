"""The folded state of one agreement: structure only, never what people wrote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Literal, Self, TypedDict

from domain.kernel.calendar import Calendar
from domain.kernel.model import Frozen, Instant, PersonId
from domain.kernel.vocabulary import Kind, ObligationKind, Outcome, Phase, Role
from domain.ledger.obligation import Obligation, ObligationId
from domain.policy.policy_set import KindPolicy
from domain.terms import Terms

MeetingKind = Literal[ObligationKind.CHECK_IN, ObligationKind.REFLECTIVE_SESSION]
"""The two cadences: brief check-ins, and longer reflective sessions beside them."""


class Party(Frozen):
    """A person in a role."""

    role: Role
    person_id: PersonId
    scope: str = ""
    """The leg or session plan that the role belongs to; empty for the whole agreement."""


class Signature(Frozen):
    """A party's consent to one version of the terms."""

    party: Party
    terms_version: int


class MeetingSeries(Frozen):
    """A cadence under way."""

    scheduled: int = 0
    """The number of the meeting that was scheduled last."""
    held: int = 0
    excused: int = 0
    missed: int = 0
    missed_running: int = 0


class Matter(Frozen):
    """A blocker, concern, proposal or breach that somebody has to settle."""

    matter_id: str
    kind: ObligationKind
    raised_by: PersonId
    raised_at: Instant
    about: PersonId | None = None
    """The person concerned, who is neither asked nor told."""
    holds: bool = False
    """Whether the placement is on hold until it is settled."""

    @property
    def outlives_the_placement(self) -> bool:
        """Return whether it has to be settled even after the last day, as concerns and breaches have."""
        return self.kind in {ObligationKind.CONCERN, ObligationKind.BREACH}


class Pivot(Frozen):
    """A change of course that waits for the consent of those it affects."""

    pivot_id: str
    option: str
    terms: Terms
    """As they would be; without words."""
    digests: Mapping[str, str]
    changed: tuple[str, ...]
    """The fields of the terms that it would replace."""
    waiting_for: tuple[Party, ...]


class Reassignment(Frozen):
    """A role that went from one person to another."""

    role: Role
    from_person: PersonId
    to_person: PersonId


class Absence(Frozen):
    """Somebody is away for longer than what they owe can wait."""

    first: date
    last: date
    stand_in: PersonId | None
    """Who acts meanwhile; None where nobody covers."""


class BreakGlass(Frozen):
    """Somebody's request to read what is not for their eyes."""

    request_id: str
    reader_id: PersonId
    only: str | None
    """One field, as `<event type>/<field>`; None for everything."""
    hours: int
    lapses_at: Instant
    """By when another person has to approve."""
    open_until: Instant | None = None
    """None until somebody did."""

    def is_open(self, at: datetime) -> bool:
        """Return whether it lets its reader read at an instant."""
        return self.open_until is not None and at < self.open_until


class AgreementChanges(TypedDict, total=False):
    """New values for some fields of an agreement, for type checkers: a misspelt one is an error."""

    agreement_id: str
    version: int
    terms: Terms
    terms_version: int
    request_digest: str
    digests: Mapping[str, str]
    policy: KindPolicy
    calendars: Mapping[PersonId, Calendar]
    parties: tuple[Party, ...]
    reassignments: tuple[Reassignment, ...]
    phase: Phase
    outcome: Outcome | None
    proposed_at: Instant
    expires_at: Instant
    concluded_at: Instant | None
    started_at: Instant | None
    ended_at: Instant | None
    starts_on: date
    ends_on: date
    end_decision: str | None
    return_planned: bool
    ended_early_by: str | None
    signatures: tuple[Signature, ...]
    obligations: Mapping[ObligationId, Obligation]
    waived: frozenset[ObligationId]
    meetings: Mapping[ObligationKind, MeetingSeries]
    plan_reviews: int
    plan_reviewed_on: date | None
    milestones_completed: frozenset[str]
    milestones_verified: frozenset[str]
    sessions_logged: frozenset[str]
    sessions_debriefed: frozenset[str]
    focus_covered: frozenset[str]
    experiments: int
    deliverables_accepted: frozenset[str]
    legs_started: tuple[str, ...]
    legs_debriefed: frozenset[str]
    legs_handed_over: frozenset[str]
    matters: Mapping[str, Matter]
    pivot: Pivot | None
    feedback_sources: frozenset[PersonId]
    feedback_given: int
    debriefs: tuple[Party, ...]
    synthesis_versions: int
    synthesis_signatures: tuple[Party, ...]
    endorsers: frozenset[PersonId]
    last_activity_at: Instant
    silent_at: Instant | None
    paused_until: Instant | None
    paused_at: Instant | None
    pause_shifts_dates: bool
    held_externally: bool
    nudges: Mapping[ObligationId, int]
    snoozed: Mapping[ObligationId, int]
    departed: frozenset[PersonId]
    break_glass: Mapping[str, BreakGlass]
    absent: Mapping[PersonId, Absence]


class Agreement(Frozen):
    """What the stream of one agreement folds to."""

    agreement_id: str
    version: int
    terms: Terms
    """Without words: structure, ids, dates and roles. They name whoever holds a role now."""
    terms_version: int
    request_digest: str
    digests: Mapping[str, str]
    """SHA-256 of each field of the terms in force, words included."""
    policy: KindPolicy
    calendars: Mapping[PersonId, Calendar]
    parties: tuple[Party, ...]
    reassignments: tuple[Reassignment, ...] = ()
    """In order, so that a document that still names a predecessor is read for the successor."""
    phase: Phase
    outcome: Outcome | None = None
    proposed_at: Instant
    expires_at: Instant
    concluded_at: Instant | None = None
    started_at: Instant | None = None
    ended_at: Instant | None = None
    starts_on: date
    ends_on: date
    end_decision: str | None = None
    return_planned: bool = False
    ended_early_by: str | None = None
    signatures: tuple[Signature, ...] = ()
    obligations: Mapping[ObligationId, Obligation]
    """The open ones."""
    waived: frozenset[ObligationId] = frozenset()
    """What somebody gave up with a reason: the plan does not ask for it again."""
    meetings: Mapping[ObligationKind, MeetingSeries] = {}
    plan_reviews: int = 0
    plan_reviewed_on: date | None = None
    """The last review of the mentee's development plan; None where none is known here."""
    milestones_completed: frozenset[str] = frozenset()
    milestones_verified: frozenset[str] = frozenset()
    sessions_logged: frozenset[str] = frozenset()
    sessions_debriefed: frozenset[str] = frozenset()
    focus_covered: frozenset[str] = frozenset()
    experiments: int = 0
    deliverables_accepted: frozenset[str] = frozenset()
    """As `<leg id>/<deliverable id>`."""
    legs_started: tuple[str, ...] = ()
    legs_debriefed: frozenset[str] = frozenset()
    legs_handed_over: frozenset[str] = frozenset()
    matters: Mapping[str, Matter] = {}
    pivot: Pivot | None = None
    feedback_sources: frozenset[PersonId] = frozenset()
    feedback_given: int = 0
    debriefs: tuple[Party, ...] = ()
    synthesis_versions: int = 0
    synthesis_signatures: tuple[Party, ...] = ()
    endorsers: frozenset[PersonId] = frozenset()
    last_activity_at: Instant
    silent_at: Instant | None = None
    paused_until: Instant | None = None
    paused_at: Instant | None = None
    pause_shifts_dates: bool = False
    held_externally: bool = False
    """Waits for somebody outside the agreement."""
    nudges: Mapping[ObligationId, int] = {}
    """Reminders out of turn, by obligation."""
    snoozed: Mapping[ObligationId, int] = {}
    """Working days by which reminders were put off, by obligation."""
    departed: frozenset[PersonId] = frozenset()
    """Parties who are gone and have no successor yet."""
    break_glass: Mapping[str, BreakGlass] = {}
    """Requests to read what is private, by id."""
    absent: Mapping[PersonId, Absence] = {}
    """Parties who are on leave now, where their policy has somebody stand in."""

    if TYPE_CHECKING:

        def model_copy(  # pyright: ignore[reportIncompatibleMethodOverride]  narrower, so that keys are checked
            self, *, update: AgreementChanges | None = None, deep: bool = False
        ) -> Self:
            """Return a copy with some fields replaced."""
            ...

    @property
    def kind(self) -> Kind:
        """Return the sort of placement."""
        return Kind(self.terms.kind)

    @property
    def closed(self) -> bool:
        """Return whether nothing more can happen."""
        return self.phase is Phase.CLOSED

    @property
    def held(self) -> bool:
        """Return whether the placement waits for an open matter or for somebody outside."""
        return self.held_externally or any(matter.holds for matter in self.matters.values())

    @property
    def mentee_id(self) -> PersonId:
        """Return the person the placement is for."""
        return self.terms.mentee

    def calendar_of(self, person_id: PersonId) -> Calendar:
        """Return a person's snapshotted calendar; the mentee's where none was taken for this person."""
        return self.calendars.get(person_id) or self.calendars[self.mentee_id]

    def local_date(self, instant: datetime) -> date:
        """Return the date at the mentee's place."""
        return self.calendar_of(self.mentee_id).local_date(instant)

    def holding(self, role: Role, scope: str | None = None) -> tuple[Party, ...]:
        """Return the parties in a role, in the order of the terms; within one leg where `scope` is given."""
        return tuple(
            party for party in self.parties if party.role is role and (scope is None or party.scope == scope)
        )

    @property
    def acting(self) -> tuple[Party, ...]:
        """Return the parties, and those who stand in for one of them, in the roles in which they do."""
        if not self.absent:
            return self.parties
        stand_ins = (
            Party(role=party.role, person_id=absence.stand_in, scope=party.scope)
            for party in self.parties
            if (absence := self.absent.get(party.person_id)) is not None and absence.stand_in is not None
        )
        return tuple(dict.fromkeys((*self.parties, *stand_ins)))

    def acts_in(self, person_id: PersonId, parties: Iterable[Party]) -> bool:
        """Return whether a person is one of these parties, or stands in for one of them."""
        return any(
            (party.role, person_id, party.scope) == (acting.role, acting.person_id, acting.scope)
            for party in parties
            for acting in self.acting
        )

    def roles_of(self, person_id: PersonId) -> frozenset[Role]:
        """Return every role in which a person acts, of their own or for somebody on leave."""
        return frozenset(party.role for party in self.acting if party.person_id == person_id)

    def holder(self, role: Role, scope: str | None = None) -> Party:
        """Return the one who answers for a role; the programme owner where nobody holds it.

        Nothing an agreement owes may be without an owner.
        """
        held = self.holding(role, scope) or self.holding(role)
        return held[0] if held else self.holding(Role.PROGRAMME_OWNER)[0]
