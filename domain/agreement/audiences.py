"""Who may read what people write: one audience per field of every event.

Private by default: a field that is not listed is for its author alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum

from pydantic import BaseModel

from domain.kernel.vocabulary import ObligationKind, Role


class Audience(StrEnum):
    """For whose eyes something is, beside its author's."""

    AUTHOR = "author"
    """Nobody else's."""
    PAIR = "pair"
    """Mentee and mentor."""
    PAIR_AND_HOST_EXPERTS = "pair_and_host_experts"
    ADDRESSEE = "addressee"
    """Whom it is for: the receiver of feedback, whoever handles a concern or raised it, the peer asked."""
    CLOSE_TO_THE_WORK = "close_to_the_work"
    """Mentee, mentor, and the managers and experts at home and at the host."""
    IN_CONFIDENCE = "in_confidence"
    """Mentee, mentor, home manager and HR: reasons that may touch somebody's life."""
    EVERY_SIDE = "every_side"
    """Every party but observers and peers."""

    def is_open_to(self, roles: Collection[Role]) -> bool:
        """Whether holding one of these roles is enough. Authors and addressees need no role."""
        return not ROLES[self].isdisjoint(roles)


ROLES: Mapping[Audience, frozenset[Role]] = {
    Audience.AUTHOR: frozenset(),
    Audience.PAIR: frozenset({Role.MENTEE, Role.MENTOR}),
    Audience.PAIR_AND_HOST_EXPERTS: frozenset({Role.MENTEE, Role.MENTOR, Role.HOST_EXPERT}),
    Audience.ADDRESSEE: frozenset(),
    Audience.CLOSE_TO_THE_WORK: frozenset(
        {Role.MENTEE, Role.MENTOR, Role.LINE_MANAGER, Role.HOST_MANAGER, Role.HOST_EXPERT, Role.LEG_MANAGER}
    ),
    Audience.IN_CONFIDENCE: frozenset(
        {Role.MENTEE, Role.MENTOR, Role.LINE_MANAGER, Role.HRBP, Role.PROGRAMME_OWNER}
    ),
    Audience.EVERY_SIDE: frozenset(Role) - {Role.OBSERVER, Role.PEER, Role.OPERATOR, Role.SYSTEM},
}
"""The roles that each audience is made of."""

_AUTHOR, _PAIR, _EXPERTS = (Audience.AUTHOR, Audience.PAIR, Audience.PAIR_AND_HOST_EXPERTS)
_ADDRESSEE, _WORK = Audience.ADDRESSEE, Audience.CLOSE_TO_THE_WORK
_CONFIDENCE, _EVERY_SIDE = Audience.IN_CONFIDENCE, Audience.EVERY_SIDE

AUDIENCES: Mapping[str, Mapping[str, Audience]] = {
    "agreement.proposed": {"request_digest": _AUTHOR, "terms": _EVERY_SIDE, "digests": _AUTHOR},
    "agreement.declined": {"reason": _EVERY_SIDE},
    "changes.requested": {"what": _EVERY_SIDE},
    "terms.amended": {"terms": _EVERY_SIDE, "digests": _AUTHOR, "reason": _EVERY_SIDE},
    "agreement.withdrawn": {"reason": _EVERY_SIDE},
    "check_in.held": {
        "progress": _WORK,
        "blockers": _WORK,
        "answers": _PAIR,
        "next_steps": _WORK,
        "skills": _WORK,
    },
    "reflective_session.held": {"answers": _PAIR, "assumptions_questioned": _PAIR, "next_steps": _PAIR},
    "meeting.excused": {"reason": _PAIR},
    "meeting.rescheduled": {"reason": _PAIR},
    "offline_meeting.recorded": {"note": _PAIR},
    "milestone.completed": {"evidence": _EVERY_SIDE, "indicator_result": _EVERY_SIDE},
    "milestone.verified": {"comment": _EVERY_SIDE},
    "milestone.returned": {"missing": _EVERY_SIDE},
    "milestone.replanned": {"reason": _EVERY_SIDE},
    "feedback.given": {"behaviour": _ADDRESSEE, "effect": _ADDRESSEE, "next_step": _ADDRESSEE},
    "peer_feedback.requested": {"question": _ADDRESSEE},
    "self_assessment.recorded": {"ratings": _PAIR},
    "plan.reviewed": {"outcome": _CONFIDENCE},
    "win_or_setback.recorded": {"what": _PAIR, "lesson": _PAIR},
    "endorsement.given": {"statement": _EVERY_SIDE},
    "endorsement.revoked": {"reason": _AUTHOR},
    "note.kept": {"note": _AUTHOR},
    "blocker.raised": {"what": _WORK, "needed": _WORK},
    "concern.raised": {"what": _ADDRESSEE},
    "proposal.made": {"what": _ADDRESSEE, "expected": _ADDRESSEE},
    "breach.reported": {"what": _ADDRESSEE},
    "matter.settled": {"resolution": _ADDRESSEE},
    "observation.logged": {"notes": _EXPERTS, "questions": _EXPERTS, "answers": _EXPERTS},
    "practice.logged": {"did": _EXPERTS, "supported_by": _EXPERTS, "notes": _EXPERTS},
    "session.debriefed": {
        "behaviour": _EXPERTS,
        "effect_on_indicator": _EXPERTS,
        "answered": _EXPERTS,
        "try_next": _EXPERTS,
    },
    "experiment.recorded": {"hypothesis": _WORK, "tried_at": _WORK, "result": _WORK},
    "deliverable.accepted": {"evidence": _EVERY_SIDE},
    "leg.debriefed": {"reflection": _PAIR, "transfer": _PAIR},
    "handover.completed": {"handed_over": _EVERY_SIDE, "open_ends": _EVERY_SIDE, "home_cover": _EVERY_SIDE},
    "sponsor_contact.logged": {"note": _PAIR},
    "pivot.proposed": {"reason": _EVERY_SIDE, "terms": _EVERY_SIDE, "digests": _AUTHOR},
    "pivot.refused": {"reason": _EVERY_SIDE},
    "placement.paused": {"reason": _CONFIDENCE},
    "end_date.moved": {"reason": _EVERY_SIDE},
    "role.reassigned": {"reason": _CONFIDENCE},
    "obligation.waived": {"reason": _EVERY_SIDE},
    "notices.resent": {"reason": _EVERY_SIDE},
    "obligation.acknowledged": {"plan": _WORK},
    "obligation.snoozed": {"reason": _CONFIDENCE},
    "placement.held": {"waits_for": _EVERY_SIDE},
    "placement.released": {"reason": _EVERY_SIDE},
    "policy.adopted": {"reason": _EVERY_SIDE},
    "entry.corrected": {"explanation": _EVERY_SIDE},
    "party.left": {"reason": _CONFIDENCE},
    "calendar.read_again": {"reason": _CONFIDENCE},
    "end.decided": {"reason": _EVERY_SIDE},
    "return.planned": {
        "target_post": _CONFIDENCE,
        "first_weeks": _CONFIDENCE,
        "use_of_learning": _CONFIDENCE,
    },
    "end.brought_forward": {"reason": _CONFIDENCE},
    "debrief.submitted": {"reflection": _PAIR, "evidence": _PAIR},
    "synthesis.submitted": {"synthesis": _EVERY_SIDE},
    "synthesis.returned": {"what": _EVERY_SIDE},
    "break_glass.requested": {"reason": _CONFIDENCE},
    "agreement.closed_incomplete": {"reason": _CONFIDENCE},
}
"""By wire type and field, for every field that holds words."""

