"""Why an agreement is stalled, or why not, in a few lines with the events behind it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from activities.record import Record
from domain.reading import read_event
from domain.recording import RecordedEvent
from domain.stalled import Stall, assess, next_step, oldest_first
from workers.command_line.output import instant, words
from workers.standing import Standing, standing

_LAST = 3


async def explain(record: Record, agreement_id: str, as_of: datetime | None = None) -> list[str]:
    """Why an agreement counts as it does.

    Args:
        record: Where its events are.
        agreement_id: Which.
        as_of: As for `standing`.

    Raises:
        UnreadableEvent: A newer release wrote it.
    """
    stands = await standing(record, agreement_id, as_of)
    if stands is None:
        return [f"{agreement_id} had no event by then."]
    return list(_lines(stands))


def _lines(stands: Standing) -> Iterator[str]:
    agreement, at = stands.agreement, stands.at
    assessment = assess(agreement, at)
    about = f"{agreement.agreement_id} ({agreement.kind}, {agreement.phase})"
    if assessment.stall is not None:
        yield f"{about} is stalled since {instant(assessment.stall.since)}: {words(assessment.stall.reason)}."
        yield from _stalled(assessment.stall, stands.events)
    else:
        yield f"{about} is {words(assessment.health)}, and not stalled."
        owed = next((each for each in oldest_first(agreement) if each.due_at <= at), None)
        if owed is not None:
            opened = _opened(owed.obligation_id, stands.events)
            yield f"The {words(owed.owner_role)} {owed.owner_id} owes {owed.obligation_id}{opened}."
            yield f"Due {instant(owed.due_at)}; stalled from {instant(owed.stalled_at)}."
            yield f"Next: {next_step(owed, at)}"
    yield "Last events:"
    for row in stands.events[-_LAST:]:
        yield f"  {row.version} {instant(row.occurred_at)} {row.type} by {row.actor_id}"


def _stalled(stall: Stall, events: list[RecordedEvent]) -> Iterator[str]:
    who = f"{words(stall.waiting_on.role)} {stall.waiting_on.person_id}"
    if stall.obligation_id is None:
        yield f"Nobody has acted within the limit for silence; the {who} answers for it."
    else:
        level = "" if stall.level is None else f", level {stall.level}"
        yield f"It waits on the {who} for {stall.obligation_id}{_opened(stall.obligation_id, events)}."
        yield f"Due {instant(stall.due_at)}{level}."
    yield f"Next: {stall.next}"


def _opened(obligation_id: str, events: list[RecordedEvent]) -> str:
    """Which event it goes back to."""
    for row in reversed(events):
        if any(each.obligation_id == obligation_id for each in read_event(row).ledger.opened):
            return f", opened by {row.type} (version {row.version}) at {instant(row.occurred_at)}"
    return ""
