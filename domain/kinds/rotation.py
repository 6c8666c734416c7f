"""Rotation: legs in order, each with its annex, its deliverables, its debrief and its handover."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from domain.agreement import Agreement, Party
from domain.draft import Draft
from domain.events.rotation import LegStarted
from domain.narratives import Synthesis
from domain.opening import Owed, reconciled
from domain.terms import RotationTerms, Terms
from domain.terms.rotation import Leg
from domain.vocabulary import Kind, ObligationKind, Role


def rotation_terms(terms: Terms) -> RotationTerms:
    """The terms, known to be a rotation's.

    Raises:
        TypeError: If they are another kind's.
    """
    if not isinstance(terms, RotationTerms):
        raise TypeError(f"rotation rules were asked about a {terms.kind}")
    return terms


def legs_in_order(terms: Terms) -> tuple[Leg, ...]:
    """The legs as they follow one another."""
    return tuple(sorted(rotation_terms(terms).legs, key=lambda leg: leg.order))


def leg_after(terms: Terms, leg_id: str) -> Leg | None:
    """The leg that follows; None after the last."""
    legs = legs_in_order(terms)
    following = [leg.order for leg in legs if leg.leg_id == leg_id]
    later = [leg for leg in legs if following and leg.order > following[0]]
    return later[0] if later else None


def accepted(leg: Leg, agreement: Agreement) -> bool:
    """Whether every deliverable of a leg is accepted."""
    return all(
        f"{leg.leg_id}/{deliverable.deliverable_id}" in agreement.deliverables_accepted
        for deliverable in leg.deliverables
    )


def annexes_missing(leg: Leg, agreement: Agreement) -> tuple[Party, ...]:
    """Who has not yet signed a leg's annex: its manager and its sponsor."""
    signed = {signature.party for signature in agreement.signatures}
    needed = (agreement.holder(role, leg.leg_id) for role in (Role.LEG_MANAGER, Role.SPONSOR))
    return tuple(party for party in needed if party not in signed)


class RotationRules:
    """The programme agreement is signed once, an annex per leg; each leg opens the gate to the next."""

    kind = Kind.ROTATION
    plan_kinds = frozenset({ObligationKind.LEG_DELIVERABLE})
    end_decider = Role.PROGRAMME_OWNER
    synthesis_signers = (Role.MENTEE, Role.MENTOR, Role.LINE_MANAGER, Role.PROGRAMME_OWNER)

    def parties(self, terms: Terms) -> tuple[Party, ...]:
        """A manager and a sponsor per leg."""
        return tuple(
            party
            for leg in legs_in_order(terms)
            for party in (
                Party(role=Role.LEG_MANAGER, person_id=leg.manager, scope=leg.leg_id),
                Party(role=Role.SPONSOR, person_id=leg.sponsor, scope=leg.leg_id),
            )
        )

    def signatories(self, agreement: Agreement) -> tuple[Party, ...]:
        """Mentee, mentor, home manager and programme owner; legs have annexes."""
        roles = (Role.MENTEE, Role.MENTOR, Role.LINE_MANAGER, Role.PROGRAMME_OWNER)
        return tuple(agreement.holder(role) for role in roles)

    def owed_while_forming(self, agreement: Agreement) -> Iterable[Owed]:
        """The annex of each leg, asked for so many weeks before the leg as the terms promise."""
        terms = rotation_terms(agreement.terms)
        for leg in legs_in_order(terms):
            for party in annexes_missing(leg, agreement):
                calendar = agreement.calendar_of(party.person_id)
                yield Owed(
                    kind=ObligationKind.ANNEX_SIGNATURE,
                    subject=f"{leg.leg_id}:{party.role}",
                    owner=party,
                    anchor=max(
                        calendar.local_date(agreement.proposed_at),
                        leg.starts_on - timedelta(weeks=terms.notice_weeks),
                    ),
                )

    def may_conclude(self, agreement: Agreement) -> bool:
        """Whether the first leg's annex is signed."""
        return not annexes_missing(legs_in_order(agreement.terms)[0], agreement)

    def planned(self, agreement: Agreement) -> Iterable[Owed]:
        """The deliverables of the legs under way that are not accepted."""
        for leg in legs_in_order(agreement.terms):
            if leg.leg_id not in agreement.legs_started:
                continue
            for deliverable in leg.deliverables:
                subject = f"{leg.leg_id}/{deliverable.deliverable_id}"
                if subject not in agreement.deliverables_accepted:
                    yield Owed(
                        kind=ObligationKind.LEG_DELIVERABLE,
                        subject=subject,
                        owner=agreement.holder(Role.MENTEE),
                        anchor=leg.ends_on,
                    )

    def on_start(self, draft: Draft) -> None:
        """The first leg begins with the placement."""
        begin_leg(draft, legs_in_order(draft.agreement.terms)[0])

    def owed_at_end(self, agreement: Agreement) -> Iterable[Owed]:
        """The debrief of every leg that was begun, delivered or not."""
        for leg_id in agreement.legs_started:
            owed = Owed(
                kind=ObligationKind.LEG_DEBRIEF,
                subject=leg_id,
                owner=agreement.holder(Role.MENTEE),
                anchor=agreement.ends_on,
            )
            if leg_id not in agreement.legs_debriefed and owed.obligation_id not in agreement.obligations:
                yield owed

    def synthesis_gaps(self, agreement: Agreement, synthesis: Synthesis) -> Iterable[str]:  # noqa: ARG002
        """Legs that were begun and never debriefed."""
        missing = [leg_id for leg_id in agreement.legs_started if leg_id not in agreement.legs_debriefed]
        if missing:
            yield f"legs not debriefed: {', '.join(missing)}; debrief each first"


def begin_leg(draft: Draft, leg: Leg) -> None:
    """Adds the beginning of a leg, which puts its deliverables on the ledger."""
    begun = draft.agreement.model_copy(update={"legs_started": (*draft.agreement.legs_started, leg.leg_id)})
    rules = RotationRules()
    change = reconciled(begun, rules.planned(begun), rules.plan_kinds, draft.at)
    start = draft.fulfilled(ObligationKind.LEG_START, leg.leg_id)
    draft.add(
        LegStarted(
            at=draft.at,
            leg_id=leg.leg_id,
            ledger=change.model_copy(update={"settled": (*change.settled, *start)}),
        )
    )
