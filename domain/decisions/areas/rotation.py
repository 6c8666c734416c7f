"""Rules of a rotation's legs: annex, deliverables, debrief, handover, and the gate to the next leg."""

from __future__ import annotations

from collections.abc import Iterator

from domain.agreement.commands.rotation import (
    AcceptDeliverable,
    CompleteHandover,
    DebriefLeg,
    LogSponsorContact,
    SignAnnex,
    StartLeg,
)
from domain.agreement.events.rotation import (
    AnnexSigned,
    DeliverableAccepted,
    HandoverCompleted,
    LegDebriefed,
    LegStarted,
    SponsorContactLogged,
)
from domain.agreement.state import Agreement, Party
from domain.decisions.draft import Draft
from domain.decisions.planning import follow_plan, sooner_check_in
from domain.decisions.registry import rule
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.vocabulary import ObligationKind, Phase, Role
from domain.kinds.rotation import (
    annexes_missing,
    is_delivered,
    leg_after,
    legs_in_order,
    owed_after_delivery,
)
from domain.ledger.obligation import LedgerChange, Obligation
from domain.scheduling.obligations import NewObligation, open_obligation
from domain.terms.rotation import Leg


def _leg(draft: Draft, leg_id: str) -> Leg:
    legs = {leg.leg_id: leg for leg in legs_in_order(draft.agreement.terms)}
    if leg_id not in legs:
        raise Refused(
            RefusalCode.UNKNOWN_REFERENCE, f"leg_id: no leg {leg_id}; the agreement has {', '.join(legs)}."
        )
    return legs[leg_id]


def _leg_under_way(draft: Draft, leg_id: str) -> Leg:
    leg = _leg(draft, leg_id)
    if leg_id not in draft.agreement.legs_started:
        raise Refused(RefusalCode.OUT_OF_ORDER, f"{leg_id} has not started.")
    return leg


def _in_scope(draft: Draft, leg: Leg, *roles: Role) -> Party:
    """Return the actor's role in this leg."""
    parties = [party for role in roles for party in draft.agreement.holding(role, leg.leg_id)]
    actor_id = draft.actor.person_id
    mine = [
        Party(role=party.role, person_id=actor_id, scope=party.scope)
        for party in parties
        if draft.agreement.acts_in(actor_id, (party,))
    ]
    if not mine:
        raise Refused(
            RefusalCode.NOT_ALLOWED_FOR_ROLE,
            f"{actor_id} is not {' or '.join(roles)} of {leg.leg_id}.",
        )
    return mine[0]


@rule.register
def sign_annex(command: SignAnnex, draft: Draft) -> None:
    """Note one signature each of a leg's manager and its sponsor under its annex."""
    leg = _leg(draft, command.leg_id)
    party = _in_scope(draft, leg, Role.LEG_MANAGER, Role.SPONSOR)
    missing = annexes_missing(leg, draft.agreement)
    mine = [each for each in missing if each.person_id == party.person_id]
    if not mine:
        raise Refused(
            RefusalCode.ALREADY_DONE,
            f"No signature under the annex of {leg.leg_id} is asked of {party.person_id} (any more).",
        )
    party = mine[0]
    subject = f"{leg.leg_id}:{party.role}"
    draft.add(
        AnnexSigned(
            at=draft.at,
            leg_id=leg.leg_id,
            party=party,
            ledger=LedgerChange(settled=draft.fulfilled(ObligationKind.ANNEX_SIGNATURE, subject)),
        )
    )


@rule.register
def accept_deliverable(command: AcceptDeliverable, draft: Draft) -> None:
    """Accept it by its verifier; with the last one, the leg's debrief and handover are owed."""
    agreement = draft.agreement
    leg = _leg_under_way(draft, command.leg_id)
    deliverables = {deliverable.deliverable_id: deliverable for deliverable in leg.deliverables}
    deliverable = deliverables.get(command.deliverable_id)
    if deliverable is None:
        raise Refused(
            RefusalCode.UNKNOWN_REFERENCE,
            f"deliverable_id: no deliverable {command.deliverable_id}; "
            f"{leg.leg_id} has {', '.join(deliverables)}.",
        )
    subject = f"{leg.leg_id}/{deliverable.deliverable_id}"
    if subject in agreement.deliverables_accepted:
        raise Refused(RefusalCode.ALREADY_DONE, f"{subject} is accepted already.")
    verifiers = agreement.holding(deliverable.verifier, leg.leg_id) or agreement.holding(deliverable.verifier)
    if not agreement.acts_in(draft.actor.person_id, verifiers):
        raise Refused(
            RefusalCode.NOT_ALLOWED_FOR_ROLE,
            f"{subject} is accepted by the {deliverable.verifier} of the leg.",
        )
    event = DeliverableAccepted(
        at=draft.at, leg_id=leg.leg_id, deliverable_id=deliverable.deliverable_id, evidence=command.evidence
    )
    after = draft.after(event)
    follow_plan(
        draft,
        event,
        settled=draft.fulfilled(ObligationKind.LEG_DELIVERABLE, subject),
        opens=tuple(_owed_for_delivery(draft, leg, after)) if is_delivered(leg, after) else (),
    )


