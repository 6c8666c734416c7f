"""What is allowed and seldom meant: warnings, by kind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from domain.kernel.vocabulary import Kind
from domain.terms.common import CommonTerms
from domain.terms.problems import Problem, path
from domain.terms.rotation import SHORTEST_LEG_DAYS, RotationTerms
from domain.terms.rules import criteria
from domain.terms.rules.rule import Rule, months_after, rule
from domain.terms.secondment import RETURN_MEETING_DAYS_BEFORE_END, USUAL_MONTHS, SecondmentTerms
from domain.terms.shadowing import SessionPhase, ShadowingTerms

LONG_CADENCE_DAYS: Final = {Kind.SECONDMENT: 28, Kind.SHADOWING: 7, Kind.ROTATION: 21}
"""The silence limits of the default policy (20, 5 and 15 working days) as calendar days: whoever meets
less often than that is silent between two check-ins."""

DAYS_PER_MONTH = 30.4


@rule("kind", "cadence")
def check_ins_are_not_too_rare(terms: CommonTerms) -> Iterator[Problem]:
    """Warn of check-ins so rare that silence counts as a stall before the next."""
    longest = LONG_CADENCE_DAYS[terms.kind]
    if terms.cadence.check_in_days > longest:
        yield Problem(
            field="cadence.check_in_days",
            sentence=f"is {terms.cadence.check_in_days}; beyond {longest} days a {terms.kind} "
            "counts as silent between two check-ins",
        )


@rule("cadence", "mentor_commitment")
def the_mentor_has_time_for_the_cadence(terms: CommonTerms) -> Iterator[Problem]:
    """Warn of fewer hours offered than the meetings agreed take."""
    cadence = terms.cadence
    minutes = DAYS_PER_MONTH * (
        cadence.check_in_minutes / cadence.check_in_days
        + cadence.reflective_session_minutes / cadence.reflective_session_days
    )
    if minutes / 60 > terms.mentor_commitment.hours_per_month:
        yield Problem(
            field="mentor_commitment.hours_per_month",
            sentence=f"is {terms.mentor_commitment.hours_per_month:g}, less than the {minutes / 60:.1f} "
            "hours a month that the cadence asks for",
        )


@rule("objectives", "skills_baseline")
def skills_have_a_level_before(terms: CommonTerms) -> Iterator[Problem]:
    """Warn of a skill that the synthesis could not say the gain of."""
    known = {each.skill.uri for each in terms.skills_baseline}
    for index, objective in enumerate(terms.objectives):
        if objective.skill.uri not in known:
            yield Problem(
                field=path("objectives", index, "skill"),
                sentence="has no level in skills_baseline, so the synthesis cannot say what was gained",
            )


@rule("effective_from", "planned_end")
def a_secondment_is_rarely_longer_than_a_year(terms: SecondmentTerms) -> Iterator[Problem]:
    """Warn of a length that is allowed, and unusual."""
    if terms.planned_end > months_after(terms.effective_from, USUAL_MONTHS):
        yield Problem(field="planned_end", sentence=f"makes it longer than the usual {USUAL_MONTHS} months")


@rule("planned_end", "return_plan")
def the_return_meeting_is_early_enough(terms: SecondmentTerms) -> Iterator[Problem]:
    """Warn of a way back that is talked about less than a month ahead."""
    latest = terms.planned_end - timedelta(days=RETURN_MEETING_DAYS_BEFORE_END)
    if terms.return_plan is not None and terms.return_plan.meeting_due > latest:
        yield Problem(
            field="return_plan.meeting_due",
            sentence=f"is after {latest}; the return is best planned "
            f"{RETURN_MEETING_DAYS_BEFORE_END} days ahead",
        )


@rule("backfill_plan")
def cover_can_end_early(terms: SecondmentTerms) -> Iterator[Problem]:
    """Warn of an early return without a post to return to."""
    if not terms.backfill_plan.may_end_early:
        yield Problem(
            field="backfill_plan.may_end_early", sentence="is false, which leaves no room for an early return"
        )


@rule("milestones")
def a_secondment_proves_its_impact(terms: SecondmentTerms) -> Iterator[Problem]:
    """Warn of milestones without a micro-project, the small proof."""
    if all(milestone.kind != "micro_project" for milestone in terms.milestones):
        yield Problem(field="milestones", sentence="holds no micro_project, the usual proof of impact")


@rule("focus_tags", "sessions")
def every_focus_is_looked_at(terms: ShadowingTerms) -> Iterator[Problem]:
    """Warn of a focus that is left without a session."""
    seen = {focus for session in terms.sessions for focus in session.focus}
    for index, focus in enumerate(terms.focus_tags):
        if focus not in seen:
            yield Problem(
                field=path("focus_tags", index), sentence=f"is {focus!r}, which no session looks at"
            )


@rule("host_experts", "sessions")
def every_host_is_shadowed(terms: ShadowingTerms) -> Iterator[Problem]:
    """Warn of a host who is asked to sign for nothing."""
    hosting = {session.host_expert for session in terms.sessions}
    for index, host in enumerate(terms.host_experts):
        if host not in hosting:
            yield Problem(field=path("host_experts", index), sentence="hosts no session")


@rule("sessions")
def observation_comes_first(terms: ShadowingTerms) -> Iterator[Problem]:
    """Warn of practice before the mentee has seen it done."""
    if terms.sessions:
        index, first = min(enumerate(terms.sessions), key=lambda numbered: numbered[1].starts_at)
        if first.phase is not SessionPhase.OBSERVE:
            yield Problem(
                field=path("sessions", index, "phase"), sentence="practises before anything was observed"
            )


@rule("legs")
def exposure_differs_between_legs(terms: RotationTerms) -> Iterator[Problem]:
    """Warn of legs that show the same things: what repeats teaches less."""
    first: dict[str, str] = {}
    for index, leg in enumerate(terms.legs):
        for place, tag in enumerate(leg.exposure):
            if first.setdefault(tag, leg.leg_id) != leg.leg_id:
                yield Problem(
                    field=path("legs", index, "exposure", place),
                    sentence=f"is {tag!r}, which leg {first[tag]!r} shows already",
                )


@rule("legs")
def legs_are_long_enough(terms: RotationTerms) -> Iterator[Problem]:
    """Warn of a leg too short to do something in."""
    for index, leg in enumerate(terms.legs):
        days = (leg.ends_on - leg.starts_on).days + 1
        if days < SHORTEST_LEG_DAYS:
            yield Problem(
                field=path("legs", index, "ends_on"),
                sentence=f"makes the leg {days} days long; {SHORTEST_LEG_DAYS} days are the usual least",
            )


@rule("legs", "approved_at", "notice_weeks")
def legs_are_announced_in_time(terms: RotationTerms) -> Iterator[Problem]:
    """Warn of a leg that not everybody knows of so many weeks before."""
    for index, leg in enumerate(terms.legs):
        days = (leg.starts_on - terms.approved_at.date()).days
        if days < terms.notice_weeks * 7:
            yield Problem(
                field=path("legs", index, "starts_on"),
                sentence=f"is {days} days after approved_at, less than notice_weeks ({terms.notice_weeks})",
            )


COMMON: tuple[Rule[CommonTerms], ...] = (
    *criteria.RULES,
    check_ins_are_not_too_rare,
    the_mentor_has_time_for_the_cadence,
    skills_have_a_level_before,
)
SECONDMENT: tuple[Rule[SecondmentTerms], ...] = (
    a_secondment_is_rarely_longer_than_a_year,
    the_return_meeting_is_early_enough,
    cover_can_end_early,
    a_secondment_proves_its_impact,
)
SHADOWING: tuple[Rule[ShadowingTerms], ...] = (
    every_focus_is_looked_at,
    every_host_is_shadowed,
    observation_comes_first,
)
ROTATION: tuple[Rule[RotationTerms], ...] = (
    exposure_differs_between_legs,
    legs_are_long_enough,
    legs_are_announced_in_time,
)
