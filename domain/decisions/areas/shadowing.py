"""Rules of shadowing sessions: logged in the order of the plan, debriefed before the next observation."""

from __future__ import annotations

from domain.agreement.commands.shadowing import DebriefSession, LogObservation, LogPractice, RecordExperiment
from domain.agreement.content import FieldNote
from domain.agreement.events.shadowing import (
    ExperimentRecorded,
    ObservationLogged,
    PracticeLogged,
    SessionDebriefed,
)
from domain.agreement.prompt_bank import QUESTION_BANK, unknown_prompts
from domain.agreement.state import Agreement
from domain.decisions.draft import Draft
from domain.decisions.registry import rule
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.vocabulary import ObligationKind, Role
from domain.kinds.shadowing import expert_of, session_debrief_allowance, shadowing_terms
from domain.ledger.obligation import LedgerChange, Obligation
from domain.scheduling.obligations import NewObligation, open_obligation
from domain.terms.shadowing import PlannedSession, SessionPhase


def _session_to_log(draft: Draft, session_id: str, phase: SessionPhase) -> PlannedSession:
    """Return the session, if it is the next one to log.

    Raises:
        Refused: If it is unknown, of the other phase, logged already, still ahead, or not the next one.
    """
    agreement = draft.agreement
    sessions = sorted(shadowing_terms(agreement.terms).sessions, key=lambda session: session.starts_at)
    found = next((session for session in sessions if session.session_id == session_id), None)
    if found is None:
        raise Refused(
            RefusalCode.UNKNOWN_REFERENCE,
            f"session_id: no session {session_id}; "
            f"the plan has {', '.join(each.session_id for each in sessions)}.",
        )
    if found.phase is not phase:
        command = "log_observation" if found.phase is SessionPhase.OBSERVE else "log_practice"
        raise Refused(RefusalCode.OUT_OF_ORDER, f"{session_id} is planned to {found.phase}; use {command}.")
    if session_id in agreement.sessions_logged:
        raise Refused(RefusalCode.ALREADY_DONE, f"{session_id} is logged already.")
    if found.starts_at > draft.at:
        raise Refused(
            RefusalCode.OUT_OF_ORDER,
            f"{session_id} starts at {found.starts_at:%Y-%m-%d %H:%M} UTC, which is still ahead.",
        )
    before = [each for each in sessions if each.starts_at < found.starts_at and _is_owed(draft, each)]
    if before:
        raise Refused(
            RefusalCode.OUT_OF_ORDER,
            f"{before[0].session_id} comes before {session_id}; log it or have it waived.",
        )
    return found


def _is_owed(draft: Draft, session: PlannedSession) -> bool:
    return draft.open(_kind(session), session.session_id)


def _kind(session: PlannedSession) -> ObligationKind:
    observes = session.phase is SessionPhase.OBSERVE
    return ObligationKind.OBSERVATION if observes else ObligationKind.PRACTICE


def _check_focus(agreement: Agreement, notes: tuple[FieldNote, ...]) -> None:
    known = set(shadowing_terms(agreement.terms).focus_tags)
    unknown = sorted({note.focus for note in notes} - known)
    if unknown:
        raise Refused(
            RefusalCode.UNKNOWN_REFERENCE,
            f"notes: no focus {', '.join(unknown)}; the agreement has {', '.join(sorted(known))}.",
        )


def _check_questions(command: LogObservation) -> None:
    unknown = unknown_prompts((answer.prompt_id for answer in command.answers), QUESTION_BANK)
    if unknown:
        raise Refused(
            RefusalCode.UNKNOWN_REFERENCE,
            f"answers: no question {', '.join(unknown)}; the bank has {', '.join(QUESTION_BANK.prompts)}.",
        )


def _debrief_owed(draft: Draft, session: PlannedSession) -> Obligation:
    owed = NewObligation(
        kind=ObligationKind.SESSION_DEBRIEF,
        subject=session.session_id,
        owner=draft.agreement.holder(Role.MENTEE),
        allowance=session_debrief_allowance(draft.agreement),
    )
    return open_obligation(draft.agreement, owed, draft.at)


