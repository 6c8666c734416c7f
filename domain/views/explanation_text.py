"""An explanation as one paragraph."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from domain.agreement.state import Agreement
from domain.kernel.vocabulary import Health, ObligationKind, Role
from domain.views.explanation import Cause, Explanation, HeldUp, PolicyLine
from domain.views.health import WaitingOn

NAMED_AT_MOST = 5
"""How many further obligations a paragraph names."""

IN_CONFIDENCE = frozenset({"concern.raised", "breach.reported"})
"""Events whose author a sentence that is passed on must not name."""

_STANDING = {
    Health.TOO_EARLY: "is not stalled; it is too early to judge",
    Health.ON_TRACK: "is on track",
    Health.DUE_SOON: "is not stalled; something is due soon",
    Health.OVERDUE: "is overdue and not stalled yet",
    Health.AT_RISK: "is at risk and not stalled yet",
    Health.END_DECISION_DUE: "is not stalled yet, but its end has to be decided",
}


def paragraph(explanation: Explanation, agreement: Agreement) -> str:
    """What an operator would say to whoever asks, with every date and event that it rests on.

    Args:
        explanation: Everything but the paragraph.
        agreement: What it explains.
    """
    match explanation.health:
        case Health.CLOSED:
            sentences = _closed(explanation)
        case Health.PAUSED:
            sentences = _paused(explanation, agreement)
        case Health.EXTERNAL_HOLD:
            sentences = _held(explanation)
        case Health.STALLED if explanation.about is None:
            sentences = _silent(explanation)
        case Health.STALLED:
            sentences = _stalled(explanation)
        case _:
            sentences = _not_stalled(explanation, agreement)
    return " ".join([*sentences])


def _stalled(explanation: Explanation) -> Iterator[str]:
    about, stall = explanation.about, explanation.stall
    if about is None or stall is None:
        return
    yield (
        f"{explanation.agreement_id} is stalled since {_at(stall.since)} ({_words(stall.reason)}): it waits "
        f"on {_who(about.waiting_on)} for {about.obligation_id}, due {_at(about.due_at)}."
    )
    yield from _because(about)
    yield from _climbed(explanation, about)
    yield stall.next
    yield from _others(explanation)


def _silent(explanation: Explanation) -> Iterator[str]:
    stall, cause, limit = explanation.stall, explanation.cause, explanation.silence
    if stall is None:
        return
    yield f"{explanation.agreement_id} is stalled since {_at(stall.since)} (silent): nobody does anything."
    if cause is not None:
        yield f"The last sign of life was {_event(cause)}."
    if limit is not None:
        yield f"{_policy_set(limit)} allows {_days(limit.stalled)} of silence here (`{limit.threshold}`)."
    yield f"It waits on {_who(stall.waiting_on)}. {stall.next}"


def _paused(explanation: Explanation, agreement: Agreement) -> Iterator[str]:
    cause, until = explanation.cause, agreement.paused_until
    if cause is not None:
        yield f"{explanation.agreement_id} is not stalled but paused by {_event(cause)}."
    if until is not None:
        dates = (
            "everything still ahead moves by the days it lasts"
            if agreement.pause_shifts_dates
            else "dates stay"
        )
        yield f"It goes on by itself on {_at(until)}; {dates}. Until then nobody is reminded."
    if cause is not None:
        yield _reason_in_the_record(explanation, cause)


def _held(explanation: Explanation) -> Iterator[str]:
    about, cause = explanation.about, explanation.cause
    because = "" if cause is None else f" because of {_event(cause)}"
    yield f"{explanation.agreement_id} is not stalled but on hold{because}."
    if about is None:
        yield "Until that is over nobody is reminded of anything."
    elif about.kind is ObligationKind.HOLD_REVIEW:
        yield (
            f"Whether it can go on, {_who(about.waiting_on)} has to look by {_at(about.due_at)} "
            f"({about.obligation_id}); until it does nobody is reminded of anything else."
        )
    else:
        yield (
            f"It goes on once {_who(about.waiting_on)} has settled {about.obligation_id}, due "
            f"{_at(about.due_at)}; until then nobody is reminded of anything else."
        )


def _closed(explanation: Explanation) -> Iterator[str]:
    if explanation.cause is None:
        return
    outcome = _words(explanation.outcome or "")
    yield f"{explanation.agreement_id} is not stalled but closed ({outcome}) by {_event(explanation.cause)}."
    yield "Nobody owes anything."


def _not_stalled(explanation: Explanation, agreement: Agreement) -> Iterator[str]:
    about = explanation.about
    yield f"{explanation.agreement_id} {_STANDING[explanation.health]}."
    if about is None:
        yield "Nobody owes anything now."
    else:
        held = agreement.obligations[about.obligation_id]
        since = "has been due since" if held.is_overdue(explanation.as_of) else "is due"
        yield f"{about.obligation_id} {since} {_at(about.due_at)} from {_who(about.waiting_on)}."
        yield from _because(about)
        yield from _climbed(explanation, about)
        if not held.is_stalled(explanation.as_of):
            yield f"It would count as stalled on {_at(about.stalled_at)}."
    if explanation.next:
        yield f"Next, on {_at(explanation.next[0].at)}: {explanation.next[0].what}."


def _because(about: HeldUp) -> Iterator[str]:
    yield f"It was opened by {_event(about.opened_by)}."
    if about.stands_in_for is not None:
        yield f"{about.waiting_on.person_id} stands in for {about.stands_in_for}, who is on leave."
    proposed = about.proposed
    if proposed is not None:
        yield (
            f"{proposed.person_id} could take over from {proposed.in_place_of}, as {_event(proposed.event)} "
            "proposed."
        )
    if about.moved_by is not None:
        yield f"Its dates are those that it was given by {_event(about.moved_by)}."
    line = about.policy
    yield (
        f"{_policy_set(line)} gives `{line.threshold}` {line.due} working days and calls it stalled after "
        f"{line.stalled}{_counted(line)}."
    )


def _counted(line: PolicyLine) -> str:
    counted = "" if line.counted_from is None else f", counted from {line.counted_from}"
    if line.not_before is not None:
        counted += f" but put off to {line.not_before}, so that its owner had a working day"
    if line.at_the_latest is not None:
        counted += f", at the latest on {line.at_the_latest} (`signature_before_start`)"
    return counted


def _climbed(explanation: Explanation, about: HeldUp) -> Iterator[str]:
    reached = [f"level {each.level} on {_at(each.event.at)}" for each in about.levels]
    if reached:
        yield f"Of the ladder it reached {_listed(reached)}."
    recorded = max((each.level for each in about.levels), default=-1)
    level = None if explanation.stall is None else explanation.stall.level
    if level is not None and level > recorded:
        yield f"Level {level} has come by {_at(explanation.as_of)} without an event about it."


def _others(explanation: Explanation) -> Iterator[str]:
    others = explanation.also_stalled
    if not others:
        return
    more = [f"{len(others) - NAMED_AT_MOST} more"] if len(others) > NAMED_AT_MOST else []
    yield f"Stalled as well: {_listed([*others[:NAMED_AT_MOST], *more])}."


def _reason_in_the_record(explanation: Explanation, cause: Cause) -> str:
    command = f"sojourn events {explanation.agreement_id} --after {cause.version - 1}"
    return f"The reason that was given is in the record, for those who may read it: `{command}`."


def _event(cause: Cause) -> str:
    role = cause.actor_role
    by = "" if role is None else f" by the {_words(role)} {cause.actor_id}"
    if role is Role.SYSTEM or cause.type in IN_CONFIDENCE:
        by = ""
    return f"{cause.type} on {_at(cause.at)}{by} (version {cause.version}, event {cause.event_id})"


def _policy_set(line: PolicyLine) -> str:
    return f"Policy set {line.policy_set_id} version {line.version}"


def _who(waiting_on: WaitingOn) -> str:
    return f"the {_words(waiting_on.role)} {waiting_on.person_id}"


def _at(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M}Z"


def _days(count: int) -> str:
    return "1 working day" if count == 1 else f"{count} working days"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _listed(things: list[str]) -> str:
    return things[0] if len(things) == 1 else f"{', '.join(things[:-1])} and {things[-1]}"
