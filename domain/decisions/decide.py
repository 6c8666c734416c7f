"""`decide`: the only place that turns commands into events, for people and for time alike."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from domain.agreement.commands import Command, ProposeAgreement
from domain.agreement.commands.course import ProposePivot
from domain.agreement.commands.feedback import RequestPeerFeedback
from domain.agreement.commands.forming import AmendTerms
from domain.agreement.commands.people import ReadCalendarAgain, ReassignRole
from domain.agreement.commands.time import LetTimePass
from domain.agreement.events import Event
from domain.agreement.events.forming import CalendarsSnapshotted
from domain.agreement.state import Agreement, Party
from domain.decisions.areas import forming
from domain.decisions.draft import Draft
from domain.decisions.registry import rule
from domain.decisions.time_passing import pass_time
from domain.decisions.transitions import advance
from domain.kernel.calendar import Calendar
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.model import PersonId
from domain.kernel.vocabulary import Phase, Role
from domain.kinds import kinds_taking

SYSTEM_ACTOR = "system"
"""The actor of what time does."""


def decide(
    agreement: Agreement | None,
    command: Command,
    at: datetime,
    calendars: Mapping[PersonId, Calendar] | None = None,
    *,
    is_operator: bool = False,
) -> list[Event]:
    """Turn a command into the events that it leads to. Pure: the same arguments give the same events.

    Roles in an agreement are read from the agreement. Who is an operator is not: whoever calls has to have
    established it. That a command asks to act as one (`acting_as`) is a wish and never the proof.

    Args:
        agreement: The state now; None for a proposal.
        command: What somebody wants, or `LetTimePass`.
        at: The instant of the decision, UTC.
        calendars: Snapshots of people whom the command brings in; `newcomers` names them. Required in full
            for a proposal.
        is_operator: Whether the actor was established to be an operator, by the directory.

    Returns:
        The events; none where time passed and nothing was due.

    Raises:
        Refused: With the rule and a sentence that says what to do. Nothing happened.
    """
    if isinstance(command, ProposeAgreement):
        if agreement is not None:
            raise Refused(RefusalCode.ALREADY_DONE, f"{agreement.agreement_id} was proposed already.")
        draft = Draft(None, at, Party(role=Role.SYSTEM, person_id=command.terms.approved_by))
        forming.propose(command, draft, calendars or {})
        return draft.events
    if agreement is None:
        raise Refused(
            RefusalCode.UNKNOWN_REFERENCE, "There is no such agreement yet; place the request first."
        )
    if isinstance(command, LetTimePass):
        draft = Draft(agreement, at, Party(role=Role.SYSTEM, person_id=SYSTEM_ACTOR))
        pass_time(draft)
        return draft.events
    draft = Draft(agreement, at, actor_of(agreement, command, is_operator=is_operator))
    if calendars:
        draft.add(CalendarsSnapshotted(at=at, calendars=calendars))
    rule(command, draft)
    advance(draft)
    return draft.events


def actor_of(agreement: Agreement, command: Command, *, is_operator: bool = False) -> Party:
    """Return the actor in the role in which they give the command now.

    Args:
        agreement: As it stands.
        command: What they want.
        is_operator: As for `decide`.

    Raises:
        Refused: If the agreement is closed, the command belongs to another kind or phase, or the actor holds
            none of the roles that may give it.
    """
    name = command.type
    if agreement.closed:
        raise Refused(
            RefusalCode.AGREEMENT_CLOSED,
            f"{agreement.agreement_id} is closed ({agreement.outcome}); {name} came too late.",
        )
    if agreement.phase not in command.phases and agreement.kind in kinds_taking(type(command)):
        phases = " or ".join(phase for phase in Phase if phase in command.phases)
        raise Refused(
            RefusalCode.WRONG_PHASE,
            f"{name} is possible in phase {phases}; this agreement is in {agreement.phase}.",
        )
    return capacity_of(agreement, command, is_operator=is_operator)


def acting_role(agreement: Agreement | None, command: Command, *, is_operator: bool = False) -> Role:
    """Return the role in which a command is recorded: the system's where it proposes or lets time pass.

    Raises:
        Refused: As `actor_of`.
    """
    if agreement is None or isinstance(command, LetTimePass):
        return Role.SYSTEM
    return actor_of(agreement, command, is_operator=is_operator).role


def capacity_of(agreement: Agreement, command: Command, *, is_operator: bool = False) -> Party:
    """Return the actor in the role in which they may give such a command at all, whatever the phase.

    Args:
        agreement: As it stands; it says who holds which role.
        command: What they want, and the role in which they ask to be taken.
        is_operator: As for `decide`.

    Raises:
        Refused: If it belongs to another kind, the actor holds none of the roles that may give it, or they
            ask to be taken as an operator and nobody has established that they are one.
    """
    name = command.type
    taking = kinds_taking(type(command))
    if agreement.kind not in taking:
        kinds = " and ".join(sorted(taking))
        raise Refused(RefusalCode.WRONG_KIND, f"{name} is for {kinds} only; this is a {agreement.kind}.")
    if command.acting_as is Role.OPERATOR and Role.OPERATOR in command.given_by:
        if not is_operator:
            raise Refused(
                RefusalCode.NOT_ALLOWED_FOR_ROLE,
                f"{command.actor_id} is no operator, as far as anybody has established.",
            )
        return Party(role=Role.OPERATOR, person_id=command.actor_id)
    held = [party for party in agreement.acting if party.person_id == command.actor_id]
    if not held:
        raise Refused(RefusalCode.NOT_A_PARTY, f"{command.actor_id} is no party to {agreement.agreement_id}.")
    able = [
        party for party in held if party.role in command.given_by and command.acting_as in {None, party.role}
    ]
    if not able:
        roles = ", ".join(role for role in Role if role in command.given_by)
        mine = ", ".join(sorted({party.role for party in held}))
        raise Refused(
            RefusalCode.NOT_ALLOWED_FOR_ROLE,
            f"{name} may be given by {roles}; {command.actor_id} is {mine} here.",
        )
    return able[0]


def newcomers(agreement: Agreement, command: Command) -> frozenset[PersonId]:
    """Return the people whose calendars a command needs: newcomers', and one to be read again."""
    if isinstance(command, ReadCalendarAgain):
        return frozenset({command.person_id}) & agreement.calendars.keys()
    return _brought_in_by(command) - agreement.calendars.keys()


def _brought_in_by(command: Command) -> frozenset[PersonId]:
    match command:
        case ReassignRole():
            return frozenset({command.to_person})
        case RequestPeerFeedback():
            return frozenset({command.peer_id})
        case AmendTerms() | ProposePivot():
            return frozenset(party.person_id for party in forming.parties_of(command.terms))
        case _:
            return frozenset()
