"""What can still be decided about a closed agreement: who opens what is private in it.

Its stream has ended, so what is decided stands in the log of people's rights, as the same events.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TypeAlias

from domain.agreement.commands.break_glass import ApproveBreakGlass, RequestBreakGlass
from domain.agreement.events import Event
from domain.agreement.evolvers import changes
from domain.agreement.state import Agreement
from domain.decisions.decide import capacity_of
from domain.decisions.draft import Draft
from domain.decisions.registry import rule

AfterClose: TypeAlias = RequestBreakGlass | ApproveBreakGlass
"""Commands that a closed agreement still takes."""


def decide_after_close(
    agreement: Agreement, command: AfterClose, at: datetime, *, is_operator: bool = False
) -> Event:
    """Turn a command about a closed agreement into the event that it leads to.

    Args:
        agreement: Closed, with what was opened since; see `with_openings`.
        command: What somebody wants.
        at: The instant of the decision, UTC.
        is_operator: As for `domain.decisions.decide.decide`.

    Raises:
        Refused: With the rule and a sentence that says what to do.
    """
    draft = Draft(agreement, at, capacity_of(agreement, command, is_operator=is_operator))
    rule(command, draft)
    [event] = draft.events
    return event


def with_openings(agreement: Agreement, openings: Iterable[Event]) -> Agreement:
    """Return a closed agreement with what was asked and opened since, in order."""
    for event in openings:
        agreement = agreement.model_copy(update=changes(event, agreement))
    return agreement
