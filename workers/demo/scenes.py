"""What happens in the example placements beside what is owed: help, doubts, a pause, a mentor gone silent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import JsonValue

from domain.agreement.commands import COMMANDS, Command
from domain.agreement.state import Agreement
from domain.kernel.vocabulary import Kind, ObligationKind, Phase, Role
from domain.kinds.rotation import legs_in_order

OPERATOR = "P-9001"
"""Works the operators' queue."""
SUCCESSOR = "P-1108"
"""Takes the mentor's role over."""
OPERATORS_QUEUE = 4
"""The rung of the ladder at which an agreement enters the operators' queue."""
OPERATORS_ACT = 5
"""The rung at which an operator of the example acts: sponsor and HR have been told as well."""

Line = tuple[str, str, dict[str, JsonValue]]
"""A command by name, who gives it, and its own fields."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Something that somebody does without being asked."""

    name: str
    when: Callable[[Agreement], datetime | None]
    """The instant; None while it is not foreseeable."""
    line: Callable[[Agreement], Line]
    is_refused: bool = False
    """Whether a rule forbids it: shown, and never recorded."""
    from_the_queue: bool = False
    """Whether an operator looks first at what is stalled."""

    def command(self, agreement: Agreement) -> Command:
        """What is asked of the agreement."""
        name, actor, fields = self.line(agreement)
        return COMMANDS[name].model_validate(
            {"command_id": f"demonstration/{self.name}", "actor_id": actor, **fields}
        )


@dataclass(frozen=True, slots=True)
class Silence:
    """Somebody stops reading their mail."""

    role: Role
    after: timedelta
    """So long after the start."""

    def begins(self, agreement: Agreement) -> datetime | None:
        """From when on; None before the placement has started."""
        return None if agreement.started_at is None else agreement.started_at + self.after


def silence_in(kind: Kind) -> Silence | None:
    """Who goes silent; None where everybody answers."""
    return Silence(Role.MENTOR, timedelta(days=52)) if kind is Kind.SECONDMENT else None


def _days_in(days: int, role: Role) -> Callable[[Agreement], datetime | None]:
    """So many days after the start, in the working hours of whoever holds the role."""

    def when(agreement: Agreement) -> datetime | None:
        if agreement.started_at is None or agreement.phase is not Phase.ACTIVE:
            return None
        calendar = agreement.calendar_of(agreement.holder(role).person_id)
        return calendar.next_working_moment(agreement.started_at + timedelta(days=days, hours=2))

    return when


def _by(
    role: Role, name: str, fields: Callable[[Agreement], Mapping[str, JsonValue]] | Mapping[str, JsonValue]
) -> Callable[[Agreement], Line]:
    """A command given by whoever holds the role."""

    def line(agreement: Agreement) -> Line:
        given = fields(agreement) if callable(fields) else fields
        return name, agreement.holder(role).person_id, dict(given)

    return line


def _after_a_missed_check_in(agreement: Agreement) -> datetime | None:
    series = agreement.meetings.get(ObligationKind.CHECK_IN)
    meeting = agreement.obligations.get(f"check_in:{series.scheduled}") if series else None
    if series is None or meeting is None or not series.missed_running:
        return None
    calendar = agreement.calendar_of(agreement.mentee_id)
    return calendar.next_working_moment(meeting.opened_at + timedelta(hours=20))


def _in_the_queue(agreement: Agreement) -> datetime | None:
    """Some hours after the mentor's obligation has climbed so far that an operator acts."""
    mentor = agreement.holder(Role.MENTOR).person_id
    reached = [
        rung.at
        for held in agreement.obligations.values()
        if held.owner_id == mentor and (held.reached or 0) >= OPERATORS_ACT
        for rung in held.ladder
        if rung.level == OPERATORS_ACT
    ]
    return min(reached) + timedelta(hours=3) if reached else None


def _before_the_second_check_in(agreement: Agreement) -> datetime | None:
    meeting = agreement.obligations.get("check_in:2")
    if meeting is None or meeting.starts_at is None or meeting.sequence:
        return None
    mentor = agreement.calendar_of(meeting.owner_id)
    return min(
        mentor.next_working_moment(meeting.opened_at + timedelta(days=2)),
        meeting.starts_at - timedelta(hours=2),
    )


def _a_day_later(agreement: Agreement) -> Mapping[str, JsonValue]:
    meeting = agreement.obligations["check_in:2"]
    calendar = agreement.calendar_of(meeting.owner_id)
    day = calendar.working_day_from(calendar.local_date(meeting.starts_at or meeting.due_at), 1)
    starts_at = calendar.opening_of(day) + timedelta(hours=2)
    return {
        "meeting": "check_in",
        "starts_at": starts_at.isoformat(),
        "reason": "The mentor is at the board meeting of the other site.",
    }


def _before_the_first_leg_ends(agreement: Agreement) -> datetime | None:
    if agreement.phase is not Phase.ACTIVE or len(agreement.legs_started) != 1:
        return None
    first, second = legs_in_order(agreement.terms)[:2]
    return agreement.calendar_of(second.manager).opening_of(first.ends_on - timedelta(days=4))


