"""Why an agreement is stalled, or is not: who, since when, because of which event, and what comes next.

Everything is read from the folded agreement and the rows it was folded from, so that an explanation can be
checked line by line against the record. It never holds what people wrote.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from domain.agreement.state import Agreement
from domain.decisions.transitions import start_instant
from domain.kernel.classification import KNOWN_TO
from domain.kernel.vocabulary import Health, ObligationKind, Phase, StallReason
from domain.ledger.ladder import AT_RISK_FROM_LEVEL, what_follows
from domain.ledger.obligation import OF_WHO_IS_NOT_THERE, Obligation
from domain.privacy.disclosure import OPERATOR, Disclosure, Reader
from domain.stream.messages import RecordedEvent
from domain.views.basis import Grounds
from domain.views.explanation import Ahead, Cause, Climbed, Explanation, HeldUp, PolicyLine, Proposed
from domain.views.explanation_text import paragraph
from domain.views.health import (
    FINDS_SOMEBODY,
    Assessment,
    WaitingOn,
    assess,
    oldest_first,
)
from domain.views.history import History


def explain(
    agreement: Agreement, history: Sequence[RecordedEvent], at: datetime, reader: Reader = OPERATOR
) -> Explanation:
    """Why an agreement is stalled or is not, at an instant, as far as somebody may know.

    Args:
        agreement: As `history` folds.
        history: Its stream up to the instant, in order.
        at: The instant; later than the last event asks what holds if nothing else happens.
        reader: Who asks: what they may not know of does not explain anything to them.

    Raises:
        ValueError: If the history is empty.
        UnreadableEvent: If a newer release wrote one of its events.
    """
    past = History(history)
    told = _Told(past, history, Disclosure(reader, past.events))
    known = told.agreement(agreement)
    assessment = assess(known, at)
    subject = _subject(known, assessment, at)
    about = None if subject is None else told.held_up(_held_up(known, past, subject))
    held_from_outside = agreement.held_externally
    cause = told.cause(_cause(past, assessment, about, held_from_outside=held_from_outside))
    explanation = Explanation(
        agreement_id=agreement.agreement_id,
        kind=agreement.kind,
        phase=agreement.phase,
        outcome=agreement.outcome,
        as_of=at,
        health=assessment.health,
        stall=assessment.stall,
        about=about,
        cause=cause,
        silence=_silence(known, past) if _is_silent(assessment) and cause is not None else None,
        next=tuple(sorted(_ahead(known, assessment, subject, at), key=lambda each: each.at)),
        also_stalled=_also_stalled(known, assessment, at),
        paragraph="",
    )
    return explanation.model_copy(update={"paragraph": paragraph(explanation, known)})


class _Told:
    """What of an explanation somebody may know."""

    def __init__(self, past: History, rows: Sequence[RecordedEvent], disclosure: Disclosure) -> None:
        self._past = past
        self._rows = rows
        self._disclosure = disclosure
        self._untold = disclosure.commands_untold(rows, past.events)

    def agreement(self, agreement: Agreement) -> Agreement:
        return self._disclosure.agreement(agreement)

    def cause(self, cause: Cause | None) -> Cause | None:
        """The event; without who did it, or none at all, where the reader may not know."""
        if cause is None:
            return None
        event = self._past.events[cause.version - 1]
        if not self._disclosure.may_know_of(event):
            return None
        untold = self._rows[cause.version - 1].command_id in self._untold
        return _unnamed(cause) if untold or not self._disclosure.may_know_who(event) else cause

    def held_up(self, about: HeldUp) -> HeldUp:
        opened_by = self.cause(about.opened_by) or _unnamed(about.opened_by)
        return about.model_copy(update={"opened_by": opened_by, "moved_by": self.cause(about.moved_by)})


def _unnamed(cause: Cause) -> Cause:
    return cause.model_copy(update={"actor_id": None, "actor_role": None})


def _is_silent(assessment: Assessment) -> bool:
    return assessment.stall is not None and assessment.stall.reason is StallReason.SILENT


def _subject(agreement: Agreement, assessment: Assessment, at: datetime) -> Obligation | None:
    """The obligation that makes the agreement's health what it is."""
    owed = oldest_first(agreement)
    if assessment.stall is not None:
        key = assessment.stall.obligation_id
        return None if key is None else agreement.obligations[key]
    overdue = [held for held in owed if held.is_overdue(at)]
    match assessment.health:
        case Health.CLOSED | Health.PAUSED:
            return None
        case Health.EXTERNAL_HOLD:
            chosen = [held for held in owed if _holds(agreement, held)]
        case Health.END_DECISION_DUE:
            chosen = [held for held in overdue if held.kind is ObligationKind.END_DECISION]
        case Health.AT_RISK:
            chosen = [held for held in overdue if (held.level_at(at) or 0) >= AT_RISK_FROM_LEVEL]
        case Health.DUE_SOON:
            chosen = [held for held in owed if held.level_at(at) is not None]
        case _:
            chosen = owed
    return chosen[0] if chosen else None


def _holds(agreement: Agreement, held: Obligation) -> bool:
    """Whether the placement rests until this is done, or because of what this looks at again."""
    matter = agreement.matters.get(held.subject)
    return held.kind is ObligationKind.HOLD_REVIEW or (matter is not None and matter.holds)


def _held_up(agreement: Agreement, past: History, held: Obligation) -> HeldUp:
    opened_by, moved_by = past.origin(held.obligation_id)
    return HeldUp(
        obligation_id=held.obligation_id,
        kind=held.kind,
        subject=held.subject,
        waiting_on=WaitingOn(role=held.owner_role, person_id=held.owner_id),
        opened_by=opened_by,
        moved_by=moved_by,
        due_at=held.due_at,
        stalled_at=held.stalled_at,
        policy=_policy(agreement, past, held, moved_by or opened_by),
        levels=tuple(Climbed(level=level, event=cause) for level, cause in past.climbed(held.obligation_id)),
        stands_in_for=held.stands_in_for,
        proposed=_proposed(agreement, past, held),
    )


