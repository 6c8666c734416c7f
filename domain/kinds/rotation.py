"""Rotation: legs in order, each with its annex, its deliverables, its debrief and its handover."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from domain.agreement.content import Synthesis
from domain.agreement.events import Event
from domain.agreement.events.rotation import LegStarted
from domain.agreement.state import Agreement, Party
from domain.kernel.vocabulary import Kind, ObligationKind, Role
from domain.scheduling.obligations import Owed
from domain.terms import RotationTerms, Terms
from domain.terms.rotation import Leg


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


def passed(leg: Leg, agreement: Agreement) -> bool:
    """Whether a leg is delivered, debriefed and handed over, so that the next may begin."""
    return accepted(leg, agreement) and not tuple(gate_owed(leg, agreement))


def gate_owed(leg: Leg, agreement: Agreement) -> Iterable[Owed]:
    """What a delivered leg still lacks before the next may begin: its debrief, and its handover."""
    for kind, done in (
        (ObligationKind.LEG_DEBRIEF, agreement.legs_debriefed),
        (ObligationKind.HANDOVER, agreement.legs_handed_over),
    ):
        if leg.leg_id not in done:
            yield Owed(kind=kind, subject=leg.leg_id, owner=agreement.holder(Role.MENTEE), anchor=leg.ends_on)


class RotationRules:
    """The programme agreement is signed once, an annex per leg; each leg opens the gate to the next."""

    kind = Kind.ROTATION
    plan_kinds = frozenset(
        {
            ObligationKind.ANNEX_SIGNATURE,
            ObligationKind.LEG_DELIVERABLE,
            ObligationKind.LEG_DEBRIEF,
            ObligationKind.HANDOVER,
            ObligationKind.LEG_START,
        }
    )
    end_decider = Role.PROGRAMME_OWNER
    synthesis_signers = (Role.MENTEE, Role.MENTOR, Role.LINE_MANAGER, Role.PROGRAMME_OWNER)

    def parties(self, terms: Terms, /) -> tuple[Party, ...]:
        """A manager and a sponsor per leg."""
        return tuple(
            party
            for leg in legs_in_order(terms)
            for party in (
                Party(role=Role.LEG_MANAGER, person_id=leg.manager, scope=leg.leg_id),
                Party(role=Role.SPONSOR, person_id=leg.sponsor, scope=leg.leg_id),
            )
        )

    def signatories(self, agreement: Agreement, /) -> tuple[Party, ...]:
        """Mentee, mentor, home manager and programme owner; legs have annexes."""
        roles = (Role.MENTEE, Role.MENTOR, Role.LINE_MANAGER, Role.PROGRAMME_OWNER)
        return tuple(agreement.holder(role) for role in roles)

    def may_conclude(self, agreement: Agreement, /) -> bool:
        """Whether the first leg's annex is signed."""
        return not annexes_missing(legs_in_order(agreement.terms)[0], agreement)

    def planned(self, agreement: Agreement, /) -> Iterable[Owed]:
        """Of each leg under way its deliverables, then its gate; of each leg ahead its annex."""
        legs = legs_in_order(agreement.terms)
        for leg in legs:
            if leg.leg_id not in agreement.legs_started:
                yield from self._annex(leg, agreement)
            elif accepted(leg, agreement):
                yield from gate_owed(leg, agreement)
            else:
                yield from self._deliverables(leg, agreement)
        started = [leg for leg in legs if leg.leg_id in agreement.legs_started]
        following = leg_after(agreement.terms, started[-1].leg_id) if started else None
        if following is not None and passed(started[-1], agreement):
            yield Owed(
                kind=ObligationKind.LEG_START,
                subject=following.leg_id,
                owner=agreement.holder(Role.LEG_MANAGER, following.leg_id),
                anchor=following.starts_on,
            )

    def _annex(self, leg: Leg, agreement: Agreement) -> Iterable[Owed]:
        """Asked for so many weeks before the leg as the terms promise."""
        notice = timedelta(weeks=rotation_terms(agreement.terms).notice_weeks)
        for party in annexes_missing(leg, agreement):
            calendar = agreement.calendar_of(party.person_id)
            yield Owed(
                kind=ObligationKind.ANNEX_SIGNATURE,
                subject=f"{leg.leg_id}:{party.role}",
                owner=party,
                anchor=max(calendar.local_date(agreement.proposed_at), leg.starts_on - notice),
            )

    def _deliverables(self, leg: Leg, agreement: Agreement) -> Iterable[Owed]:
        for deliverable in leg.deliverables:
            subject = f"{leg.leg_id}/{deliverable.deliverable_id}"
            if subject not in agreement.deliverables_accepted:
                yield Owed(
                    kind=ObligationKind.LEG_DELIVERABLE,
                    subject=subject,
                    owner=agreement.holder(Role.MENTEE),
                    anchor=leg.ends_on,
                )

    def begun(self, agreement: Agreement, at: datetime, /) -> Iterable[Event]:
        """The first leg begins with the placement."""
        return (LegStarted(at=at, leg_id=legs_in_order(agreement.terms)[0].leg_id),)

    def end_decided_on(self, terms: Terms, /) -> date | None:
        """The day by which the final destination is known."""
        return rotation_terms(terms).final_destination_decision_on

    def owed_at_end(self, agreement: Agreement, /) -> Iterable[Owed]:
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

    def synthesis_gaps(self, agreement: Agreement, _synthesis: Synthesis, /) -> Iterable[str]:
        """Legs that were begun and never debriefed."""
        missing = [leg_id for leg_id in agreement.legs_started if leg_id not in agreement.legs_debriefed]
        if missing:
            yield f"legs not debriefed: {', '.join(missing)}; debrief each first"
