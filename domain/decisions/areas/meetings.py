"""Rules of meetings: held, excused, moved, missed; and of reviews of the development plan."""

from __future__ import annotations

from domain.agreement.commands.meetings import (
    ExcuseMeeting,
    RecordCheckIn,
    RecordOfflineMeeting,
    RecordReflectiveSession,
    RescheduleMeeting,
    ReviewPlan,
)
from domain.agreement.events.meetings import (
    CheckInHeld,
    MeetingExcused,
    MeetingMissed,
    MeetingRescheduled,
    OfflineMeetingRecorded,
    PlanReviewed,
    ReflectiveSessionHeld,
)
from domain.agreement.prompt_bank import PROMPT_BANK, unknown_prompts
from domain.agreement.state import Party
from domain.decisions.areas.feedback import ON_THE_MENTORING
from domain.decisions.draft import Draft
from domain.decisions.planning import follow_plan, meeting_day, next_meeting, open_meeting
from domain.decisions.registry import rule
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.vocabulary import ObligationKind, ObligationStatus, Role
from domain.kinds import KINDS
from domain.ledger.obligation import LedgerChange, Obligation, Settlement
from domain.scheduling.obligations import NewObligation, open_obligation


def _scheduled(draft: Draft, kind: ObligationKind) -> Obligation:
    meeting = open_meeting(draft.agreement, kind)
    if meeting is None:
        raise Refused(
            RefusalCode.NOT_OPEN,
            f"No {kind.replace('_', ' ')} is scheduled; the last one fell before the end.",
        )
    return meeting


def _followed_by(
    draft: Draft, meeting: Obligation, status: ObligationStatus, missed_running: int
) -> LedgerChange:
    """Settle a meeting and schedule the next one of its cadence."""
    agreement = draft.agreement
    series = agreement.meetings[meeting.kind].model_copy(update={"missed_running": missed_running})
    after = agreement.model_copy(update={"meetings": {**agreement.meetings, meeting.kind: series}})
    following = next_meeting(after, meeting.kind, meeting_day(agreement, meeting), draft.at)
    settled = Settlement.model_validate({"obligation_id": meeting.obligation_id, "status": status})
    return LedgerChange(settled=(settled,), opened=() if following is None else (following,))


@rule.register
def record_check_in(command: RecordCheckIn, draft: Draft) -> None:
    """Record a check-in: its progress names agreed objectives, and it shows what skills its kind asks for."""
    agreement = draft.agreement
    meeting = _scheduled(draft, ObligationKind.CHECK_IN)
    known = {objective.objective_id for objective in agreement.terms.objectives}
    unknown = sorted({entry.objective_id for entry in command.progress} - known)
    if unknown:
        raise Refused(
            RefusalCode.UNKNOWN_REFERENCE,
            f"progress: no objective {', '.join(unknown)}; the agreement has {', '.join(sorted(known))}.",
        )
    _check_prompts(tuple(answer.prompt_id for answer in command.answers))
    if KINDS[agreement.kind].check_ins_name_skills and not command.skills:
        raise Refused(
            RefusalCode.INCOMPLETE,
            f"skills: a {agreement.kind}'s check-in names at least one transferable skill seen.",
        )
    change = _followed_by(draft, meeting, ObligationStatus.FULFILLED, 0)
    corrects = not draft.open(ObligationKind.COURSE_CORRECTION, "placement")
    if command.calls_for is not None and corrects:
        owed = NewObligation(
            kind=ObligationKind.COURSE_CORRECTION,
            subject="placement",
            owner=agreement.holder(Role.PROGRAMME_OWNER),
        )
        change = change.extended(opened=[open_obligation(agreement, owed, draft.at)])
    draft.add(
        CheckInHeld(
            at=draft.at,
            number=int(meeting.subject),
            progress=command.progress,
            blockers=command.blockers,
            confidence=command.confidence,
            answers=command.answers,
            next_steps=command.next_steps,
            skills=command.skills,
            calls_for=command.calls_for,
            prompt_bank=PROMPT_BANK.version if command.answers else None,
            ledger=change,
        )
    )


@rule.register
def record_reflective_session(command: RecordReflectiveSession, draft: Draft) -> None:
    """Record a session; feedback on the mentoring and a self-assessment are owed next."""
    agreement = draft.agreement
    meeting = _scheduled(draft, ObligationKind.REFLECTIVE_SESSION)
    _check_prompts(tuple(answer.prompt_id for answer in command.answers))
    change = _followed_by(draft, meeting, ObligationStatus.FULFILLED, 0)
    mentee = agreement.holder(Role.MENTEE)
    follow_up = (
        NewObligation(kind=ObligationKind.FEEDBACK, subject=ON_THE_MENTORING, owner=mentee),
        NewObligation(kind=ObligationKind.SELF_ASSESSMENT, subject="criteria", owner=mentee),
    )
    owed = tuple(
        open_obligation(agreement, each, draft.at)
        for each in follow_up
        if each.obligation_id not in agreement.obligations
    )
    draft.add(
        ReflectiveSessionHeld(
            at=draft.at,
            number=int(meeting.subject),
            prompt_bank=PROMPT_BANK.version,
            answers=command.answers,
            assumptions_questioned=command.assumptions_questioned,
            next_steps=command.next_steps,
            ledger=change.extended(opened=owed),
        )
    )


