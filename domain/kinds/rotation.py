"""Rotation: legs in order, each with its annex, its deliverables, its debrief and its handover."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from domain.agreement.commands.rotation import (
    AcceptDeliverable,
    CompleteHandover,
    DebriefLeg,
    LogSponsorContact,
    SignAnnex,
    StartLeg,
)
from domain.agreement.content import Synthesis
from domain.agreement.events import Event
from domain.agreement.events.rotation import LegStarted
from domain.agreement.state import Agreement, Party
from domain.agreement.succession import in_present_names
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.vocabulary import Kind, ObligationKind, Phase, Role
from domain.kinds.rules import KindRules, Progress
from domain.scheduling.obligations import NewObligation
from domain.terms import RotationTerms, Terms
from domain.terms.rotation import LONGEST_MONTHS, Leg
from domain.terms.rules.rule import months_after

ANNEX_SIGNERS = (Role.LEG_MANAGER, Role.SPONSOR)
"""Who signs the annex of a leg."""


def rotation_terms(terms: Terms) -> RotationTerms:
    """Return the terms, known to be a rotation's.

    Raises:
        TypeError: If they are another kind's.
    """
    if not isinstance(terms, RotationTerms):
        raise TypeError(f"rotation rules were asked about a {terms.kind}")
    return terms


def legs_in_order(terms: Terms) -> tuple[Leg, ...]:
    """Return the legs as they follow one another."""
    return tuple(sorted(rotation_terms(terms).legs, key=lambda leg: leg.order))


def leg_after(terms: Terms, leg_id: str) -> Leg | None:
    """Return the leg that follows; None after the last."""
    legs = legs_in_order(terms)
    following = [leg.order for leg in legs if leg.leg_id == leg_id]
    later = [leg for leg in legs if following and leg.order > following[0]]
    return later[0] if later else None


def deliverables_of(leg: Leg) -> frozenset[str]:
    """Return the ids of a leg's deliverables within the agreement, as `<leg id>/<deliverable id>`."""
    return frozenset(f"{leg.leg_id}/{deliverable.deliverable_id}" for deliverable in leg.deliverables)


def is_delivered(leg: Leg, agreement: Agreement) -> bool:
    """Return whether every deliverable of a leg is accepted."""
    return deliverables_of(leg) <= agreement.deliverables_accepted


def annexes_missing(leg: Leg, agreement: Agreement) -> tuple[Party, ...]:
    """Return who has not yet signed a leg's annex, of its manager and its sponsor."""
    signed = {signature.party for signature in agreement.signatures}
    needed = (agreement.holder(role, leg.leg_id) for role in ANNEX_SIGNERS)
    return tuple(party for party in needed if party not in signed)


def is_complete(leg: Leg, agreement: Agreement) -> bool:
    """Return whether a leg is delivered, debriefed and handed over, so that the next may begin."""
    return is_delivered(leg, agreement) and not tuple(owed_after_delivery(leg, agreement))


def owed_after_delivery(leg: Leg, agreement: Agreement) -> Iterable[NewObligation]:
    """Yield what a delivered leg still lacks before the next may begin: its debrief, and its handover."""
    for kind, done in (
        (ObligationKind.LEG_DEBRIEF, agreement.legs_debriefed),
        (ObligationKind.HANDOVER, agreement.legs_handed_over),
    ):
        if leg.leg_id not in done:
            yield NewObligation(
                kind=kind, subject=leg.leg_id, owner=agreement.holder(Role.MENTEE), anchor=leg.ends_on
            )