KNOWN_TO: Mapping[ObligationKind, frozenset[Role]] = {
    ObligationKind.CONCERN: frozenset({Role.HRBP, Role.PROGRAMME_OWNER, Role.OPERATOR}),
    ObligationKind.BREACH: frozenset({Role.HRBP, Role.PROGRAMME_OWNER, Role.OPERATOR}),
}
"""Who may know that such a matter is open, beside who raised it and whoever has to handle it: never whom it
is about, in whatever role. What is not listed every party may know of."""

_OF_THE_TERMS = {"terms/skills_baseline": _EVERY_SIDE, "terms/accommodations_flag": _CONFIDENCE}

TELLING: Mapping[str, Mapping[str, Audience]] = {
    "agreement.proposed": {**_OF_THE_TERMS, "calendars": _CONFIDENCE},
    "terms.amended": _OF_THE_TERMS,
    "pivot.proposed": _OF_THE_TERMS,
    "calendars.snapshotted": {"calendars": _CONFIDENCE},
    "check_in.held": {"confidence": _PAIR},
    "feedback.given": {"tone": _ADDRESSEE, "rating": _PAIR},
    "self_assessment.recorded": {"ratings": _PAIR},
    "win_or_setback.recorded": {"is_win": _PAIR},
    "blocker.raised": {"category": _WORK},
    "matter.settled": {"accepted": _ADDRESSEE},
    "experiment.recorded": {"keep": _WORK},
    "synthesis.submitted": {"synthesis": _EVERY_SIDE},
}
"""By wire type and place, for what is no word and tells of a person all the same: how sure they are, how they
are rated, that they need an accommodation, when they are away. Withheld as a whole where it is not for the
reader. Everything else that is no word is progress: what was done, when, by whom, and what follows."""

CHOSEN_BY_THE_AUTHOR: Mapping[str, str] = {"note.kept": "audience"}
"""Events whose author says who may read them, and the field in which they say it."""


def has_audience(event_type: str, place: str) -> bool:
    """Whether something in events of a type is not for everybody."""
    return place in AUDIENCES.get(event_type, {}) or place in TELLING.get(event_type, {})


def is_for_few(place: str) -> bool:
    """Whether a field, as in `feedback.given/behaviour`, is for its author and whom it is for alone."""
    event_type, _, field = place.partition("/")
    audience = AUDIENCES.get(event_type, {}).get(field) or TELLING.get(event_type, {}).get(field)
    return audience in {Audience.AUTHOR, Audience.ADDRESSEE}


def audience_of(event: BaseModel, place: str) -> Audience | None:
    """For whom a place of an event is; None where it is for everybody who sees the event."""
    event_type = str(getattr(event, "type", ""))
    audience = AUDIENCES.get(event_type, {}).get(place) or TELLING.get(event_type, {}).get(place)
    chosen = CHOSEN_BY_THE_AUTHOR.get(event_type)
    return audience if audience is None or chosen is None else Audience(getattr(event, chosen))
