"""Check what a placement asks of people who have others: one mentee twice, one mentor too much."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from activities.event_store.event_store import EventStore
from application.placements.batch import Placement
from domain.kernel.model import PersonId
from domain.kernel.person import Person
from domain.kernel.vocabulary import Role

ReportFinding = Callable[[Placement, str, str], None]
"""Told of a placement, a field and a sentence."""


async def check_mentees(event_store: EventStore, fresh: Sequence[Placement], report: ReportFinding) -> None:
    """Report mentees who would be in two placements on the same day."""
    for number, placement in enumerate(fresh):
        terms = placement.terms
        recorded = await event_store.read_models.overlapping_agreements(
            terms.mentee, terms.effective_from, terms.planned_end, placement.agreement_id
        )
        in_the_batch = [
            earlier.agreement_id
            for earlier in fresh[:number]
            if earlier.terms.mentee == terms.mentee
            and earlier.terms.effective_from <= terms.planned_end
            and earlier.terms.planned_end >= terms.effective_from
        ]
        if recorded or in_the_batch:
            report(
                placement,
                "mentee",
                f"{terms.mentee} is in {', '.join([*recorded, *in_the_batch])} during these dates; "
                "choose other dates, or allow it with --allow-overlap",
            )


async def check_mentors(
    event_store: EventStore,
    fresh: Sequence[Placement],
    people: Mapping[PersonId, Person],
    report: ReportFinding,
) -> None:
    """Report mentors who would promise more hours, over all mentees, than they can give."""
    promised: dict[PersonId, float] = {}
    through: dict[PersonId, list[str]] = {}
    for placement in fresh:
        mentor = people.get(placement.terms.mentor)
        if mentor is None or mentor.mentor_hours_per_month is None:
            continue
        who = mentor.person_id
        if who not in promised:
            promised[who] = await event_store.read_models.mentor_hours(who)
            mine = await event_store.read_models.agreements(person_id=who, only_open=True)
            through[who] = [
                row.agreement_id
                for row in mine
                if any(party.role is Role.MENTOR and party.person_id == who for party in row.head.parties)
            ]
        asked = placement.terms.mentor_commitment.hours_per_month
        if promised[who] + asked > mentor.mentor_hours_per_month:
            already = f" and {promised[who]:g} are promised in {', '.join(through[who])}" * bool(through[who])
            report(
                placement,
                "mentor_commitment.hours_per_month",
                f"asks {asked:g} hours a month of {who}, who can give {mentor.mentor_hours_per_month:g}"
                f"{already}; agree on fewer, name another mentor, or allow it with --allow-overlap",
            )
        promised[who] += asked
        through[who].append(placement.agreement_id)
