"""Rules that change the course: pivot, pause, resume, extend, shorten."""

from __future__ import annotations

from datetime import date

from domain.agreement.commands.course import (
    ConsentToPivot,
    ExtendPlacement,
    PausePlacement,
    ProposePivot,
    RefusePivot,
    ResumePlacement,
    ShortenPlacement,
)
from domain.agreement.events.course import (
    EndDateMoved,
    PivotConsented,
    PivotProposed,
    PivotRefused,
    PlacementPaused,
)
from domain.agreement.state import Party
from domain.decisions.consent import affected_by, changed_fields, check_amendment
from domain.decisions.draft import Draft
from domain.decisions.planning import follow_plan
from domain.decisions.registry import rule
from domain.decisions.suspension import not_paused, resume
from domain.kernel.digests import digest_by_field
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.vocabulary import ObligationKind, ObligationStatus
from domain.kinds import KINDS
from domain.ledger.obligation import LedgerChange, Obligation
from domain.scheduling.obligations import NewObligation, open_obligation


@rule.register
def propose_pivot(command: ProposePivot, draft: Draft) -> None:
    """Propose one pivot at a time, by an option of the terms; ask those it affects for consent."""
    agreement = draft.agreement
    if agreement.pivot is not None:
        raise Refused(
            RefusalCode.ALREADY_DONE,
            f"Pivot {agreement.pivot.pivot_id} is open; it has to be answered first.",
        )
    options = {str(option) for option in agreement.terms.pivot_terms.options}
    if command.option not in options:
        raise Refused(
            RefusalCode.TERMS_INVALID,
            f"option: the terms allow {', '.join(sorted(options))}, not {command.option}.",
        )
    check_amendment(agreement, command.terms, draft.at)
    changed = changed_fields(agreement, command.terms)
    affected = affected_by(agreement, changed)
    owed = tuple(
        open_obligation(
            agreement,
            NewObligation(
                kind=ObligationKind.PIVOT_CONSENT, subject=_consent(command.pivot_id, party), owner=party
            ),
            draft.at,
        )
        for party in affected
    )
    draft.add(
        PivotProposed(
            at=draft.at,
            pivot_id=command.pivot_id,
            option=command.option,
            reason=command.reason,
            terms=command.terms,
            digests=digest_by_field(command.terms),
            changed=changed,
            affected=affected,
            ledger=LedgerChange(
                opened=owed,
                settled=(
                    *draft.fulfilled(ObligationKind.COURSE_CORRECTION, "placement"),
                    *draft.choices_made(),
                ),
            ),
        )
    )


def _consent(pivot_id: str, party: Party) -> str:
    return f"{pivot_id}:{party.role}:{party.person_id}"


def _consents_asked(draft: Draft, pivot_id: str) -> list[Obligation]:
    pivot = draft.agreement.pivot
    if pivot is None or pivot.pivot_id != pivot_id:
        raise Refused(RefusalCode.NOT_OPEN, f"pivot_id: no pivot {pivot_id} is open.")
    asked = draft.owed_by_actor(ObligationKind.PIVOT_CONSENT)
    if not asked:
        raise Refused(
            RefusalCode.NOT_OPEN,
            f"No consent to pivot {pivot_id} is asked of {draft.actor.person_id} (any more).",
        )
    # Who took over from another party of the same role owes both consents, and gives them at once.
    return [held for held in asked if held.owner_role is asked[0].owner_role]


@rule.register
def consent_to_pivot(command: ConsentToPivot, draft: Draft) -> None:
    """Note a consent; the last one puts the new terms in force."""
    asked = _consents_asked(draft, command.pivot_id)
    consents = tuple(held.obligation_id for held in asked)
    draft.add(
        PivotConsented(
            at=draft.at,
            pivot_id=command.pivot_id,
            party=Party(role=asked[0].owner_role, person_id=asked[0].owner_id),
            ledger=LedgerChange(settled=draft.settled(consents, ObligationStatus.FULFILLED)),
        )
    )


@rule.register
def refuse_pivot(command: RefusePivot, draft: Draft) -> None:
    """End the pivot by one refusal: the terms in force stay."""
    asked = _consents_asked(draft, command.pivot_id)
    mine = tuple(held.obligation_id for held in asked)
    others = tuple(
        key
        for key, held in sorted(draft.agreement.obligations.items())
        if held.kind is ObligationKind.PIVOT_CONSENT and key not in mine
    )
    settled = (*draft.settled(mine, ObligationStatus.FULFILLED), *draft.settled(others))
    draft.add(
        PivotRefused(
            at=draft.at,
            pivot_id=command.pivot_id,
            party=Party(role=asked[0].owner_role, person_id=asked[0].owner_id),
            reason=command.reason,
            ledger=LedgerChange(settled=settled),
        )
    )


@rule.register
def pause(command: PausePlacement, draft: Draft) -> None:
    """Pause until a day ahead, inside the placement where dates are left alone."""
    agreement = draft.agreement
    if agreement.paused_until is not None:
        raise Refused(
            RefusalCode.PAUSED, "The placement is paused already; resume it to choose another date."
        )
    today = agreement.local_date(draft.at)
    if command.until <= today:
        raise Refused(RefusalCode.OUTSIDE_THE_PLACEMENT, f"until: choose a day after {today}.")
    if not command.shifts_dates and command.until > agreement.ends_on:
        raise Refused(
            RefusalCode.OUTSIDE_THE_PLACEMENT,
            f"until: the placement ends on {agreement.ends_on}; let the pause shift dates, "
            "or extend it first.",
        )
    draft.add(
        PlacementPaused(
            at=draft.at,
            resumes_at=agreement.calendar_of(agreement.mentee_id).opening_of(command.until),
            shifts_dates=command.shifts_dates,
            reason=command.reason,
            ledger=LedgerChange(settled=draft.choices_made()),
        )
    )


@rule.register
def resume_early(_command: ResumePlacement, draft: Draft) -> None:
    """Resume what is paused."""
    if draft.agreement.paused_until is None:
        raise Refused(RefusalCode.NOT_OPEN, "The placement is not paused.")
    resume(draft)


@rule.register
def extend(command: ExtendPlacement, draft: Draft) -> None:
    """Move the end to a later day within the agreed limit; it is decided anew."""
    agreement = draft.agreement
    if command.ends_on <= agreement.ends_on:
        raise Refused(
            RefusalCode.OUTSIDE_THE_PLACEMENT, f"ends_on: it ends on {agreement.ends_on}; choose a later day."
        )
    limit = KINDS[agreement.kind].latest_end(agreement.terms)
    if command.ends_on > limit:
        raise Refused(
            RefusalCode.OUTSIDE_THE_PLACEMENT,
            f"ends_on: a {agreement.kind} that began on {agreement.terms.effective_from} cannot be extended "
            f"beyond {limit}.",
        )
    _move_end(draft, command.ends_on, command.reason)


@rule.register
def shorten(command: ShortenPlacement, draft: Draft) -> None:
    """Move the end to an earlier day that is not past."""
    agreement = draft.agreement
    today = agreement.local_date(draft.at)
    if not today <= command.ends_on < agreement.ends_on:
        raise Refused(
            RefusalCode.OUTSIDE_THE_PLACEMENT,
            f"ends_on: choose a day from {today} on and before {agreement.ends_on}.",
        )
    _move_end(draft, command.ends_on, command.reason)


def _move_end(draft: Draft, ends_on: date, reason: str) -> None:
    not_paused(draft.agreement)
    follow_plan(draft, EndDateMoved(at=draft.at, ends_on=ends_on, reason=reason))
