"""Whom a change of terms affects, and which changes a running agreement can take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from domain.agreement.state import Agreement, Party
from domain.agreement.succession import in_present_names
from domain.kernel.digests import digest_by_field
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.vocabulary import Phase, Role
from domain.kinds import KINDS
from domain.terms import Terms
from domain.terms.checks import problems
from domain.terms.people import fields_naming_people
from domain.terms.rules.criteria import unassessable

_MENTEE_AND_MENTOR = frozenset({Role.MENTEE, Role.MENTOR})
_HOSTS = frozenset({Role.HOST_MANAGER, Role.HOST_EXPERT})

AFFECTS: Mapping[str, frozenset[Role]] = {
    "objectives": _MENTEE_AND_MENTOR | {Role.LINE_MANAGER},
    "success_criteria": _MENTEE_AND_MENTOR | {Role.LINE_MANAGER},
    "milestones": _MENTEE_AND_MENTOR | _HOSTS,
    "cadence": _MENTEE_AND_MENTOR,
    "mentor_commitment": _MENTEE_AND_MENTOR,
    "minimum_feedback_sources": _MENTEE_AND_MENTOR,
    "boundaries": frozenset({Role.MENTEE, Role.LINE_MANAGER}) | _HOSTS,
    "development_plan_ref": _MENTEE_AND_MENTOR,
}
"""Which roles a change of a field affects, whatever the kind. Where neither this nor the kind's rules list a
field, every signatory."""

FIXED = frozenset({"schema_version", "request_id", "tenant", "kind", "approved_at", "approved_by"})
"""What no amendment changes: they say which request this is."""


def changed_fields(agreement: Agreement, terms: Terms) -> tuple[str, ...]:
    """Return the top-level fields in which these terms differ from those in force, words included."""
    digests = digest_by_field(terms)
    return tuple(
        field
        for field in sorted(digests.keys() | agreement.digests.keys())
        if digests.get(field) != agreement.digests.get(field)
    )


def affected_by(agreement: Agreement, changed: Iterable[str]) -> tuple[Party, ...]:
    """Return the signatories who have to consent to a change of these fields."""
    rules = KINDS[agreement.kind]
    affects = {**AFFECTS, **rules.roles_affected}
    fields = tuple(changed)
    return tuple(
        party
        for party in rules.signatories(agreement)
        if any(field not in affects or party.role in affects[field] for field in fields)
    )


def parties_under(agreement: Agreement, terms: Terms) -> tuple[Party, ...]:
    """Return the parties under changed terms: those of legs that go leave, those of new legs join."""
    asked = KINDS[agreement.kind].parties(in_present_names(terms, agreement.reassignments))
    scopes = {(party.role, party.scope) for party in asked}
    stay = tuple(
        party for party in agreement.parties if not party.scope or (party.role, party.scope) in scopes
    )
    filled = {(party.role, party.scope) for party in stay}
    return (*stay, *(party for party in asked if party.scope and (party.role, party.scope) not in filled))


def check_amendment(agreement: Agreement, terms: Terms, at: datetime) -> None:
    """Refuse terms that this agreement cannot change to.

    Raises:
        Refused: If nothing changes, something fixed or a person changes, the terms are invalid in
            themselves, or they would change what has begun already.
    """
    changed = set(changed_fields(agreement, terms))
    if not changed:
        raise Refused(
            RefusalCode.NO_CHANGE, "terms: these are the terms in force; change at least one field."
        )
    if changed & FIXED:
        raise Refused(
            RefusalCode.TERMS_INVALID,
            f"terms: {', '.join(sorted(changed & FIXED))} cannot be amended; place a new request.",
        )
    if "policy_set" in changed:
        raise Refused(
            RefusalCode.TERMS_INVALID,
            "terms: policy_set is not amended; move the agreement to another set with adopt_policy.",
        )
    # Who holds a role is changed by reassigning it, so that open work moves with it.
    people = changed & fields_naming_people(type(terms))
    if people:
        raise Refused(
            RefusalCode.TERMS_INVALID,
            f"terms: {', '.join(sorted(people))} name people; use reassign_role instead.",
        )
    found = problems(terms)
    if found:
        first = found[0]
        more = f" ({len(found) - 1} more)" if len(found) > 1 else ""
        raise Refused(RefusalCode.TERMS_INVALID, f"terms.{first.field}: {first.sentence}{more}")
    vague = unassessable(terms) if "success_criteria" in changed else {}
    if vague and agreement.phase is Phase.ACTIVE:
        criterion_id, wrong = next(iter(vague.items()))
        raise Refused(RefusalCode.TERMS_INVALID, f"terms.success_criteria: of {criterion_id} the {wrong}.")
    if agreement.phase is Phase.ACTIVE:
        _check_what_has_begun(terms, changed, agreement.local_date(at))
    KINDS[agreement.kind].check_amendment(agreement, terms)


def _check_what_has_begun(terms: Terms, changed: set[str], today: date) -> None:
    if "effective_from" in changed:
        raise Refused(
            RefusalCode.OUTSIDE_THE_PLACEMENT,
            "terms.effective_from: the placement has started; its first day is past.",
        )
    if "planned_end" in changed and terms.planned_end < today:
        raise Refused(RefusalCode.OUTSIDE_THE_PLACEMENT, f"terms.planned_end: choose a day from {today} on.")
