"""Rules of opening what is private: two people, a reason, one agreement or one field, and an end."""

from __future__ import annotations

from datetime import timedelta

from domain.agreement.commands.break_glass import ApproveBreakGlass, RequestBreakGlass
from domain.agreement.events.break_glass import BreakGlassApproved, BreakGlassRequested
from domain.decisions.draft import Draft
from domain.decisions.registry import rule
from domain.kernel.errors import RefusalCode, Refused
from domain.privacy.audiences import has_audience

TIME_TO_APPROVE = timedelta(hours=24)
"""After this a request has lapsed: whoever approves late would approve something that has passed."""


@rule.register
def request(command: RequestBreakGlass, draft: Draft) -> None:
    """Note a request by name and for known words; nothing opens by asking."""
    if command.request_id in draft.agreement.break_glass:
        raise Refused(
            RefusalCode.ALREADY_DONE, f"request_id: {command.request_id} is known already; choose another id."
        )
    event_type, _, field = (command.only or "").partition("/")
    if command.only is not None and not has_audience(event_type, field):
        raise Refused(
            RefusalCode.UNKNOWN_REFERENCE,
            f"only: nobody writes {command.only}; name a field as in check_in.held/answers.",
        )
    draft.add(
        BreakGlassRequested(
            at=draft.at,
            request_id=command.request_id,
            reader_id=draft.actor.person_id,
            only=command.only,
            hours=command.hours,
            lapses_at=draft.at + TIME_TO_APPROVE,
            reason=command.reason,
        )
    )


@rule.register
def approve(command: ApproveBreakGlass, draft: Draft) -> None:
    """Open what was asked for: by somebody else than who asked, and in time."""
    asked = draft.agreement.break_glass.get(command.request_id)
    if asked is None:
        raise Refused(RefusalCode.NOT_OPEN, f"request_id: nobody has made a request {command.request_id}.")
    if asked.open_until is not None:
        raise Refused(RefusalCode.ALREADY_DONE, f"request_id: {command.request_id} is approved already.")
    if draft.at >= asked.lapses_at:
        raise Refused(
            RefusalCode.NOT_OPEN,
            f"request_id: {command.request_id} lapsed on {asked.lapses_at:%Y-%m-%d %H:%M} UTC; it can be "
            "asked for again.",
        )
    if draft.actor.person_id == asked.reader_id:
        raise Refused(
            RefusalCode.CONFLICT_OF_INTEREST,
            f"request_id: {asked.reader_id} asked for {command.request_id}; somebody else has to approve it.",
        )
    draft.add(
        BreakGlassApproved(
            at=draft.at,
            request_id=asked.request_id,
            reader_id=asked.reader_id,
            approved_by=draft.actor.person_id,
            only=asked.only,
            open_until=draft.at + timedelta(hours=asked.hours),
        )
    )