def _check_prompts(prompt_ids: tuple[str, ...]) -> None:
    unknown = unknown_prompts(prompt_ids)
    if unknown:
        known = ", ".join(PROMPT_BANK.prompts)
        raise Refused(
            RefusalCode.UNKNOWN_REFERENCE, f"answers: no prompt {', '.join(unknown)}; the bank has {known}."
        )


@rule.register
def excuse_meeting(command: ExcuseMeeting, draft: Draft) -> None:
    """Excuse a meeting: it is not missed, and those missed before it are not forgotten."""
    meeting = _scheduled(draft, command.meeting)
    series = draft.agreement.meetings[command.meeting]
    draft.add(
        MeetingExcused(
            at=draft.at,
            meeting=command.meeting,
            number=int(meeting.subject),
            reason=command.reason,
            ledger=_followed_by(draft, meeting, ObligationStatus.WAIVED, series.missed_running),
        )
    )


@rule.register
def reschedule_meeting(command: RescheduleMeeting, draft: Draft) -> None:
    """Move a meeting to a time ahead inside the placement; its invite follows with a higher sequence."""
    agreement = draft.agreement
    meeting = _scheduled(draft, command.meeting)
    calendar = agreement.calendar_of(meeting.owner_id)
    day = calendar.local_date(command.starts_at)
    if command.starts_at <= draft.at or day > agreement.ends_on:
        raise Refused(
            RefusalCode.OUTSIDE_THE_PLACEMENT,
            f"starts_at: choose a time after now and not later than {agreement.ends_on}.",
        )
    if not calendar.is_working_day(day):
        raise Refused(
            RefusalCode.OUTSIDE_THE_PLACEMENT,
            f"starts_at: {day} is no working day of {meeting.owner_id}; "
            f"the next one is {calendar.working_day_from(day, 0)}.",
        )
    owed = NewObligation(
        kind=meeting.kind,
        subject=meeting.subject,
        owner=Party(role=meeting.owner_role, person_id=meeting.principal_id),
        anchor=day,
        reason=meeting.reason,
        starts_at=command.starts_at,
        missed_after=None if meeting.acts_by_itself_at is None else agreement.policy.missed_after,
    )
    moved = open_obligation(agreement, owed, draft.at).model_copy(
        update={"due_at": max(calendar.closing_of(day), command.starts_at), "sequence": meeting.sequence + 1}
    )
    draft.add(
        MeetingRescheduled(
            at=draft.at,
            meeting=command.meeting,
            number=int(meeting.subject),
            starts_at=command.starts_at,
            reason=command.reason,
            ledger=LedgerChange(moved=(moved,)),
        )
    )


@rule.register
def record_offline_meeting(command: RecordOfflineMeeting, draft: Draft) -> None:
    """Record a meeting that lies in the past and was between parties."""
    agreement = draft.agreement
    if command.held_on > agreement.local_date(draft.at):
        raise Refused(RefusalCode.OUTSIDE_THE_PLACEMENT, f"held_on: {command.held_on} is still ahead.")
    strangers = sorted(set(command.between) - {party.person_id for party in agreement.parties})
    if strangers:
        raise Refused(
            RefusalCode.NOT_A_PARTY, f"between: {', '.join(strangers)} is no party to this agreement."
        )
    draft.add(
        OfflineMeetingRecorded(
            at=draft.at, held_on=command.held_on, between=command.between, note=command.note
        )
    )


def missed(draft: Draft, meeting: Obligation) -> None:
    """Count a meeting as missed and schedule the next one."""
    series = draft.agreement.meetings[meeting.kind]
    change = _followed_by(draft, meeting, ObligationStatus.SUPERSEDED, series.missed_running + 1)
    draft.add(
        MeetingMissed.model_validate(
            {"at": draft.at, "meeting": meeting.kind, "number": int(meeting.subject), "ledger": change}
        )
    )


@rule.register
def review_plan(command: ReviewPlan, draft: Draft) -> None:
    """Hold whatever review was due; the next one is counted from its day."""
    agreement = draft.agreement
    today = agreement.local_date(draft.at)
    held_on = command.held_on or today
    if held_on > today:
        raise Refused(
            RefusalCode.OUTSIDE_THE_PLACEMENT, f"held_on: {held_on} is ahead; record it once it was held."
        )
    last = agreement.plan_reviewed_on
    if last is not None and held_on <= last:
        raise Refused(
            RefusalCode.OUT_OF_ORDER,
            f"held_on: the plan was reviewed on {last}; the next comes after that day.",
        )
    due = tuple(key for key, held in agreement.obligations.items() if held.kind is ObligationKind.PLAN_REVIEW)
    follow_plan(
        draft,
        PlanReviewed(at=draft.at, reviewed_on=held_on, outcome=command.outcome),
        settled=draft.settled(due, ObligationStatus.FULFILLED),
    )
