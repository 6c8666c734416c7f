"""What one party sees of an agreement: what they owe, their own balance, and what is for their eyes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from domain.agreement.content import Confidence, Tone
from domain.agreement.events import Event
from domain.agreement.events.feedback import FeedbackGiven, SelfAssessmentRecorded, WinOrSetbackRecorded
from domain.agreement.state import Agreement
from domain.kernel.classification import ROLES, Audience
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.model import Frozen, Instant, PersonId
from domain.kernel.vocabulary import Role
from domain.stream.messages import RecordedEvent
from domain.stream.serialization import read_event
from domain.views.health import oldest_first
from domain.views.status import ObligationView, obligation_view


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


def _roles(agreement: Agreement, person_id: PersonId) -> frozenset[Role]:
    roles = agreement.roles_of(person_id)
    if not roles:
        raise Refused(RefusalCode.NOT_A_PARTY, f"{person_id} is no party to {agreement.agreement_id}.")
    return roles


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
