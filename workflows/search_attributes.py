"""What operators filter the Temporal UI by: opaque ids and enums only, for these are never encrypted.

Eight Keywords, two Datetimes, one Int and one KeywordList: inside what a self-hosted SQL visibility store
gives a namespace by default (10 Keywords and 3 of each other type).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    SearchAttributeUpdate,
    TypedSearchAttributes,
)

from domain.agreement.state import Agreement
from domain.kernel.vocabulary import Health, Phase
from domain.terms import Terms
from domain.views.health import Assessment, assess

KIND = SearchAttributeKey.for_keyword("AgreementKind")
PHASE = SearchAttributeKey.for_keyword("AgreementPhase")
HEALTH = SearchAttributeKey.for_keyword("AgreementHealth")
STALL_REASON = SearchAttributeKey.for_keyword("AgreementStallReason")
WAITING_ON_ROLE = SearchAttributeKey.for_keyword("AgreementWaitingOnRole")
OUTCOME = SearchAttributeKey.for_keyword("AgreementOutcome")
COHORT = SearchAttributeKey.for_keyword("AgreementCohort")
TENANT = SearchAttributeKey.for_keyword("AgreementTenant")
NEXT_DUE_AT = SearchAttributeKey.for_datetime("AgreementNextDueAt")
STALLED_SINCE = SearchAttributeKey.for_datetime("AgreementStalledSince")
LEVEL = SearchAttributeKey.for_int("AgreementLadderLevel")
PEOPLE = SearchAttributeKey.for_keyword_list("AgreementPeople")

Key = (
    SearchAttributeKey[str]
    | SearchAttributeKey[datetime]
    | SearchAttributeKey[int]
    | SearchAttributeKey[Sequence[str]]
)
Update = SearchAttributeUpdate[Any]
Value = TypeVar("Value", str, datetime, int)

ALL: tuple[Key, ...] = (
    KIND,
    PHASE,
    HEALTH,
    STALL_REASON,
    WAITING_ON_ROLE,
    OUTCOME,
    COHORT,
    TENANT,
    NEXT_DUE_AT,
    STALLED_SINCE,
    LEVEL,
    PEOPLE,
)
"""Everything that a namespace has to know."""


def at_start(terms: Terms) -> TypedSearchAttributes:
    """Return what is known when a placement is started, before its first event."""
    pairs: list[SearchAttributePair[str]] = [
        SearchAttributePair(KIND, str(terms.kind)),
        SearchAttributePair(PHASE, str(Phase.AGREEMENT)),
        SearchAttributePair(HEALTH, str(Health.ON_TRACK)),
        SearchAttributePair(TENANT, terms.tenant),
    ]
    if terms.cohort is not None:
        pairs.append(SearchAttributePair(COHORT, terms.cohort))
    return TypedSearchAttributes(pairs)


def all_of(agreement: Agreement, at: datetime) -> TypedSearchAttributes:
    """Return all about an agreement that is started again from its record, so that lists are right at once.

    Args:
        agreement: The present state.
        at: The instant, UTC.
    """
    found = changes(agreement, at, TypedSearchAttributes([]))
    return TypedSearchAttributes(
        [SearchAttributePair(update.key, update.value) for update in found if update.value is not None]
    )


def changes(agreement: Agreement, at: datetime, known: TypedSearchAttributes) -> list[Update]:
    """Return what brings Temporal to the agreement as it is at an instant: only changes, for each is history.

    Args:
        agreement: The present state.
        at: The instant, UTC.
        known: What Temporal has now; a run that continues another one inherits its values.
    """
    assessment = assess(agreement, at)
    stall = assessment.stall
    level = None if stall is None else stall.level
    people = sorted({party.person_id for party in agreement.parties})
    updates = [
        *_updates(_keywords(agreement, assessment), known),
        *_updates(
            [(NEXT_DUE_AT, assessment.next_due_at), (STALLED_SINCE, None if stall is None else stall.since)],
            known,
        ),
        *_updates([(LEVEL, level)], known),
    ]
    if sorted(known.get(PEOPLE, ())) != people:
        updates.append(PEOPLE.value_set(people))
    return updates


def _keywords(
    agreement: Agreement, assessment: Assessment
) -> list[tuple[SearchAttributeKey[str], str | None]]:
    return [
        (KIND, str(agreement.kind)),
        (PHASE, str(agreement.phase)),
        (HEALTH, str(assessment.health)),
        (STALL_REASON, None if assessment.stall is None else str(assessment.stall.reason)),
        (WAITING_ON_ROLE, _waiting_on(assessment)),
        (OUTCOME, None if agreement.outcome is None else str(agreement.outcome)),
        (COHORT, agreement.terms.cohort),
        (TENANT, agreement.terms.tenant),
    ]


def _updates(
    values: Iterable[tuple[SearchAttributeKey[Value], Value | None]], known: TypedSearchAttributes
) -> Iterator[Update]:
    for key, value in values:
        if known.get(key) != value:
            yield key.value_unset() if value is None else key.value_set(value)


def _waiting_on(assessment: Assessment) -> str | None:
    """Return who holds a stalled agreement up; otherwise who owes what is due first."""
    if assessment.stall is not None:
        return str(assessment.stall.waiting_on.role)
    return None if assessment.waiting_on is None else str(assessment.waiting_on.role)