@rule.register
def log_observation(command: LogObservation, draft: Draft) -> None:
    """Log an observation, unless the debrief of another is open."""
    session = _session_to_log(draft, command.session_id, SessionPhase.OBSERVE)
    _check_focus(draft.agreement, command.notes)
    _check_questions(command)
    undebriefed = sorted(
        held.subject
        for held in draft.agreement.obligations.values()
        if held.kind is ObligationKind.SESSION_DEBRIEF
    )
    if undebriefed:
        raise Refused(
            RefusalCode.OUT_OF_ORDER,
            f"The debrief of {', '.join(undebriefed)} is open; talk it through before the next observation.",
        )
    draft.add(
        ObservationLogged(
            at=draft.at,
            session_id=session.session_id,
            notes=command.notes,
            questions=command.questions,
            question_bank=QUESTION_BANK.version if command.answers else None,
            answers=command.answers,
            ledger=LedgerChange(
                settled=draft.fulfilled(ObligationKind.OBSERVATION, session.session_id),
                opened=(_debrief_owed(draft, session),),
            ),
        )
    )


@rule.register
def log_practice(command: LogPractice, draft: Draft) -> None:
    """Log practice; the host expert owes feedback, beside the debrief."""
    agreement = draft.agreement
    session = _session_to_log(draft, command.session_id, SessionPhase.PRACTISE)
    _check_focus(agreement, command.notes)
    feedback = NewObligation(
        kind=ObligationKind.FEEDBACK,
        subject=f"session:{session.session_id}",
        owner=expert_of(agreement, session.session_id),
    )
    draft.add(
        PracticeLogged(
            at=draft.at,
            session_id=session.session_id,
            did=command.did,
            supported_by=command.supported_by,
            notes=command.notes,
            ledger=LedgerChange(
                settled=draft.fulfilled(ObligationKind.PRACTICE, session.session_id),
                opened=(_debrief_owed(draft, session), open_obligation(agreement, feedback, draft.at)),
            ),
        )
    )


@rule.register
def debrief_session(command: DebriefSession, draft: Draft) -> None:
    """Debrief a session, tying behaviour to one of the agreed indicators."""
    if command.session_id in draft.agreement.sessions_debriefed:
        raise Refused(RefusalCode.ALREADY_DONE, f"{command.session_id} is debriefed already.")
    if command.session_id not in draft.agreement.sessions_logged:
        raise Refused(RefusalCode.OUT_OF_ORDER, f"{command.session_id} has to be logged first.")
    known = {indicator.indicator_id for indicator in shadowing_terms(draft.agreement.terms).indicators}
    if command.indicator_id not in known:
        raise Refused(
            RefusalCode.UNKNOWN_REFERENCE,
            f"indicator_id: no indicator {command.indicator_id}; "
            f"the agreement has {', '.join(sorted(known))}.",
        )
    draft.add(
        SessionDebriefed(
            at=draft.at,
            session_id=command.session_id,
            behaviour=command.behaviour,
            indicator_id=command.indicator_id,
            effect_on_indicator=command.effect_on_indicator,
            answered=command.answered,
            try_next=command.try_next,
            ledger=LedgerChange(settled=draft.fulfilled(ObligationKind.SESSION_DEBRIEF, command.session_id)),
        )
    )


@rule.register
def record_experiment(command: RecordExperiment, draft: Draft) -> None:
    """Record an experiment; the first settles what is owed, more are welcome."""
    draft.add(
        ExperimentRecorded(
            at=draft.at,
            hypothesis=command.hypothesis,
            tried_at=command.tried_at,
            result=command.result,
            keep=command.keep,
            ledger=LedgerChange(settled=draft.fulfilled(ObligationKind.EXPERIMENT, "home")),
        )
    )
