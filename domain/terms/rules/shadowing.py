"""Rules for shadowing stints."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

from domain.kernel.model import PersonId
from domain.terms.common import CommonTerms
from domain.terms.problems import Problem, path
from domain.terms.rules.people import enough_sources, not_the_mentee, people_in
from domain.terms.rules.rule import Rule, repeated, rule, too_long
from domain.terms.shadowing import LONGEST_MONTHS, PlannedSession, SessionPhase, ShadowingTerms

EARLIEST_ZONE = timedelta(hours=14)
"""A day begins up to so long before it does in UTC."""
LATEST_ZONE = timedelta(hours=12)
"""A day ends up to so long after it does in UTC."""


@rule("kind", "effective_from", "planned_end")
def it_is_short(terms: ShadowingTerms) -> Iterator[Problem]:
    """Refuse more than half a year."""
    yield from too_long(terms, LONGEST_MONTHS)


@rule("host_experts")
def there_are_hosts(terms: ShadowingTerms) -> Iterator[Problem]:
    """Ask for somebody to shadow, named once."""
    if not terms.host_experts:
        yield Problem(field="host_experts", sentence="names nobody to shadow")
    yield from repeated(terms.host_experts, "host_experts", field="")


@rule("sessions", "host_experts")
def sessions_have_hosts(terms: ShadowingTerms) -> Iterator[Problem]:
    """Refuse a session that is not beside one of the host experts."""
    for index, session in enumerate(terms.sessions):
        if session.host_expert not in terms.host_experts:
            yield Problem(field=path("sessions", index, "host_expert"), sentence="is not one of host_experts")


@rule("focus_tags", "sessions")
def sessions_have_a_focus(terms: ShadowingTerms) -> Iterator[Problem]:
    """Ask each session for a focus that the terms name."""
    if not terms.focus_tags:
        yield Problem(field="focus_tags", sentence="names nothing to look at")
    yield from repeated(terms.focus_tags, "focus_tags", field="")
    for index, session in enumerate(terms.sessions):
        if not session.focus:
            yield Problem(field=path("sessions", index, "focus"), sentence="names nothing to look at")
        for place, focus in enumerate(session.focus):
            if focus not in terms.focus_tags:
                yield Problem(
                    field=path("sessions", index, "focus", place),
                    sentence=f"is {focus!r}, not one of focus_tags",
                )


@rule("indicators")
def there_are_indicators(terms: ShadowingTerms) -> Iterator[Problem]:
    """Ask for a result that debriefs tie behaviour to."""
    if not terms.indicators:
        yield Problem(field="indicators", sentence="holds no indicator for debriefs to tie behaviour to")
    yield from repeated((each.indicator_id for each in terms.indicators), "indicators", field="indicator_id")


@rule("sessions", "effective_from", "planned_end")
def sessions_lie_inside_the_placement(terms: ShadowingTerms) -> Iterator[Problem]:
    """Refuse a session outside the stint, in whatever time zone its host lives."""
    if terms.planned_end < terms.effective_from:
        return
    opens = datetime.combine(terms.effective_from, time.min, UTC) - EARLIEST_ZONE
    closes = datetime.combine(terms.planned_end + timedelta(days=1), time.min, UTC) + LATEST_ZONE
    for index, session in enumerate(terms.sessions):
        if session.starts_at < opens or _end(session) > closes:
            yield Problem(
                field=path("sessions", index, "starts_at"),
                sentence=f"is {session.starts_at:%Y-%m-%d}, outside the placement, which runs from "
                f"{terms.effective_from} to {terms.planned_end}",
            )


@rule("sessions")
def sessions_do_not_overlap(terms: ShadowingTerms) -> Iterator[Problem]:
    """Refuse two sessions at a time."""
    yield from repeated((each.session_id for each in terms.sessions), "sessions", field="session_id")
    for (_, earlier), (index, later) in pairwise(_in_order(terms)):
        if later.starts_at < _end(earlier):
            yield Problem(
                field=path("sessions", index, "starts_at"),
                sentence=f"is before session {earlier.session_id!r} is over",
            )


@rule("sessions", "longest_observation_run", "minimum_practice_share")
def observation_leads_to_practice(terms: ShadowingTerms) -> Iterator[Problem]:
    """Ask for observing that alternates with practising, and for enough practice."""
    if not terms.sessions:
        yield Problem(field="sessions", sentence="plans no session")
    elif all(session.phase is SessionPhase.OBSERVE for session in terms.sessions):
        yield Problem(
            field="sessions", sentence="observes without ever practising; at least one session must practise"
        )
    else:
        yield from _practice_share(terms)
    yield from _observation_runs(terms)


def _practice_share(terms: ShadowingTerms) -> Iterator[Problem]:
    total = sum(session.minutes for session in terms.sessions)
    practice = sum(session.minutes for session in terms.sessions if session.phase is SessionPhase.PRACTISE)
    if practice < terms.minimum_practice_share * total:
        yield Problem(
            field="sessions",
            sentence=f"practises for {practice} of {total} minutes ({practice / total:.0%}), less than "
            f"minimum_practice_share ({terms.minimum_practice_share:.0%})",
        )


def _observation_runs(terms: ShadowingTerms) -> Iterator[Problem]:
    run = 0
    for index, session in _in_order(terms):
        run = run + 1 if session.phase is SessionPhase.OBSERVE else 0
        if run == terms.longest_observation_run + 1:
            yield Problem(
                field=path("sessions", index, "phase"),
                sentence=f"makes {run} observations in a row; longest_observation_run allows "
                f"{terms.longest_observation_run}",
            )


@rule("sessions", "hours_cap")
def sessions_keep_to_the_hours_cap(terms: ShadowingTerms) -> Iterator[Problem]:
    """Refuse sessions that together take more hours than were released."""
    hours = sum(session.minutes for session in terms.sessions) / 60
    if hours > terms.hours_cap:
        yield Problem(
            field="sessions", sentence=f"takes {hours:g} hours, more than hours_cap ({terms.hours_cap:g})"
        )


def _in_order(terms: ShadowingTerms) -> list[tuple[int, PlannedSession]]:
    return sorted(enumerate(terms.sessions), key=lambda numbered: numbered[1].starts_at)


def _end(session: PlannedSession) -> datetime:
    return session.starts_at + timedelta(minutes=session.minutes)


def _hosts(terms: CommonTerms) -> set[PersonId]:
    return {person for _, person in people_in(terms, "host_experts")}


RULES: tuple[Rule[ShadowingTerms], ...] = (
    it_is_short,
    there_are_hosts,
    not_the_mentee("host_experts"),
    sessions_have_hosts,
    sessions_have_a_focus,
    there_are_indicators,
    sessions_lie_inside_the_placement,
    sessions_do_not_overlap,
    observation_leads_to_practice,
    sessions_keep_to_the_hours_cap,
    enough_sources(("host_experts",), _hosts),
)
