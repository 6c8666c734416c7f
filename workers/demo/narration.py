"""What happens in a placement, in words for those who look on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import JsonValue

from domain.kernel.person import Person
from domain.kernel.vocabulary import Role
from domain.stream.messages import RecordedEvent

_TOLD: Mapping[str, str] = {
    "agreement.proposed": "HR has approved; everybody is asked to sign",
    "agreement.signed": "signs",
    "agreement.concluded": "everybody has signed",
    "annex.signed": "signs the annex of {leg_id}",
    "placement.started": "the placement starts",
    "check_in.held": "check-in {number} held",
    "reflective_session.held": "reflective session {number} held",
    "meeting.rescheduled": "moves {meeting} {number} to {starts_at:.10}",
    "meeting.missed": "{meeting} {number} was missed",
    "milestone.completed": "completes {milestone_id}",
    "milestone.verified": "verifies {milestone_id}",
    "feedback.given": "gives feedback",
    "peer_feedback.requested": "asks a colleague for feedback",
    "self_assessment.recorded": "rates themselves",
    "win_or_setback.recorded": "keeps a lesson for the debrief",
    "endorsement.given": "vouches for the mentee",
    "blocker.raised": "raises a blocker: {matter_id}",
    "concern.raised": "raises a concern: {matter_id}",
    "proposal.made": "proposes: {matter_id}",
    "matter.settled": "settles {matter_id}",
    "observation.logged": "observed {session_id}",
    "practice.logged": "practised {session_id}",
    "session.debriefed": "debriefs {session_id}",
    "experiment.recorded": "tries the method at home",
    "leg.started": "leg {leg_id} begins",
    "deliverable.accepted": "accepts {deliverable_id}",
    "leg.debriefed": "debriefs {leg_id}",
    "handover.completed": "hands {leg_id} over",
    "sponsor_contact.logged": "spoke with the sponsor",
    "placement.paused": "pauses until {resumes_at:.10}",
    "placement.resumed": "the pause is over; dates moved by {shifted_days} days",
    "role.reassigned": "reassigns the {role} to {to_person}",
    "end.decided": "decides the end: {decision}",
    "return.planned": "plans the return",
    "placement.ended": "the last day is over; debriefs are due",
    "debrief.submitted": "submits a debrief",
    "debrief.concluded": "both sides have looked back",
    "synthesis.submitted": "submits the synthesis",
    "synthesis.signed": "signs the synthesis",
    "agreement.completed": "completed",
}

_TURNING_POINTS = frozenset(
    {
        "agreement.proposed",
        "agreement.concluded",
        "placement.started",
        "meeting.rescheduled",
        "meeting.missed",
        "blocker.raised",
        "concern.raised",
        "proposal.made",
        "leg.started",
        "placement.paused",
        "placement.resumed",
        "role.reassigned",
        "endorsement.given",
        "end.decided",
        "placement.ended",
        "debrief.concluded",
        "agreement.completed",
    }
)
_FIRST_ALARM = 2

_RUNGS = (
    "heads-up",
    "reminder",
    "second reminder, counterpart told",
    "mentor and manager told",
    "in the operators' queue",
    "sponsor and HR told",
    "programme owner has to choose",
)
"""What each level of the ladder means, in few words."""

_NAMES_TO_READ = {
    "check_in": "check-in",
    "reflective_session": "reflective session",
    "next_role": "next role",
}
"""Names of the vocabulary that stand in a sentence."""

_OF_THE_WHOLE = frozenset(
    {"agreement.proposed", "agreement.concluded", "debrief.concluded", "agreement.completed"}
)
"""Events that somebody's command led to, and that are nobody's own."""


def is_shown(event: RecordedEvent) -> bool:
    """Whether those who look on are told at all."""
    return event.type != "calendars.snapshotted"


def is_turning_point(event: RecordedEvent) -> bool:
    """Whether it is worth a line where lines are few."""
    if event.type == "obligation.escalated":
        return int(str(event.data["level"])) >= _FIRST_ALARM
    return event.type in _TURNING_POINTS


def told(event: RecordedEvent, people: Mapping[str, Person]) -> str:
    """An event as one line: who, in which role, did what."""
    if event.type == "obligation.escalated":
        return escalation(event)
    values = {name: _plain(value) for name, value in event.data.items()}
    if "to_person" in values:
        values["to_person"] = name_of(values["to_person"], people)
    what = _TOLD.get(event.type, event.type.replace(".", " ").replace("_", " ")).format_map(values)
    if event.actor_role is Role.SYSTEM or event.type in _OF_THE_WHOLE:
        return what[:1].upper() + what[1:]
    return f"{name_of(event.actor_id, people)}, {role_words(event.actor_role)}: {what}"


def escalation(event: RecordedEvent) -> str:
    """A rung of the ladder, and what it means."""
    level = int(str(event.data["level"]))
    return f"{event.data['obligation_id']}: level {level}, {_RUNGS[level]}"


def name_of(person_id: str, people: Mapping[str, Person]) -> str:
    """A person by name; by id where the directory does not know them."""
    return people[person_id].name if person_id in people else person_id


def role_words(role: Role) -> str:
    """A role as people say it."""
    return role.replace("_", " ")


def day(instant: datetime) -> str:
    """A day for people."""
    return f"{instant:%Y-%m-%d}"


def _plain(value: JsonValue) -> str:
    return _NAMES_TO_READ.get(str(value), str(value))
