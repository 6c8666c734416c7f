"""What a command's events become: the agreement after them, and the append that puts them in the record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from domain.agreement.commands import Command
from domain.agreement.events import Event
from domain.agreement.evolve import evolve
from domain.agreement.state import Agreement
from domain.decisions.decide import acting_role
from domain.handling.loaded import head_of
from domain.kernel.digests import digest_of_model
from domain.ledger.notice import Notice
from domain.notifications.derive import notices_of
from domain.stream.messages import Append, NewEvent
from domain.stream.serialization import to_new_event


class Step(NamedTuple):
    """One command's worth of change."""

    after: Agreement
    append: Append
    """Events, their read models and notices: what has to be written for it to be so."""


def step(
    before: Agreement | None,
    command: Command,
    events: Sequence[Event],
    event_ids: Sequence[str],
    at: datetime,
    *,
    is_operator: bool = False,
) -> Step:
    """Fold what was decided, and return it with what is to be written.

    Args:
        before: The agreement as it was; None for a proposal.
        command: What was decided upon.
        events: What it leads to; at least one.
        event_ids: A UUID for each of them, the same on every retry.
        at: The instant of the decision, UTC.
        is_operator: As for `domain.decisions.decide.decide`.

    Raises:
        ValueError: There are no events, or not as many ids.
        Refused: As `domain.decisions.decide.acting_role`.
    """
    after = before
    recorded: list[NewEvent] = []
    notices: list[Notice] = []
    for event, event_id in zip(events, event_ids, strict=True):
        folded = evolve(after, event)
        notices.extend(notices_of(after, folded, event, event_id))
        recorded.append(to_new_event(event, event_id))
        after = folded
    if after is None or not recorded:
        raise ValueError(f"{command.type} leads to no event: there is nothing to write")
    append = Append(
        agreement_id=after.agreement_id,
        expected_version=0 if before is None else before.version,
        command_id=command.command_id,
        command_type=command.type,
        command_digest=digest_of_model(command),
        actor_id=command.actor_id,
        actor_role=acting_role(before, command, is_operator=is_operator),
        occurred_at=at,
        events=tuple(recorded),
        head=head_of(after, at),
        notices=tuple(notices),
    )
    return Step(after, append)