def _owed_for_delivery(draft: Draft, leg: Leg, after: Agreement) -> Iterator[Obligation]:
    """Yield feedback, and after the last day, when no plan asks for them, debrief and handover."""
    manager = after.holder(Role.LEG_MANAGER, leg.leg_id)
    owed = [NewObligation(kind=ObligationKind.FEEDBACK, subject=f"leg:{leg.leg_id}", owner=manager)]
    if after.phase is not Phase.ACTIVE:
        owed += owed_after_delivery(leg, after)
    for each in owed:
        if not draft.open(each.kind, each.subject):
            yield open_obligation(after, each, draft.at)


@rule.register
def debrief_leg(command: DebriefLeg, draft: Draft) -> None:
    """Debrief a leg once, after its deliverables are accepted."""
    leg = _leg_under_way(draft, command.leg_id)
    if leg.leg_id in draft.agreement.legs_debriefed:
        raise Refused(RefusalCode.ALREADY_DONE, f"{leg.leg_id} is debriefed already.")
    _delivered(draft, leg)
    event = LegDebriefed(
        at=draft.at, leg_id=leg.leg_id, reflection=command.reflection, transfer=command.transfer
    )
    follow_plan(draft, event, settled=draft.fulfilled(ObligationKind.LEG_DEBRIEF, leg.leg_id))


@rule.register
def complete_handover(command: CompleteHandover, draft: Draft) -> None:
    """Hand a leg over once, after its deliverables are accepted."""
    leg = _leg_under_way(draft, command.leg_id)
    if draft.actor.role is Role.LEG_MANAGER:
        _in_scope(draft, leg, Role.LEG_MANAGER)
    if leg.leg_id in draft.agreement.legs_handed_over:
        raise Refused(RefusalCode.ALREADY_DONE, f"{leg.leg_id} is handed over already.")
    _delivered(draft, leg)
    event = HandoverCompleted(
        at=draft.at,
        leg_id=leg.leg_id,
        handed_over=command.handed_over,
        open_ends=command.open_ends,
        home_cover=command.home_cover,
    )
    follow_plan(draft, event, settled=draft.fulfilled(ObligationKind.HANDOVER, leg.leg_id))


def _delivered(draft: Draft, leg: Leg) -> None:
    """Refuse what comes before a leg's deliverables, unless the placement ended without them."""
    if draft.agreement.phase is Phase.ACTIVE and not is_delivered(leg, draft.agreement):
        raise Refused(RefusalCode.OUT_OF_ORDER, f"Deliverables of {leg.leg_id} are not all accepted yet.")


@rule.register
def start_leg(command: StartLeg, draft: Draft) -> None:
    """Open the gate: the leg before is delivered, debriefed, handed over, and this one's annex signed.

    Within days there is a check-in, as there is after the first day.
    """
    agreement = draft.agreement
    leg = _leg(draft, command.leg_id)
    if leg.leg_id in agreement.legs_started:
        raise Refused(RefusalCode.ALREADY_DONE, f"{leg.leg_id} has started already.")
    current = _leg(draft, agreement.legs_started[-1])
    following = leg_after(agreement.terms, current.leg_id)
    if following is None or following.leg_id != leg.leg_id:
        raise Refused(
            RefusalCode.OUT_OF_ORDER,
            f"After {current.leg_id} comes {following.leg_id if following else 'the end'}, not {leg.leg_id}.",
        )
    _delivered(draft, current)
    for done, what in ((agreement.legs_debriefed, "debriefed"), (agreement.legs_handed_over, "handed over")):
        if current.leg_id not in done:
            raise Refused(RefusalCode.OUT_OF_ORDER, f"{current.leg_id} has to be {what} first.")
    missing = annexes_missing(leg, agreement)
    if missing:
        who = ", ".join(f"{party.role} {party.person_id}" for party in missing)
        raise Refused(RefusalCode.INCOMPLETE, f"The annex of {leg.leg_id} is not signed by {who}.")
    if agreement.local_date(draft.at) < leg.starts_on:
        raise Refused(
            RefusalCode.OUT_OF_ORDER, f"{leg.leg_id} starts on {leg.starts_on}, which is still ahead."
        )
    event = LegStarted(at=draft.at, leg_id=leg.leg_id)
    follow_plan(
        draft,
        event,
        settled=draft.fulfilled(ObligationKind.LEG_START, leg.leg_id),
        moves=sooner_check_in(draft.after(event), draft.at),
    )


@rule.register
def log_sponsor_contact(command: LogSponsorContact, draft: Draft) -> None:
    """Log a contact, by the mentee or this leg's sponsor."""
    leg = _leg_under_way(draft, command.leg_id)
    if draft.actor.role is Role.SPONSOR:
        _in_scope(draft, leg, Role.SPONSOR)
    draft.add(SponsorContactLogged(at=draft.at, leg_id=leg.leg_id, note=command.note))
