"""Whose data each piece of writing is: the person whose key seals it, and whose erasure takes it away.

The rule behind the table: words are those of the person they are about. Where they are about nobody in
particular, such as somebody's reflection or the reason for their own decision, they are their author's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from pydantic import JsonValue

from domain.agreement.state import Party
from domain.kernel.model import PersonId
from domain.kernel.vocabulary import Role
from domain.stream.messages import PartyRow


class Subject(StrEnum):
    """By which rule the person is found."""

    AUTHOR = "author"
    MENTEE = "mentee"
    MENTOR = "mentor"
    RECEIVER = "receiver"
    """Of feedback."""
    CONCERNED = "concerned"
    """Whom a concern or a breach is about; its author where it names nobody."""
    NAMED = "named"
    """The person of whom the event tells that they left, were away or gave up a role."""
    OF_THE_TERMS = "of_the_terms"
    """Each part of the terms has a subject of its own, and so has what is known by it."""
    ALL_OF_THE_TERMS = "all_of_the_terms"
    """Everybody of whom the terms have a part, each by themselves: what is known by the terms as a whole."""


_AUTHOR, _MENTEE, _MENTOR = Subject.AUTHOR, Subject.MENTEE, Subject.MENTOR
_RECEIVER, _CONCERNED, _NAMED = Subject.RECEIVER, Subject.CONCERNED, Subject.NAMED
_TERMS, _ALL_TERMS = Subject.OF_THE_TERMS, Subject.ALL_OF_THE_TERMS

SUBJECTS: Mapping[str, Mapping[str, Subject]] = {
    "agreement.proposed": {"request_digest": _ALL_TERMS, "terms": _TERMS, "digests": _TERMS},
    "agreement.declined": {"reason": _AUTHOR},
    "changes.requested": {"what": _AUTHOR},
    "terms.amended": {"terms": _TERMS, "digests": _TERMS, "reason": _AUTHOR},
    "agreement.withdrawn": {"reason": _MENTEE},
    "check_in.held": {
        "progress": _MENTEE,
        "blockers": _MENTEE,
        "answers": _MENTEE,
        "next_steps": _MENTEE,
        "skills": _MENTEE,
    },
    "reflective_session.held": {
        "answers": _MENTEE,
        "assumptions_questioned": _MENTEE,
        "next_steps": _MENTEE,
    },
    "meeting.excused": {"reason": _AUTHOR},
    "meeting.rescheduled": {"reason": _AUTHOR},
    "offline_meeting.recorded": {"note": _AUTHOR},
    "milestone.completed": {"evidence": _MENTEE, "indicator_result": _MENTEE},
    "milestone.verified": {"comment": _MENTEE},
    "milestone.returned": {"missing": _MENTEE},
    "milestone.replanned": {"reason": _MENTEE},
    "feedback.given": {"behaviour": _RECEIVER, "effect": _RECEIVER, "next_step": _RECEIVER},
    "peer_feedback.requested": {"question": _MENTEE},
    "plan.reviewed": {"outcome": _MENTEE},
    "self_assessment.recorded": {"ratings": _MENTEE},
    "win_or_setback.recorded": {"what": _AUTHOR, "lesson": _AUTHOR},
    "endorsement.given": {"statement": _MENTEE},
    "endorsement.revoked": {"reason": _AUTHOR},
    "note.kept": {"note": _AUTHOR},
    "blocker.raised": {"what": _AUTHOR, "needed": _AUTHOR},
    "concern.raised": {"what": _CONCERNED},
    "proposal.made": {"what": _AUTHOR, "expected": _AUTHOR},
    "breach.reported": {"what": _CONCERNED},
    "matter.settled": {"resolution": _AUTHOR},
    "observation.logged": {"notes": _AUTHOR, "questions": _AUTHOR, "answers": _AUTHOR},
    "practice.logged": {"did": _MENTEE, "supported_by": _MENTEE, "notes": _MENTEE},
    "session.debriefed": {
        "behaviour": _MENTEE,
        "effect_on_indicator": _MENTEE,
        "answered": _MENTEE,
        "try_next": _MENTEE,
    },
    "experiment.recorded": {"hypothesis": _MENTEE, "tried_at": _MENTEE, "result": _MENTEE},
    "deliverable.accepted": {"evidence": _MENTEE},
    "leg.debriefed": {"reflection": _AUTHOR, "transfer": _AUTHOR},
    "handover.completed": {"handed_over": _MENTEE, "open_ends": _MENTEE, "home_cover": _MENTEE},
    "sponsor_contact.logged": {"note": _AUTHOR},
    "pivot.proposed": {"reason": _MENTEE, "terms": _TERMS, "digests": _TERMS},
    "pivot.refused": {"reason": _AUTHOR},
    "placement.paused": {"reason": _MENTEE},
    "end_date.moved": {"reason": _MENTEE},
    "role.reassigned": {"reason": _NAMED},
    "obligation.waived": {"reason": _MENTEE},
    "notices.resent": {"reason": _AUTHOR},
    "obligation.acknowledged": {"plan": _AUTHOR},
    "obligation.snoozed": {"reason": _AUTHOR},
    "placement.held": {"waits_for": _MENTEE},
    "placement.released": {"reason": _MENTEE},
    "policy.adopted": {"reason": _AUTHOR},
    "entry.corrected": {"explanation": _MENTEE},
    "party.left": {"reason": _NAMED},
    "calendar.read_again": {"reason": _NAMED},
    "end.decided": {"reason": _MENTEE},
    "return.planned": {"target_post": _MENTEE, "first_weeks": _MENTEE, "use_of_learning": _MENTEE},
    "end.brought_forward": {"reason": _MENTEE},
    "debrief.submitted": {"reflection": _AUTHOR, "evidence": _AUTHOR},
    "synthesis.submitted": {"synthesis": _MENTEE},
    "synthesis.returned": {"what": _AUTHOR},
    "break_glass.requested": {"reason": _AUTHOR},
    "agreement.closed_incomplete": {"reason": _MENTEE},
}
"""By wire type and field, for every field that holds words."""

OF_THE_TERMS: Mapping[str, Subject] = {
    "retroactive_reason": _MENTEE,
    "objectives": _MENTEE,
    "success_criteria": _MENTEE,
    "boundaries": _MENTEE,
    "mentor_commitment": _MENTOR,
    "milestones": _MENTEE,
    "pivot_terms": _MENTEE,
    "compliance": _MENTEE,
    "rationale": _MENTEE,
    "backfill_plan": _MENTEE,
    "appraisal_transfer": _MENTEE,
    "clearances": _MENTEE,
    "return_plan": _MENTEE,
    "sessions": _MENTEE,
    "home_test_site": _MENTEE,
    "indicators": _MENTEE,
    "access_prerequisites": _MENTEE,
    "legs": _MENTEE,
    "swap_rules": _MENTEE,
}
"""By field of the terms of any kind, for every field that holds words."""

_WHERE_NAMED: Mapping[Subject, tuple[str, ...]] = {
    Subject.RECEIVER: ("receiver_id",),
    Subject.CONCERNED: ("about",),
    Subject.NAMED: ("person_id", "from_person"),
}


def holders_of(parties: Iterable[Party | PartyRow]) -> dict[Role, PersonId]:
    """Who holds each role for the whole agreement."""
    return {party.role: party.person_id for party in parties if not party.scope}


def subjects_of(
    event_type: str,
    place: str,
    data: Mapping[str, JsonValue],
    *,
    author: PersonId,
    holders: Mapping[Role, PersonId],
) -> tuple[PersonId, ...]:
    """Everybody whose words stand at a place of an event's data, or are known by what stands there.

    More than one only where what stands there cannot be divided. Its words go with the first key that goes.

    Raises:
        LookupError: As `subject_of`.
    """
    subject = subject_of(event_type, place, data, author=author, holders=holders)
    if _rule(event_type, place) is not Subject.ALL_OF_THE_TERMS:
        return (subject,)
    return tuple(dict.fromkeys((subject, holders.get(Role.MENTOR, subject))))


def subject_of(
    event_type: str,
    place: str,
    data: Mapping[str, JsonValue],
    *,
    author: PersonId,
    holders: Mapping[Role, PersonId],
) -> PersonId:
    """Whose words stand at a place of an event's data; the mentee where they are several people's.

    Args:
        event_type: The wire type.
        place: Such as `/terms/objectives/0/statement`.
        data: The event's.
        author: Who acted.
        holders: As `holders_of`.

    Raises:
        LookupError: The table says nothing of this field; nothing may be written before it does.
    """
    rule = _rule(event_type, place)
    mentee = holders.get(Role.MENTEE, author)
    if rule in (Subject.MENTEE, Subject.ALL_OF_THE_TERMS):
        return mentee
    if rule is Subject.MENTOR:
        return holders.get(Role.MENTOR, mentee)
    for name in _WHERE_NAMED.get(rule, ()):
        named = data.get(name)
        if isinstance(named, str):
            return named
    # What nobody in particular wrote is about whom the agreement is for.
    return mentee if author == Role.SYSTEM else author


def _rule(event_type: str, place: str) -> Subject:
    _, field, *inner = place.split("/", 3)
    rule = SUBJECTS.get(event_type, {}).get(field)
    if rule is Subject.OF_THE_TERMS:
        # Digests are taken of parts without words too: those may as well be the mentee's.
        rule = OF_THE_TERMS.get(inner[0], _MENTEE if field == "digests" else None) if inner else None
    if rule is None:
        raise LookupError(
            f"{event_type}{place}: domain/privacy/data_subjects.py does not say whose words these are"
        )
    return rule
