"""What one party sees of an agreement: words meant for them, what they owe, and their own balance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from pydantic import JsonValue

from domain.agreement import Agreement
from domain.audiences import AUDIENCES, ROLES, Audience
from domain.events import Event
from domain.events.matters import BlockerRaised, BreachReported, ConcernRaised, MatterSettled, ProposalMade
from domain.events.notes import NoteKept
from domain.events.progress import (
    FeedbackGiven,
    PeerFeedbackRequested,
    SelfAssessmentRecorded,
    WinOrSetbackRecorded,
)
from domain.model import Frozen, Instant, PersonId
from domain.narratives import Confidence, Tone
from domain.reading import read_event, to_new_event
from domain.recording import RecordedEvent
from domain.refusals import RefusalCode, Refused
from domain.stalled import oldest_first
from domain.terms.words import without_words
from domain.views import ObligationView, obligation_view
from domain.vocabulary import Role


class FeedbackBalance(Frozen):
    """How often somebody praised and how often they asked for something different. Shown to them only."""

    praise: int
    critique: int


class CriterionRatings(Frozen):
    """How far a success criterion is met: the mentee's latest rating beside everybody else's."""

    criterion_id: str
    own: Confidence | None
    others: float | None
    """The mean of the latest rating of each person who gave one."""
    raters: int
    gap: float | None
    """Own less others: above zero where the mentee sees more than others do."""


class WinOrSetback(Frozen):
    """Something to look back on in the debrief."""

    at: Instant
    is_win: bool
    what: str
    lesson: str


class PersonalView(Frozen):
    """An agreement as one of its parties sees it."""

    agreement_id: str
    person_id: PersonId
    roles: tuple[Role, ...]
    as_of: Instant
    owed: tuple[ObligationView, ...]
    """What this person owes, the one due first in front."""
    feedback_given: FeedbackBalance
    ratings: tuple[CriterionRatings, ...]
    """For mentee and mentor; empty for everybody else."""
    for_the_debrief: tuple[WinOrSetback, ...]
    """Wins and setbacks in order, for mentee and mentor; empty for everybody else."""


def personal_view(
    agreement: Agreement, rows: Sequence[RecordedEvent], person_id: PersonId, at: datetime
) -> PersonalView:
    """An agreement as a party sees it.

    Args:
        agreement: What the rows fold to.
        rows: The whole stream.
        person_id: Who looks.
        at: When, UTC.

    Raises:
        Refused: If this person is no party.
    """
    roles = _roles(agreement, person_id)
    events = [read_event(row) for row in rows]
    looks_back = not roles.isdisjoint(ROLES[Audience.PAIR])
    return PersonalView(
        agreement_id=agreement.agreement_id,
        person_id=person_id,
        roles=tuple(role for role in Role if role in roles),
        as_of=at,
        owed=tuple(
            obligation_view(held, at) for held in oldest_first(agreement) if held.owner_id == person_id
        ),
        feedback_given=_balance(events, person_id),
        ratings=tuple(_ratings(agreement, events)) if looks_back else (),
        for_the_debrief=tuple(_looked_back_on(events)) if looks_back else (),
    )


def as_read_by(
    agreement: Agreement, rows: Sequence[RecordedEvent], person_id: PersonId
) -> list[RecordedEvent]:
    """The stream as a party may read it: words that are not meant for them are withheld.

    Raises:
        Refused: If this person is no party.
    """
    roles = _roles(agreement, person_id)
    raised: dict[str, PersonId] = {}
    readable: list[RecordedEvent] = []
    for row in rows:
        event = read_event(row)
        if isinstance(event, BlockerRaised | ConcernRaised | ProposalMade | BreachReported):
            raised[event.matter_id] = event.raised_by
        if row.actor_id != person_id:
            event = _withheld(event, roles, is_addressed=person_id in _addressees(event, raised))
        readable.append(row.model_copy(update={"data": _data(event)}))
    return readable


def _roles(agreement: Agreement, person_id: PersonId) -> frozenset[Role]:
    roles = agreement.roles_of(person_id)
    if not roles:
        raise Refused(RefusalCode.NOT_A_PARTY, f"{person_id} is no party to {agreement.agreement_id}.")
    return roles


def _data(event: Event) -> dict[str, JsonValue]:
    return to_new_event(event, "").data


def _withheld(event: Event, roles: frozenset[Role], *, is_addressed: bool) -> Event:
    audiences: Mapping[str, Audience] = AUDIENCES.get(event.type, {})
    if isinstance(event, NoteKept):
        audiences = {"note": event.audience}
    open_to_them = {
        field: getattr(event, field)
        for field, audience in audiences.items()
        if roles & ROLES[audience] or (audience is Audience.ADDRESSEE and is_addressed)
    }
    return without_words(event).model_copy(update=open_to_them)


def _addressees(event: Event, raised: Mapping[str, PersonId]) -> frozenset[PersonId]:
    match event:
        case FeedbackGiven():
            return frozenset({event.receiver_id})
        case PeerFeedbackRequested():
            return frozenset({event.peer.person_id})
        case ConcernRaised() | BreachReported():
            return frozenset({event.handled_by.person_id})
        case ProposalMade():
            return frozenset(opened.owner_id for opened in event.ledger.opened)
        case MatterSettled():
            return frozenset({raised[event.matter_id]} if event.matter_id in raised else ())
        case _:
            return frozenset()


def _balance(events: Sequence[Event], person_id: PersonId) -> FeedbackBalance:
    tones = [
        event.tone
        for event in events
        if isinstance(event, FeedbackGiven) and event.giver.person_id == person_id
    ]
    return FeedbackBalance(praise=tones.count(Tone.PRAISE), critique=tones.count(Tone.CRITIQUE))


def _ratings(agreement: Agreement, events: Sequence[Event]) -> Iterator[CriterionRatings]:
    own: dict[str, int] = {}
    others: dict[str, dict[PersonId, int]] = {}
    for event in events:
        match event:
            case SelfAssessmentRecorded():
                own.update({rating.criterion_id: rating.rating for rating in event.ratings})
            case FeedbackGiven(rating=int() as rating, receiver_id=agreement.mentee_id):
                others.setdefault(event.anchor.reference, {})[event.giver.person_id] = rating
            case _:
                pass
    for criterion in agreement.terms.success_criteria:
        mine, theirs = (own.get(criterion.criterion_id), others.get(criterion.criterion_id, {}))
        mean = sum(theirs.values()) / len(theirs) if theirs else None
        yield CriterionRatings(
            criterion_id=criterion.criterion_id,
            own=mine,
            others=mean,
            raters=len(theirs),
            gap=None if mine is None or mean is None else mine - mean,
        )


def _looked_back_on(events: Sequence[Event]) -> Iterator[WinOrSetback]:
    for event in events:
        if isinstance(event, WinOrSetbackRecorded):
            yield WinOrSetback(at=event.at, is_win=event.is_win, what=event.what, lesson=event.lesson)