class RotationRules(KindRules):
    """The programme agreement is signed once, an annex per leg; each leg opens the gate to the next."""

    kind = Kind.ROTATION
    own_commands = frozenset(
        {SignAnnex, AcceptDeliverable, DebriefLeg, CompleteHandover, StartLeg, LogSponsorContact}
    )
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
        """Return a manager and a sponsor per leg."""
        return tuple(
            party
            for leg in legs_in_order(terms)
            for party in (
                Party(role=Role.LEG_MANAGER, person_id=leg.manager, scope=leg.leg_id),
                Party(role=Role.SPONSOR, person_id=leg.sponsor, scope=leg.leg_id),
            )
        )

    def signatories(self, agreement: Agreement, /) -> tuple[Party, ...]:
        """Return mentee, mentor, home manager and programme owner; legs have annexes."""
        roles = (Role.MENTEE, Role.MENTOR, Role.LINE_MANAGER, Role.PROGRAMME_OWNER)
        return tuple(agreement.holder(role) for role in roles)

    def latest_end(self, terms: Terms, /) -> date:
        """Return the end of the longest programme."""
        return months_after(terms.effective_from, LONGEST_MONTHS)

    def may_conclude(self, agreement: Agreement, /) -> bool:
        """Return whether the first leg's annex is signed."""
        return not annexes_missing(legs_in_order(agreement.terms)[0], agreement)

    def planned(self, agreement: Agreement, /) -> Iterable[NewObligation]:
        """Yield of each leg under way its deliverables, then its gate; of each leg ahead its annex."""
        legs = legs_in_order(agreement.terms)
        for leg in legs:
            if leg.leg_id not in agreement.legs_started:
                yield from self._annex(leg, agreement)
            elif is_delivered(leg, agreement):
                yield from owed_after_delivery(leg, agreement)
            else:
                yield from self._deliverables(leg, agreement)
        started = [leg for leg in legs if leg.leg_id in agreement.legs_started]
        following = leg_after(agreement.terms, started[-1].leg_id) if started else None
        if following is not None and is_complete(started[-1], agreement):
            yield NewObligation(
                kind=ObligationKind.LEG_START,
                subject=following.leg_id,
                owner=agreement.holder(Role.LEG_MANAGER, following.leg_id),
                anchor=following.starts_on,
            )

    def _annex(self, leg: Leg, agreement: Agreement) -> Iterable[NewObligation]:
        """Ask for an annex so many weeks before the leg as the terms promise."""
        notice = timedelta(weeks=rotation_terms(agreement.terms).notice_weeks)
        for party in annexes_missing(leg, agreement):
            calendar = agreement.calendar_of(party.person_id)
            yield NewObligation(
                kind=ObligationKind.ANNEX_SIGNATURE,
                subject=f"{leg.leg_id}:{party.role}",
                owner=party,
                anchor=max(calendar.local_date(agreement.proposed_at), leg.starts_on - notice),
            )

    def _deliverables(self, leg: Leg, agreement: Agreement) -> Iterable[NewObligation]:
        for deliverable in leg.deliverables:
            subject = f"{leg.leg_id}/{deliverable.deliverable_id}"
            if subject not in agreement.deliverables_accepted:
                yield NewObligation(
                    kind=ObligationKind.LEG_DELIVERABLE,
                    subject=subject,
                    owner=agreement.holder(Role.MENTEE),
                    anchor=leg.ends_on,
                )

    def start_events(self, agreement: Agreement, at: datetime, /) -> Iterable[Event]:
        """Begin the first leg with the placement."""
        return (LegStarted(at=at, leg_id=legs_in_order(agreement.terms)[0].leg_id),)

    def end_decided_on(self, terms: Terms, /) -> date | None:
        """Return the day by which the final destination is known."""
        return rotation_terms(terms).final_destination_decision_on

    def owed_at_end(self, agreement: Agreement, /) -> Iterable[NewObligation]:
        """Yield the debrief of every leg that was begun, delivered or not."""
        for leg_id in agreement.legs_started:
            owed = NewObligation(
                kind=ObligationKind.LEG_DEBRIEF,
                subject=leg_id,
                owner=agreement.holder(Role.MENTEE),
                anchor=agreement.ends_on,
            )
            if leg_id not in agreement.legs_debriefed and owed.obligation_id not in agreement.obligations:
                yield owed

    def counted_from(self, agreement: Agreement, owed: NewObligation, /) -> NewObligation:
        """Return a leg's debrief or handover with the last day of the leg, where the terms have it."""
        if owed.kind not in {ObligationKind.LEG_DEBRIEF, ObligationKind.HANDOVER}:
            return owed
        last_days = {leg.leg_id: leg.ends_on for leg in rotation_terms(agreement.terms).legs}
        return owed.model_copy(update={"anchor": last_days.get(owed.subject)})

    def check_amendment(self, agreement: Agreement, terms: Terms, /) -> None:
        """Refuse terms without a leg that has started, or with other people in a leg."""
        legs = {leg.leg_id for leg in rotation_terms(terms).legs}
        gone = [leg_id for leg_id in agreement.legs_started if leg_id not in legs]
        if gone and agreement.phase is Phase.ACTIVE:
            raise Refused(
                RefusalCode.OUTSIDE_THE_PLACEMENT,
                f"terms.legs: {', '.join(gone)} has started and cannot be taken out.",
            )
        present = in_present_names(terms, agreement.reassignments)
        asked = {(party.role, party.scope): party for party in self.parties(present)}
        for party in agreement.parties:
            named = asked.get((party.role, party.scope))
            if party.scope and named is not None and named != party:
                raise Refused(
                    RefusalCode.TERMS_INVALID,
                    f"terms.legs: {party.role} of {party.scope} is {party.person_id}; "
                    "use reassign_role instead.",
                )

    def further_signatures(self, agreement: Agreement, /) -> Progress:
        """Count the signatures under the annexes of all legs."""
        legs = legs_in_order(agreement.terms)
        total = len(ANNEX_SIGNERS) * len(legs)
        return Progress(total - sum(len(annexes_missing(leg, agreement)) for leg in legs), total)

    def deliveries(self, agreement: Agreement, /) -> Progress:
        """Count the deliverables of all legs."""
        wanted = frozenset[str]().union(*map(deliverables_of, rotation_terms(agreement.terms).legs))
        return Progress(len(agreement.deliverables_accepted & wanted), len(wanted))

    def synthesis_gaps(self, agreement: Agreement, _synthesis: Synthesis, /) -> Iterable[str]:
        """Name the legs that were begun and never debriefed."""
        missing = [leg_id for leg_id in agreement.legs_started if leg_id not in agreement.legs_debriefed]
        if missing:
            yield f"legs not debriefed: {', '.join(missing)}; debrief each first"
