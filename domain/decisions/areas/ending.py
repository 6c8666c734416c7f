"""Rules of the end: decision, return, early end, debriefs, synthesis, close."""

from __future__ import annotations

from datetime import timedelta

from domain.agreement.commands.ending import (
    CloseIncomplete,
    DecideEnd,
    EndEarly,
    PlanReturn,
    ReturnSynthesis,
    SignSynthesis,
    SubmitDebrief,
    SubmitSynthesis,
)
from domain.agreement.events.ending import (
    AgreementClosedIncomplete,
    DebriefSubmitted,
    EndBroughtForward,
    EndDecided,
    ReturnPlanned,
    SynthesisReturned,
    SynthesisSigned,
    SynthesisSubmitted,
)
from domain.agreement.state import Agreement, Party
from domain.decisions.draft import Draft
from domain.decisions.planning import follow_plan
from domain.decisions.registry import rule
from domain.decisions.suspension import resume
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.vocabulary import ObligationKind, Role
from domain.kinds import KINDS
from domain.ledger.obligation import LedgerChange
from domain.scheduling.obligations import NewObligation, open_obligation

SIDES: dict[str, frozenset[Role]] = {
    "home": frozenset({Role.LINE_MANAGER}),
    "host": frozenset({Role.HOST_MANAGER, Role.HOST_EXPERT, Role.LEG_MANAGER}),
    "mentee": frozenset({Role.MENTEE}),
}
"""Who speaks for which side; HR may speak for any."""


@rule.register
def decide_end(command: DecideEnd, draft: Draft) -> None:
    """Decide the end once; extending the placement opens the question again."""
    if draft.agreement.end_decision is not None:
        raise Refused(
            RefusalCode.ALREADY_DONE, f"The end is decided already: {draft.agreement.end_decision}."
        )
    event = EndDecided(at=draft.at, decision=command.decision, reason=command.reason)
    follow_plan(draft, event, settled=draft.fulfilled(ObligationKind.END_DECISION, "placement"))


@rule.register
def plan_return(command: PlanReturn, draft: Draft) -> None:
    """Note the return, which is planned once."""
    if draft.agreement.return_planned:
        raise Refused(RefusalCode.ALREADY_DONE, "The return is planned already.")
    draft.add(
        ReturnPlanned(
            at=draft.at,
            target_post=command.target_post,
            first_weeks=command.first_weeks,
            use_of_learning=command.use_of_learning,
            ledger=LedgerChange(settled=draft.fulfilled(ObligationKind.RETURN_PLAN, "home")),
        )
    )


@rule.register
def end_early(command: EndEarly, draft: Draft) -> None:
    """End the placement for a side, after the notice that the terms give it; debrief and synthesis follow."""
    agreement = draft.agreement
    hr = {Role.HRBP, Role.PROGRAMME_OWNER, Role.OPERATOR}
    if not draft.holds(*SIDES[command.by], *hr):
        raise Refused(
            RefusalCode.NOT_ALLOWED_FOR_ROLE, f"by: the {draft.actor.role} cannot end it for {command.by}."
        )
    notice_days = {
        "home": agreement.terms.early_end_notice_days.home,
        "host": agreement.terms.early_end_notice_days.host,
        "mentee": agreement.terms.early_end_notice_days.mentee,
    }[command.by]
    ends_on = agreement.local_date(draft.at) + timedelta(days=notice_days)
    if ends_on >= agreement.ends_on:
        raise Refused(
            RefusalCode.OUTSIDE_THE_PLACEMENT,
            f"With {notice_days} days of notice it would end on {ends_on}, not before {agreement.ends_on} "
            "as planned.",
        )
    if agreement.paused_until is not None:
        resume(draft)
    event = EndBroughtForward(
        at=draft.at, by=command.by, reason=command.reason, notice_days=notice_days, ends_on=ends_on
    )
    follow_plan(draft, event, settled=draft.choices_made())


@rule.register
def submit_debrief(command: SubmitDebrief, draft: Draft) -> None:
    """Accept one debrief of each side that owes one."""
    owed = draft.owed_by_actor(ObligationKind.DEBRIEF)
    if not owed:
        raise Refused(RefusalCode.NOT_OPEN, f"No debrief is owed by {draft.actor.person_id} (any more).")
    draft.add(
        DebriefSubmitted(
            at=draft.at,
            party=Party(role=owed[0].owner_role, person_id=owed[0].owner_id),
            reflection=command.reflection,
            evidence=command.evidence,
            ledger=LedgerChange(settled=draft.fulfilled(ObligationKind.DEBRIEF, owed[0].subject)),
        )
    )


