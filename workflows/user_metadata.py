"""How a placement reads in the Temporal UI: summaries of timers and activities, and its current details.

Structure only: ids, roles, dates. Nothing here is anybody's words.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from domain.agreement.state import Agreement
from domain.decisions.transitions import end_instant, start_instant
from domain.kernel.vocabulary import Phase
from domain.ledger.ladder import LADDER
from domain.ledger.notice import Notice
from domain.terms import Terms
from domain.views.status import StatusView, status_view

SUMMARY_BYTES = 200
"""Temporal cuts what is longer."""

CANCEL_HAS_NO_EFFECT = (
    "an agreement ends by a command of a named party with a reason: `withdraw_agreement`, `end_early` or "
    "`close_incomplete`"
)


def _cut(text: str) -> str:
    return text.encode()[:SUMMARY_BYTES].decode(errors="ignore")


def static_summary(terms: Terms) -> str:
    """Return one line that never changes, for the head of the workflow's page."""
    return _cut(
        f"{terms.kind}, {terms.effective_from} to {terms.planned_end}, cohort {terms.cohort or 'none'}"
    )


def static_details(terms: Terms) -> str:
    """Return what was requested, in Markdown."""
    rows = [
        ("Kind", terms.kind),
        ("Request", f"{terms.source_system} {terms.source_record_ref}"),
        ("First day", terms.effective_from),
        ("Last day", terms.planned_end),
        ("Objectives", len(terms.objectives)),
        ("Milestones", ", ".join(milestone.milestone_id for milestone in terms.milestones) or "none"),
        ("Check-ins", f"every {terms.cadence.check_in_days} days"),
        ("Programme", terms.programme or "none"),
        ("Cohort", terms.cohort or "none"),
        ("Policy set", f"{terms.policy_set.policy_set_id} version {terms.policy_set.version}"),
    ]
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def timer_summary(agreement: Agreement, instant: datetime) -> str:
    """Say what the agreement sleeps towards."""
    return _cut(f"{_what_comes(agreement, instant)} on {instant:%Y-%m-%d %H:%M} UTC")


def _what_comes(agreement: Agreement, instant: datetime) -> str:
    for obligation in sorted(agreement.obligations.values(), key=lambda held: held.obligation_id):
        owner = f"{obligation.obligation_id} ({obligation.owner_role})"
        for rung in obligation.ladder:
            if rung.at == instant:
                return f"{LADDER[rung.level].label}: {owner}"
        moments = (
            (obligation.due_at, "Due"),
            (obligation.stalled_at, "Stalled"),
            (obligation.acts_by_itself_at, "Counts as missed"),
        )
        for moment, what in moments:
            if moment == instant:
                return f"{what}: {owner}"
    return _what_comes_of_the_whole(agreement, instant)


def _what_comes_of_the_whole(agreement: Agreement, instant: datetime) -> str:
    if agreement.paused_until == instant:
        return "The pause ends"
    if agreement.silent_at == instant:
        return "Silent for too long"
    if agreement.phase is Phase.AGREEMENT:
        return "The placement starts" if start_instant(agreement) == instant else "Expires unsigned"
    if end_instant(agreement) == instant:
        return "The last day ends"
    return "A notice is due"


def append_summary(command_type: str, event_types: Sequence[str]) -> str:
    """Say what is being recorded."""
    first = ", ".join(event_types[:3])
    more = f" and {len(event_types) - 3} more" if len(event_types) > 3 else ""  # noqa: PLR2004  as above
    return _cut(f"{command_type}: {first}{more}")


def delivery_summary(notice: Notice) -> str:
    """Say what is being sent to whom."""
    subject = notice.obligation_id or notice.event_type
    return _cut(f"{notice.kind} to the {notice.recipient_role}: {subject}")


def deliveries_summary(notices: Sequence[Notice]) -> str:
    """Say what is being sent to whom, of several notices at once."""
    if len(notices) == 1:
        return delivery_summary(notices[0])
    subjects = dict.fromkeys(notice.obligation_id or notice.event_type for notice in notices)
    roles = dict.fromkeys(str(notice.recipient_role) for notice in notices)
    return _cut(f"{len(notices)} notices to the {', '.join(roles)}: {', '.join(subjects)}")


def current_details(agreement: Agreement, at: datetime, *, cancel_noted: bool = False) -> str:
    """Return the agreement at a glance, in Markdown: the five stages, health, and who owes what by when.

    Args:
        agreement: The present state.
        at: The instant, UTC.
        cancel_noted: Whether somebody asked Temporal to cancel the workflow.
    """
    view = status_view(agreement, at)
    lines = [
        f"**{view.stage_line}**",
        "",
        f"Phase **{view.phase}**, health **{view.health}**.",
        *_health_lines(view),
    ]
    if cancel_noted:
        lines += ["", f"Somebody asked to cancel this workflow, without effect: {CANCEL_HAS_NO_EFFECT}."]
    if view.obligations:
        lines += ["", "| Owes | What | Due (UTC) | Level |", "|---|---|---|---|"]
        lines += [
            (
                f"| {owed.owner_role} `{owed.owner_id}` | `{owed.id}` | {owed.due_at:%Y-%m-%d %H:%M}"
                f"{' **overdue**' if owed.overdue else ''} | {'' if owed.level is None else owed.level} |"
            )
            for owed in view.obligations
        ]
    return "\n".join(lines)


def _health_lines(view: StatusView) -> list[str]:
    lines: list[str] = []
    if view.stall is not None:
        stall = view.stall
        lines += [
            "",
            (
                f"Stalled since {stall.since:%Y-%m-%d}: **{stall.reason}**, waiting on the "
                f"{stall.waiting_on.role} `{stall.waiting_on.person_id}`. {stall.next}"
            ),
        ]
    if view.paused_until is not None:
        lines += ["", f"Paused until {view.paused_until:%Y-%m-%d}."]
    if view.outcome is not None:
        lines += ["", f"Closed: **{view.outcome}**."]
    return lines
