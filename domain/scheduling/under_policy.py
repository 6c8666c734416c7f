"""Counting anew what is owed, where an agreement moves to another policy."""

from __future__ import annotations

from datetime import date, datetime

from domain.agreement.state import Agreement, Party
from domain.kernel.calendar import Calendar
from domain.kernel.vocabulary import ObligationKind, Phase
from domain.ledger.obligation import MEETING_KINDS, Obligation
from domain.policy.policy_set import Allowance, KindPolicy
from domain.scheduling.absence import working_time
from domain.scheduling.obligations import NewObligation, inherent_reason, open_obligation


def basis_under(
    before: KindPolicy, agreement: Agreement, obligation: Obligation, *, keeps_its_day: bool
) -> NewObligation:
    """What an obligation is counted from under another policy.

    Its anchor is found by counting the allowance that it was opened under back from its due day.

    Args:
        before: The policy that it was opened under.
        agreement: Under the policy that counts now.
        obligation: An open obligation of the agreement.
        keeps_its_day: Whether its due day was agreed and not counted, as in the terms.
    """
    calendar = working_time(agreement, obligation.owner_id, obligation.kind)
    old, new = (policy.allowance_of(obligation) for policy in (before, agreement.policy))
    due_day = calendar.local_date(obligation.due_at)
    fixed = keeps_its_day or obligation.kind in MEETING_KINDS
    return NewObligation(
        kind=obligation.kind,
        subject=obligation.subject,
        owner=Party(role=obligation.owner_role, person_id=obligation.principal_id),
        anchor=due_day if fixed else calendar.working_day_from(due_day, -old.due),
        allowance=Allowance(due=0, stalled=new.stalled - new.due) if fixed else new,
        reason=inherent_reason(obligation),
        missed_after=None if obligation.acts_by_itself_at is None else agreement.policy.missed_after,
        stalls_by=_signed_by(agreement, calendar, obligation),
    )


def recalculate_obligation(
    before: KindPolicy, agreement: Agreement, obligation: Obligation, at: datetime, *, keeps_its_day: bool
) -> Obligation:
    """The obligation counted anew under the agreement's policy, from what `basis_under` says.

    What is not yet due falls due on the next working day at the earliest; meetings keep their day.

    Args:
        before: The policy that it was opened under.
        agreement: Under the policy that counts now.
        obligation: An open obligation of the agreement.
        at: Now.
        keeps_its_day: Whether its due day was agreed and not counted, as in the terms.
    """
    owed = basis_under(before, agreement, obligation, keeps_its_day=keeps_its_day)
    counted = open_obligation(agreement, owed, obligation.opened_at if obligation.is_overdue(at) else at)
    climbs = any(rung.at > at for rung in obligation.ladder)
    return counted.model_copy(
        update={
            "opened_at": obligation.opened_at,
            "ladder": counted.ladder if climbs else obligation.ladder,
            "starts_at": obligation.starts_at,
            "sequence": obligation.sequence,
            "reached": obligation.reached,
        }
    )


def _signed_by(agreement: Agreement, calendar: Calendar, obligation: Obligation) -> date | None:
    if obligation.kind is not ObligationKind.SIGNATURE or agreement.phase is not Phase.AGREEMENT:
        return None
    return calendar.working_day_from(agreement.starts_on, -agreement.policy.signature_before_start)
