"""Rules for rotations."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise

from domain.kernel.model import PersonId
from domain.kernel.vocabulary import Role
from domain.terms.common import CommonTerms
from domain.terms.problems import Problem, path
from domain.terms.rotation import LONGEST_MONTHS, Leg, RotationTerms
from domain.terms.rules.people import APART_FROM_APPRAISAL, NOT_THE_MENTEE, enough_sources, not_the_mentee
from domain.terms.rules.rule import ROLE_FIELDS, Rule, not_held, outside_window, repeated, rule, too_long

FEWEST_LEGS = 2


@rule("kind", "effective_from", "planned_end")
def it_ends_within_years(terms: RotationTerms) -> Iterator[Problem]:
    """Refuse more than three years."""
    yield from too_long(terms, LONGEST_MONTHS)


@rule("legs")
def legs_follow_one_another(terms: RotationTerms) -> Iterator[Problem]:
    """Ask for legs to rotate through, numbered in the order of their dates."""
    if len(terms.legs) < FEWEST_LEGS:
        yield Problem(
            field="legs", sentence=f"holds {len(terms.legs)}; a rotation needs at least {FEWEST_LEGS}"
        )
    yield from repeated((leg.leg_id for leg in terms.legs), "legs", field="leg_id")
    for place, (index, leg) in enumerate(_in_order(terms), start=1):
        if leg.order != place:
            yield Problem(
                field=path("legs", index, "order"),
                sentence=f"is {leg.order}, but by its dates this is leg {place}",
            )
        if leg.ends_on < leg.starts_on:
            yield Problem(
                field=path("legs", index, "ends_on"),
                sentence=f"is {leg.ends_on}, before starts_on, which is {leg.starts_on}",
            )


@rule("legs", "effective_from", "planned_end")
def legs_lie_inside_the_placement(terms: RotationTerms) -> Iterator[Problem]:
    """Refuse a leg that begins or ends while the rotation does not run."""
    for index, leg in enumerate(terms.legs):
        yield from outside_window(leg.starts_on, terms, path("legs", index, "starts_on"))
        yield from outside_window(leg.ends_on, terms, path("legs", index, "ends_on"))


@rule("legs", "transition_gap_days_allowed")
def legs_neither_overlap_nor_leave_gaps(terms: RotationTerms) -> Iterator[Problem]:
    """Refuse two legs at a time, and days between two that nobody accounts for."""
    for (_, earlier), (index, later) in pairwise(_in_order(terms)):
        if later.starts_on <= earlier.ends_on:
            yield Problem(
                field=path("legs", index, "starts_on"),
                sentence=f"is {later.starts_on}, but leg {earlier.leg_id!r} lasts until {earlier.ends_on}: "
                "legs must not overlap",
            )
        elif later.gap_explanation is None:
            yield from _gap(terms, path("legs", index), earlier.ends_on, later.starts_on)


@rule("legs", "transition_gap_days_allowed", "effective_from", "planned_end")
def legs_fill_the_placement(terms: RotationTerms) -> Iterator[Problem]:
    """Ask for a first leg that begins, and a last that ends, with the rotation."""
    if not terms.legs:
        return
    ordered = _in_order(terms)
    index, first = ordered[0]
    before = (first.starts_on - terms.effective_from).days
    if before > terms.transition_gap_days_allowed and first.gap_explanation is None:
        yield Problem(
            field=path("legs", index, "gap_explanation"),
            sentence=f"is required: {before} days between effective_from and this leg belong to no leg, and "
            f"transition_gap_days_allowed is {terms.transition_gap_days_allowed}",
        )
    after = (terms.planned_end - ordered[-1][1].ends_on).days
    if after > terms.transition_gap_days_allowed:
        yield Problem(
            field="planned_end",
            sentence=f"is {after} days after the last leg ends, and transition_gap_days_allowed is "
            f"{terms.transition_gap_days_allowed}",
        )


def _gap(terms: RotationTerms, leg: str, ended: date, starts: date) -> Iterator[Problem]:
    gap = (starts - ended).days - 1
    if gap > terms.transition_gap_days_allowed:
        yield Problem(
            field=path(leg, "gap_explanation"),
            sentence=f"is required: {gap} days before this leg belong to no leg, and "
            f"transition_gap_days_allowed is {terms.transition_gap_days_allowed}",
        )


@rule("legs")
def every_leg_is_worth_it(terms: RotationTerms) -> Iterator[Problem]:
    """Ask each leg for a challenge of its own, deliverables, partners and something to see."""
    yield from repeated((leg.challenge_id for leg in terms.legs), "legs", field="challenge_id")
    for index, leg in enumerate(terms.legs):
        if not leg.deliverables:
            yield Problem(field=path("legs", index, "deliverables"), sentence="holds no deliverable")
        if not leg.partner_teams:
            yield Problem(
                field=path("legs", index, "partner_teams"),
                sentence="names no team; every leg works with at least one other team",
            )
        if not leg.exposure:
            yield Problem(
                field=path("legs", index, "exposure"),
                sentence="names no style, framework or stakeholder to see",
            )


@rule("legs", *ROLE_FIELDS)
def deliverables_are_verified_by_somebody_else(terms: RotationTerms) -> Iterator[Problem]:
    """Refuse a deliverable accepted by the mentee, or by somebody who takes no part."""
    for index, leg in enumerate(terms.legs):
        ids = (each.deliverable_id for each in leg.deliverables)
        yield from repeated(ids, "legs", index, "deliverables", field="deliverable_id")
        for place, deliverable in enumerate(leg.deliverables):
            field = path("legs", index, "deliverables", place, "verifier")
            if deliverable.verifier is Role.MENTEE:
                yield Problem(field=field, sentence=NOT_THE_MENTEE)
            yield from not_held(deliverable.verifier, terms, field)


@rule("legs", "mentee")
def the_mentee_neither_manages_nor_sponsors(terms: RotationTerms) -> Iterator[Problem]:
    """Ask for three people in each leg: the mentee, a manager and a sponsor."""
    for index, leg in enumerate(terms.legs):
        if leg.manager == terms.mentee:
            yield Problem(field=path("legs", index, "manager"), sentence=NOT_THE_MENTEE)
        if leg.sponsor == terms.mentee:
            yield Problem(field=path("legs", index, "sponsor"), sentence=NOT_THE_MENTEE)
        if leg.sponsor == leg.manager:
            yield Problem(
                field=path("legs", index, "sponsor"),
                sentence="must be somebody other than the leg's manager: a sponsor opens further doors",
            )


@rule("legs", "mentor")
def the_mentor_manages_no_leg(terms: RotationTerms) -> Iterator[Problem]:
    """Refuse a mentor who also appraises."""
    for index, leg in enumerate(terms.legs):
        if leg.manager == terms.mentor:
            yield Problem(
                field=path("legs", index, "manager"),
                sentence=f"must be somebody other than the mentor: {APART_FROM_APPRAISAL}",
            )


@rule("effective_from", "planned_end", "final_destination_decision_on")
def the_destination_is_decided_in_time(terms: RotationTerms) -> Iterator[Problem]:
    """Ask for a decision on where the mentee goes next before the rotation is over."""
    if terms.final_destination_decision_on == terms.planned_end:
        yield Problem(field="final_destination_decision_on", sentence="must be before planned_end")
    yield from outside_window(terms.final_destination_decision_on, terms, "final_destination_decision_on")


def _in_order(terms: RotationTerms) -> list[tuple[int, Leg]]:
    return sorted(enumerate(terms.legs), key=lambda numbered: (numbered[1].starts_on, numbered[1].order))


def _leg_people(terms: CommonTerms) -> set[PersonId]:
    legs: tuple[Leg, ...] = getattr(terms, "legs", ())
    return {person for leg in legs for person in (leg.manager, leg.sponsor)}


RULES: tuple[Rule[RotationTerms], ...] = (
    it_ends_within_years,
    legs_follow_one_another,
    legs_lie_inside_the_placement,
    legs_neither_overlap_nor_leave_gaps,
    legs_fill_the_placement,
    every_leg_is_worth_it,
    deliverables_are_verified_by_somebody_else,
    the_mentee_neither_manages_nor_sponsors,
    the_mentor_manages_no_leg,
    not_the_mentee("home_anchor_manager"),
    the_destination_is_decided_in_time,
    enough_sources(("legs",), _leg_people),
)