def _starts_the_second_leg(agreement: Agreement) -> Line:
    second = legs_in_order(agreement.terms)[1]
    return "start_leg", second.manager, {"leg_id": second.leg_id}


def _two_weeks(agreement: Agreement) -> Mapping[str, JsonValue]:
    today = agreement.starts_on + timedelta(days=120)
    return {
        "until": (today + timedelta(days=14)).isoformat(),
        "shifts_dates": True,
        "reason": "Flood repair at home needs every planner for two weeks.",
    }


def _reassigned(agreement: Agreement) -> Line:
    return (
        "reassign_role",
        OPERATOR,
        {
            "acting_as": "operator",
            "role": "mentor",
            "from_person": agreement.holder(Role.MENTOR).person_id,
            "to_person": SUCCESSOR,
            "reason": "Three calls and two mails without an answer; the deputy takes over.",
        },
    )


_SECONDMENT = (
    Scene(
        "blocker",
        _days_in(16, Role.MENTEE),
        _by(
            Role.MENTEE,
            "raise_blocker",
            {
                "matter_id": "crew-data",
                "category": "access",
                "what": "No reading rights on the crew rosters of the second depot.",
                "needed": "A word with the depot's works council.",
            },
        ),
    ),
    Scene(
        "win",
        _days_in(44, Role.MENTEE),
        _by(
            Role.MENTEE,
            "record_win_or_setback",
            {
                "is_win": True,
                "what": "The first depot planned a storm day from the forecast.",
                "lesson": "Sit with the dispatchers at five in the morning; slides come later.",
            },
        ),
    ),
    Scene(
        "concern",
        _after_a_missed_check_in,
        _by(
            Role.MENTEE,
            "raise_concern",
            lambda agreement: {
                "matter_id": "mentor-out-of-reach",
                "about": agreement.holder(Role.MENTOR).person_id,
                "what": "My mentor has not answered for three weeks and missed our check-in.",
            },
        ),
    ),
    Scene("reassignment", _in_the_queue, _reassigned, from_the_queue=True),
    Scene(
        "peer-feedback",
        _days_in(130, Role.MENTEE),
        _by(
            Role.MENTEE,
            "request_peer_feedback",
            {"peer_id": "P-2202", "question": "What did you see in the morning planning calls?"},
        ),
    ),
    Scene(
        "endorsement",
        _days_in(150, Role.OBSERVER),
        _by(
            Role.OBSERVER,
            "give_endorsement",
            lambda agreement: {
                "statement": "She brought three control rooms to one cut-off; I would have her lead more.",
                "skill_uri": agreement.terms.objectives[0].skill.uri,
                "consents_to_be_named": True,
            },
        ),
    ),
)

_SHADOWING = (
    Scene(
        "moved-check-in", _before_the_second_check_in, _by(Role.MENTOR, "reschedule_meeting", _a_day_later)
    ),
    Scene(
        "proposal",
        _days_in(15, Role.MENTEE),
        _by(
            Role.MENTEE,
            "make_proposal",
            {
                "matter_id": "lead-a-huddle",
                "what": "Let me lead the first half of Thursday's huddle.",
                "expected": "Ten beds with a named next step, and feedback on how I speak.",
            },
        ),
    ),
    Scene(
        "endorsement",
        _days_in(46, Role.SPONSOR),
        _by(
            Role.SPONSOR,
            "give_endorsement",
            lambda agreement: {
                "statement": "She ran our huddle, and nobody noticed that she was a guest.",
                "skill_uri": agreement.terms.objectives[0].skill.uri,
                "consents_to_be_named": True,
            },
        ),
    ),
)

_ROTATION = (
    Scene(
        "sponsor-contact",
        _days_in(25, Role.MENTEE),
        _by(
            Role.MENTEE,
            "log_sponsor_contact",
            lambda agreement: {
                "leg_id": legs_in_order(agreement.terms)[0].leg_id,
                "note": "Introduced to the safety board; invited to its next review.",
            },
        ),
    ),
    Scene("leg-too-early", _before_the_first_leg_ends, _starts_the_second_leg, is_refused=True),
    Scene(
        "setback",
        _days_in(70, Role.MENTEE),
        _by(
            Role.MENTEE,
            "record_win_or_setback",
            {
                "is_win": False,
                "what": "The playbook's first version went unread for a fortnight.",
                "lesson": "Write it beside the duty desk, not for it.",
            },
        ),
    ),
    Scene("pause", _days_in(120, Role.LINE_MANAGER), _by(Role.LINE_MANAGER, "pause_placement", _two_weeks)),
    Scene(
        "peer-feedback",
        _days_in(200, Role.MENTEE),
        _by(
            Role.MENTEE,
            "request_peer_feedback",
            {"peer_id": "P-4206", "question": "What did you see when she cut the scope?"},
        ),
    ),
)

_SCENES: Mapping[Kind, tuple[Scene, ...]] = {
    Kind.SECONDMENT: _SECONDMENT,
    Kind.SHADOWING: _SHADOWING,
    Kind.ROTATION: _ROTATION,
}


def scenes_in(kind: Kind) -> tuple[Scene, ...]:
    """What happens in a placement of this kind beside what is owed."""
    return _SCENES[kind]