@rule.register
def submit_synthesis(command: SubmitSynthesis, draft: Draft) -> None:
    """Accept a synthesis that is complete, supported by enough feedback, and not out for signature."""
    agreement = draft.agreement
    if not draft.open(ObligationKind.SYNTHESIS, "placement"):
        raise Refused(
            RefusalCode.ALREADY_DONE, "A synthesis is out for signature; have it returned to change it."
        )
    gaps = list(KINDS[agreement.kind].synthesis_gaps(agreement, command.synthesis))
    gaps += _lacking_sources(agreement)
    if gaps:
        raise Refused(RefusalCode.INCOMPLETE, f"synthesis: {'; '.join(gaps)}.")
    version = agreement.synthesis_versions + 1
    signatures = tuple(
        open_obligation(
            agreement,
            NewObligation(
                kind=ObligationKind.SYNTHESIS_SIGNATURE,
                subject=f"{role}:v{version}",
                owner=agreement.holder(role),
            ),
            draft.at,
        )
        for role in KINDS[agreement.kind].synthesis_signers
    )
    draft.add(
        SynthesisSubmitted(
            at=draft.at,
            synthesis_version=version,
            synthesis=command.synthesis,
            ledger=LedgerChange(
                settled=draft.fulfilled(ObligationKind.SYNTHESIS, "placement"), opened=signatures
            ),
        )
    )


def _lacking_sources(agreement: Agreement) -> list[str]:
    needed, have = (agreement.terms.minimum_feedback_sources, len(agreement.feedback_sources))
    if have >= needed:
        return []
    lacking = f"feedback to the mentee is there from {have} of {needed} different people"
    return [f"{lacking}; whoever saw the work can still give theirs, or be asked with request_peer_feedback"]


def _signature_subject(draft: Draft, synthesis_version: int) -> tuple[str, Party]:
    agreement = draft.agreement
    if synthesis_version != agreement.synthesis_versions:
        raise Refused(
            RefusalCode.VERSION_MISMATCH,
            f"synthesis_version: {agreement.synthesis_versions} is the latest, not {synthesis_version}.",
        )
    owed = draft.owed_by_actor(ObligationKind.SYNTHESIS_SIGNATURE)
    if not owed:
        raise Refused(
            RefusalCode.NOT_OPEN,
            f"No signature under the synthesis is asked of {draft.actor.person_id} (any more).",
        )
    return owed[0].subject, Party(role=owed[0].owner_role, person_id=owed[0].owner_id)


@rule.register
def sign_synthesis(command: SignSynthesis, draft: Draft) -> None:
    """Note a signature; the last one completes the agreement."""
    subject, party = _signature_subject(draft, command.synthesis_version)
    draft.add(
        SynthesisSigned(
            at=draft.at,
            synthesis_version=command.synthesis_version,
            party=party,
            ledger=LedgerChange(settled=draft.fulfilled(ObligationKind.SYNTHESIS_SIGNATURE, subject)),
        )
    )


@rule.register
def return_synthesis(command: ReturnSynthesis, draft: Draft) -> None:
    """Ask for the synthesis again, and with it for every signature under it."""
    agreement = draft.agreement
    _, party = _signature_subject(draft, command.synthesis_version)
    signatures = tuple(
        sorted(
            key
            for key, held in agreement.obligations.items()
            if held.kind is ObligationKind.SYNTHESIS_SIGNATURE
        )
    )
    owed = NewObligation(
        kind=ObligationKind.SYNTHESIS,
        subject="placement",
        owner=agreement.holder(Role.MENTEE),
        anchor=agreement.ends_on,
    )
    draft.add(
        SynthesisReturned(
            at=draft.at,
            synthesis_version=command.synthesis_version,
            party=party,
            what=command.what,
            ledger=LedgerChange(
                settled=draft.settled(signatures), opened=(open_obligation(agreement, owed, draft.at),)
            ),
        )
    )


@rule.register
def close_incomplete(command: CloseIncomplete, draft: Draft) -> None:
    """Close while anything is open, never called complete."""
    missing = tuple(sorted(draft.agreement.obligations))
    draft.add(
        AgreementClosedIncomplete(
            at=draft.at,
            reason=command.reason,
            missing=missing,
            ledger=LedgerChange(settled=draft.everything_settled()),
        )
    )