def _proposed(agreement: Agreement, past: History, held: Obligation) -> Proposed | None:
    """Who could take over what somebody owes who is not there, or whose place is to be filled."""
    absent = held.principal_id if held.reason in OF_WHO_IS_NOT_THERE else None
    if held.kind in FINDS_SOMEBODY:
        # A cover's subject ends with the first day of the leave.
        absent = held.subject.partition(":")[0]
    # Whoever takes over a role does not thereby hear the concerns that its holder heard.
    found = None if absent is None or held.kind in KNOWN_TO else past.proposed(absent)
    if absent is None or found is None or found[0] in agreement.departed:
        return None
    person_id, event = found
    return Proposed(person_id=person_id, in_place_of=absent, event=event)


def _policy(agreement: Agreement, past: History, held: Obligation, since: Cause) -> PolicyLine:
    before, after, event = past.around(since.version)
    grounds, recorded = Grounds(before, after, event), after.obligations[held.obligation_id]
    threshold = "first_meeting" if held.is_first_check_in else f"allowances.{held.kind}"
    line = PolicyLine(
        policy_set_id=after.policy.policy_set_id,
        version=after.policy.version,
        threshold=threshold,
        due=after.policy.allowance_of(held).due,
        stalled=after.policy.allowance_of(held).stalled,
    )
    if not grounds.are_known_of(recorded):
        return line
    owed, calendar = grounds.of(recorded), agreement.calendar_of(held.owner_id)
    anchor = owed.anchor or calendar.local_date(event.at)
    allowance = owed.allowance or after.policy.allowance_of(held)
    due_day, stalled_day = calendar.local_date(held.due_at), calendar.local_date(held.stalled_at)
    first = after.policy.first_meeting
    if held.is_first_check_in and due_day == calendar.working_day_from(after.starts_on, first.due):
        anchor, allowance = after.starts_on, first
    changes = {
        "due": allowance.due,
        "stalled": allowance.stalled,
        "counted_from": anchor,
        "at_the_latest": owed.stalls_by if owed.stalls_by == stalled_day else None,
        "not_before": due_day if due_day > calendar.working_day_from(anchor, allowance.due) else None,
    }
    return line.model_copy(update=changes)


def _cause(
    past: History, assessment: Assessment, about: HeldUp | None, *, held_from_outside: bool
) -> Cause | None:
    if about is not None:
        held = assessment.health is Health.EXTERNAL_HOLD
        return about.opened_by if held else about.moved_by or about.opened_by
    match assessment.health:
        case Health.PAUSED:
            return past.last_of("placement.paused")
        case Health.EXTERNAL_HOLD:
            return past.last_of("placement.held") if held_from_outside else None
        case Health.CLOSED:
            return past.latest()
        case Health.STALLED:
            return past.last_sign_of_life()
        case _:
            return None


def _silence(agreement: Agreement, past: History) -> PolicyLine | None:
    heard = past.last_sign_of_life()
    if heard is None or agreement.silent_at is None:
        return None
    calendar = agreement.calendar_of(agreement.mentee_id)
    since = calendar.local_date(heard.at)
    return PolicyLine(
        policy_set_id=agreement.policy.policy_set_id,
        version=agreement.policy.version,
        threshold="silence",
        due=None,
        stalled=calendar.working_days_between(since, calendar.local_date(agreement.silent_at)),
        counted_from=since,
    )


def _ahead(
    agreement: Agreement, assessment: Assessment, subject: Obligation | None, at: datetime
) -> Iterator[Ahead]:
    if agreement.paused_until is not None:
        yield Ahead(at=agreement.paused_until, what="the pause ends")
    elif not agreement.closed:
        resting = assessment.health is Health.EXTERNAL_HOLD
        coming = [*_transitions(agreement, resting=resting)]
        if subject is not None:
            coming += _instants(subject, resting=resting)
        yield from (each for each in coming if each.at > at)


def _transitions(agreement: Agreement, *, resting: bool) -> Iterator[Ahead]:
    if agreement.phase is Phase.AGREEMENT and agreement.concluded_at is None:
        yield Ahead(at=agreement.expires_at, what="it expires unsigned")
    if agreement.phase is Phase.AGREEMENT and agreement.concluded_at is not None:
        yield Ahead(at=start_instant(agreement), what="it starts")
    if agreement.phase is Phase.ACTIVE and agreement.silent_at is not None and not resting:
        yield Ahead(at=agreement.silent_at, what="it counts as silent unless somebody does something")


def _instants(subject: Obligation, *, resting: bool) -> Iterator[Ahead]:
    yield Ahead(at=subject.due_at, what=f"{subject.obligation_id} is due")
    if not resting:
        yield Ahead(at=subject.stalled_at, what=f"{subject.obligation_id} counts as stalled")
    for rung in subject.ladder:
        yield Ahead(at=rung.at, what=what_follows(rung.level, subject.owner_role))


def _also_stalled(agreement: Agreement, assessment: Assessment, at: datetime) -> tuple[str, ...]:
    if assessment.stall is None:
        return ()
    past = [held for held in agreement.obligations.values() if held.is_stalled(at)]
    longest_first = sorted(past, key=lambda held: (held.stalled_at, held.obligation_id))
    return tuple(
        held.obligation_id for held in longest_first if held.obligation_id != assessment.stall.obligation_id
    )
