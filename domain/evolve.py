"""`evolve`: how each event changes the folded state. The only place that knows the state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import singledispatch

from domain.agreement import Agreement, Matter, MeetingSeries, Pivot, Signature
from domain.events import Event, course, ending, forming, matters, progress, rotation, shadowing
from domain.ledger import apply
from domain.shifting import shifted
from domain.terms import without_words
from domain.vocabulary import ObligationKind, Outcome, Phase

Changes = Mapping[str, object]
"""Fields of the agreement with their new values."""


def evolve(agreement: Agreement | None, event: Event) -> Agreement:
    """The agreement after one more event. Total over streams that `decide` produced.

    Args:
        agreement: The state before; None before the first event.
        event: What happened.

    Raises:
        ValueError: If the event cannot follow: another first event than a proposal, a second proposal, or a
            ledger change that contradicts the ledger. Such a stream was edited.
    """
    if isinstance(event, forming.AgreementProposed):
        if agreement is not None:
            raise ValueError("an agreement is proposed once, as the first event of its stream")
        agreement = _proposed(event)
    elif agreement is None:
        raise ValueError(f"a stream begins with agreement.proposed, not with {event.type}")
    changed = agreement.model_copy(update=_changes(event, agreement))
    changes: dict[str, object] = {
        "version": agreement.version + 1,
        "obligations": apply(agreement.obligations, event.ledger),
        "meetings": _meetings_scheduled(changed.meetings, event),
    }
    if event.meaningful:
        changes["last_activity_at"] = event.at
    if event.ledger.silent_at is not None:
        changes["silent_at"] = event.ledger.silent_at
    return changed.model_copy(update=changes)


def fold(events: Iterable[Event], agreement: Agreement | None = None) -> Agreement | None:
    """The agreement after all these events; None where there are none."""
    for event in events:
        agreement = evolve(agreement, event)
    return agreement


def _proposed(event: forming.AgreementProposed) -> Agreement:
    return Agreement(
        agreement_id=event.agreement_id,
        version=0,
        terms=without_words(event.terms),
        terms_version=1,
        request_digest=event.request_digest,
        digests=event.digests,
        policy=event.policy,
        calendars=event.calendars,
        parties=event.parties,
        phase=Phase.AGREEMENT,
        proposed_at=event.at,
        expires_at=event.expires_at,
        starts_on=event.terms.effective_from,
        ends_on=event.terms.planned_end,
        obligations={},
        last_activity_at=event.at,
    )


@singledispatch
def _changes(event: Event, agreement: Agreement) -> Changes:
    return {}


def _closed(outcome: Outcome) -> Changes:
    return {"phase": Phase.CLOSED, "outcome": outcome, "silent_at": None, "paused_until": None}


@_changes.register
def _(event: forming.CalendarsSnapshotted, agreement: Agreement) -> Changes:
    return {"calendars": {**agreement.calendars, **event.calendars}}


@_changes.register
def _(event: forming.AgreementSigned, agreement: Agreement) -> Changes:
    signature = Signature(party=event.party, terms_version=event.terms_version)
    others = tuple(known for known in agreement.signatures if known.party != event.party)
    return {"signatures": (*others, signature)}


@_changes.register
def _(event: rotation.AnnexSigned, agreement: Agreement) -> Changes:
    signature = Signature(party=event.party, terms_version=agreement.terms_version)
    return {"signatures": (*agreement.signatures, signature)}


@_changes.register
def _(event: forming.TermsAmended, agreement: Agreement) -> Changes:
    return {
        "terms": without_words(event.terms),
        "digests": event.digests,
        "terms_version": event.terms_version,
        "parties": event.parties,
        "starts_on": event.terms.effective_from,
        "ends_on": event.terms.planned_end,
        "signatures": tuple(known for known in agreement.signatures if known.party not in event.affected),
    }


@_changes.register
def _(event: forming.AgreementConcluded, agreement: Agreement) -> Changes:
    return {"concluded_at": event.at}


@_changes.register
def _(event: forming.AgreementDeclined, agreement: Agreement) -> Changes:
    return _closed(Outcome.DECLINED)


@_changes.register
def _(event: forming.AgreementWithdrawn, agreement: Agreement) -> Changes:
    return _closed(Outcome.WITHDRAWN)


@_changes.register
def _(event: forming.AgreementExpired, agreement: Agreement) -> Changes:
    return _closed(Outcome.EXPIRED_UNSIGNED)


@_changes.register
def _(event: forming.PlacementStarted, agreement: Agreement) -> Changes:
    return {
        "phase": Phase.ACTIVE,
        "started_at": event.at,
        "starts_on": event.starts_on,
        "last_activity_at": event.at,
    }


def _meetings_scheduled(
    meetings: Mapping[ObligationKind, MeetingSeries], event: Event
) -> Mapping[ObligationKind, MeetingSeries]:
    """Counts the meetings that an event put on the ledger."""
    after = dict(meetings)
    for opened in event.ledger.opened:
        if opened.kind in {ObligationKind.CHECK_IN, ObligationKind.REFLECTIVE_SESSION}:
            series = after.get(opened.kind, MeetingSeries())
            after[opened.kind] = series.model_copy(update={"scheduled": series.scheduled + 1})
    return after


def _meeting_over(agreement: Agreement, kind: ObligationKind, counted: str, missed_running: int) -> Changes:
    series = agreement.meetings[kind]
    over = series.model_copy(update={counted: getattr(series, counted) + 1, "missed_running": missed_running})
    return {"meetings": {**agreement.meetings, kind: over}}


@_changes.register
def _(event: progress.CheckInHeld, agreement: Agreement) -> Changes:
    return _meeting_over(agreement, ObligationKind.CHECK_IN, "held", 0)


@_changes.register
def _(event: progress.ReflectiveSessionHeld, agreement: Agreement) -> Changes:
    return _meeting_over(agreement, ObligationKind.REFLECTIVE_SESSION, "held", 0)


@_changes.register
def _(event: progress.MeetingExcused, agreement: Agreement) -> Changes:
    running = agreement.meetings[event.meeting].missed_running
    return _meeting_over(agreement, event.meeting, "excused", running)


@_changes.register
def _(event: progress.MeetingMissed, agreement: Agreement) -> Changes:
    running = agreement.meetings[event.meeting].missed_running
    return _meeting_over(agreement, event.meeting, "missed", running + 1)


@_changes.register
def _(event: progress.MilestoneCompleted, agreement: Agreement) -> Changes:
    return {"milestones_completed": agreement.milestones_completed | {event.milestone_id}}


@_changes.register
def _(event: progress.MilestoneReturned, agreement: Agreement) -> Changes:
    return {"milestones_completed": agreement.milestones_completed - {event.milestone_id}}


@_changes.register
def _(event: progress.MilestoneVerified, agreement: Agreement) -> Changes:
    return {"milestones_verified": agreement.milestones_verified | {event.milestone_id}}


@_changes.register
def _(event: progress.MilestoneReplanned, agreement: Agreement) -> Changes:
    milestones = tuple(
        milestone.model_copy(update={"due_on": event.due_on})
        if milestone.milestone_id == event.milestone_id
        else milestone
        for milestone in agreement.terms.milestones
    )
    return {"terms": agreement.terms.model_copy(update={"milestones": milestones})}


@_changes.register
def _(event: progress.FeedbackGiven, agreement: Agreement) -> Changes:
    given = {"feedback_given": agreement.feedback_given + 1}
    if event.receiver_id != agreement.mentee_id:
        return given
    return {**given, "feedback_sources": agreement.feedback_sources | {event.giver.person_id}}


@_changes.register
def _(event: progress.PeerFeedbackRequested, agreement: Agreement) -> Changes:
    return {} if event.peer in agreement.parties else {"parties": (*agreement.parties, event.peer)}


@_changes.register
def _(event: progress.EndorsementGiven, agreement: Agreement) -> Changes:
    return {"endorsers": agreement.endorsers | {event.endorser.person_id}}


@_changes.register
def _(event: progress.EndorsementRevoked, agreement: Agreement) -> Changes:
    return {"endorsers": agreement.endorsers - {event.endorser.person_id}}


def _raised(
    event: matters.BlockerRaised | matters.ConcernRaised | matters.ProposalMade | matters.BreachReported,
    agreement: Agreement,
    kind: ObligationKind,
    holds: bool = False,
) -> Changes:
    matter = Matter(
        matter_id=event.matter_id, kind=kind, raised_by=event.raised_by, raised_at=event.at, holds=holds
    )
    return {"matters": {**agreement.matters, event.matter_id: matter}}


@_changes.register
def _(event: matters.BlockerRaised, agreement: Agreement) -> Changes:
    return _raised(event, agreement, ObligationKind.BLOCKER)


@_changes.register
def _(event: matters.ConcernRaised, agreement: Agreement) -> Changes:
    return _raised(event, agreement, ObligationKind.CONCERN)


@_changes.register
def _(event: matters.ProposalMade, agreement: Agreement) -> Changes:
    return _raised(event, agreement, ObligationKind.PROPOSAL)


@_changes.register
def _(event: matters.BreachReported, agreement: Agreement) -> Changes:
    return _raised(event, agreement, ObligationKind.BREACH, holds=event.breaches == "ethics")


@_changes.register
def _(event: matters.MatterSettled, agreement: Agreement) -> Changes:
    return {"matters": {key: matter for key, matter in agreement.matters.items() if key != event.matter_id}}


@_changes.register
def _(event: shadowing.ObservationLogged, agreement: Agreement) -> Changes:
    covered = {note.focus for note in event.notes}
    return {
        "sessions_logged": agreement.sessions_logged | {event.session_id},
        "focus_covered": agreement.focus_covered | covered,
    }


@_changes.register
def _(event: shadowing.PracticeLogged, agreement: Agreement) -> Changes:
    return {"sessions_logged": agreement.sessions_logged | {event.session_id}}


@_changes.register
def _(event: shadowing.SessionDebriefed, agreement: Agreement) -> Changes:
    return {"sessions_debriefed": agreement.sessions_debriefed | {event.session_id}}


@_changes.register
def _(event: shadowing.ExperimentRecorded, agreement: Agreement) -> Changes:
    return {"experiments": agreement.experiments + 1}


@_changes.register
def _(event: rotation.LegStarted, agreement: Agreement) -> Changes:
    return {"legs_started": (*agreement.legs_started, event.leg_id)}


@_changes.register
def _(event: rotation.DeliverableAccepted, agreement: Agreement) -> Changes:
    accepted = f"{event.leg_id}/{event.deliverable_id}"
    return {"deliverables_accepted": agreement.deliverables_accepted | {accepted}}


@_changes.register
def _(event: rotation.LegDebriefed, agreement: Agreement) -> Changes:
    return {"legs_debriefed": agreement.legs_debriefed | {event.leg_id}}


@_changes.register
def _(event: rotation.HandoverCompleted, agreement: Agreement) -> Changes:
    return {"legs_handed_over": agreement.legs_handed_over | {event.leg_id}}


@_changes.register
def _(event: course.PivotProposed, agreement: Agreement) -> Changes:
    pivot = Pivot(
        pivot_id=event.pivot_id,
        option=event.option,
        terms=without_words(event.terms),
        digests=event.digests,
        waiting_for=event.affected,
    )
    return {"pivot": pivot}


@_changes.register
def _(event: course.PivotConsented, agreement: Agreement) -> Changes:
    if agreement.pivot is None:
        raise ValueError("a pivot is consented to but none is open")
    waiting = tuple(party for party in agreement.pivot.waiting_for if party != event.party)
    return {"pivot": agreement.pivot.model_copy(update={"waiting_for": waiting})}


@_changes.register
def _(event: course.PivotRefused, agreement: Agreement) -> Changes:
    return {"pivot": None}


@_changes.register
def _(event: course.PivotAdopted, agreement: Agreement) -> Changes:
    if agreement.pivot is None:
        raise ValueError("a pivot is adopted but none is open")
    return {
        "pivot": None,
        "terms": agreement.pivot.terms,
        "digests": agreement.pivot.digests,
        "terms_version": event.terms_version,
        "ends_on": agreement.pivot.terms.planned_end,
    }


@_changes.register
def _(event: course.PlacementPaused, agreement: Agreement) -> Changes:
    return {
        "paused_at": event.at,
        "paused_until": event.resumes_at,
        "pause_shifts_dates": event.shifts_dates,
    }


@_changes.register
def _(event: course.PlacementResumed, agreement: Agreement) -> Changes:
    return {
        "paused_at": None,
        "paused_until": None,
        "ends_on": agreement.ends_on + timedelta(days=event.shifted_days),
        "terms": shifted(
            agreement.terms, event.shifted_days, after=agreement.local_date(agreement.paused_at or event.at)
        ),
    }


@_changes.register
def _(event: course.EndDateMoved, agreement: Agreement) -> Changes:
    return {"ends_on": event.ends_on, "end_decision": None}


@_changes.register
def _(event: course.RoleReassigned, agreement: Agreement) -> Changes:
    parties = tuple(
        party.model_copy(update={"person_id": event.to_person})
        if (party.role, party.person_id) == (event.role, event.from_person)
        else party
        for party in agreement.parties
    )
    return {"parties": parties}


@_changes.register
def _(event: ending.EndDecided, agreement: Agreement) -> Changes:
    return {"end_decision": event.decision}


@_changes.register
def _(event: ending.ReturnPlanned, agreement: Agreement) -> Changes:
    return {"return_planned": True}


@_changes.register
def _(event: ending.EndBroughtForward, agreement: Agreement) -> Changes:
    return {"ends_on": event.ends_on, "ended_early_by": event.by, "end_decision": "end"}


@_changes.register
def _(event: ending.PlacementEnded, agreement: Agreement) -> Changes:
    return {
        "phase": Phase.DEBRIEF,
        "ended_at": event.at,
        "silent_at": None,
        "paused_until": None,
        "pivot": None,
        "matters": {
            key: matter for key, matter in agreement.matters.items() if matter.outlives_the_placement
        },
    }


@_changes.register
def _(event: ending.DebriefSubmitted, agreement: Agreement) -> Changes:
    return {"debriefs": (*agreement.debriefs, event.party)}


@_changes.register
def _(event: ending.DebriefConcluded, agreement: Agreement) -> Changes:
    return {"phase": Phase.SYNTHESIS}


@_changes.register
def _(event: ending.SynthesisSubmitted, agreement: Agreement) -> Changes:
    return {"synthesis_versions": event.synthesis_version, "synthesis_signatures": ()}


@_changes.register
def _(event: ending.SynthesisSigned, agreement: Agreement) -> Changes:
    return {"synthesis_signatures": (*agreement.synthesis_signatures, event.party)}


@_changes.register
def _(event: ending.AgreementCompleted, agreement: Agreement) -> Changes:
    return _closed(Outcome.COMPLETED if agreement.ended_early_by is None else Outcome.ENDED_EARLY)


@_changes.register
def _(event: ending.AgreementClosedIncomplete, agreement: Agreement) -> Changes:
    return _closed(Outcome.CLOSED_INCOMPLETE)
