"""What operators filter the Temporal UI by: opaque ids and enums only, for these are never encrypted.

Eight Keywords, two Datetimes, one Int and one KeywordList: inside what a self-hosted SQL visibility store
gives a namespace by default (10 Keywords and 3 of each other type).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from temporalio.common import SearchAttributeKey, SearchAttributePair, SearchAttributeUpdate, TypedSearchAttributes

from domain.agreement import Agreement
from domain.stalled import Assessment, assess
from domain.terms import Terms
from domain.vocabulary import Health, Phase

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

ALL: tuple[SearchAttributeKey[str] | SearchAttributeKey[datetime] | SearchAttributeKey[int] | SearchAttributeKey[Sequence[str]], ...] = (
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
    """What is known when a placement is started, before its first event."""
    pairs: list[SearchAttributePair[str]] = [
        SearchAttributePair(KIND, str(terms.kind)),
        SearchAttributePair(PHASE, str(Phase.AGREEMENT)),
        SearchAttributePair(HEALTH, str(Health.ON_TRACK)),
        SearchAttributePair(TENANT, terms.tenant),
    ]
    if terms.cohort is not None:
        pairs.append(SearchAttributePair(COHORT, terms.cohort))
    return TypedSearchAttributes(pairs)


class SearchAttributeValues:
    """The values of one agreement, remembered so that only changes are sent: each upsert is history."""

    def __init__(self) -> None:
        self._sent: dict[str, object] = {}

    def changes(self, agreement: Agreement, at: datetime) -> list[SearchAttributeUpdate]:
        """The updates that bring Temporal to the agreement as it stands at an instant."""
        updates: list[SearchAttributeUpdate] = []
        for name, value, update in _values(agreement, assess(agreement, at)):
            if name not in self._sent or self._sent[name] != value:
                if value is not None or name in self._sent:
                    updates.append(update)
                self._sent[name] = value
        return updates


def _values(
    agreement: Agreement, assessment: Assessment
) -> Iterator[tuple[str, object, SearchAttributeUpdate]]:
    stall = assessment.stall
    keywords = (
        (KIND, str(agreement.kind)),
        (PHASE, str(agreement.phase)),
        (HEALTH, str(assessment.health)),
        (STALL_REASON, None if stall is None else str(stall.reason)),
        (WAITING_ON_ROLE, _waiting_on(assessment)),
        (OUTCOME, None if agreement.outcome is None else str(agreement.outcome)),
        (COHORT, agreement.terms.cohort),
        (TENANT, agreement.terms.tenant),
    )
    for key, value in keywords:
        yield key.name, value, key.value_unset() if value is None else key.value_set(value)
    instants = (
        (NEXT_DUE_AT, assessment.next_due_at),
        (STALLED_SINCE, None if stall is None else stall.since),
    )
    for key, value in instants:
        yield key.name, value, key.value_unset() if value is None else key.value_set(value)
    level = None if stall is None else stall.level
    yield LEVEL.name, level, LEVEL.value_unset() if level is None else LEVEL.value_set(level)
    people = sorted({party.person_id for party in agreement.parties})
    yield PEOPLE.name, people, PEOPLE.value_set(people)


def _waiting_on(assessment: Assessment) -> str | None:
    """Who holds a stalled agreement up; otherwise who owes what is due first."""
    if assessment.stall is not None:
        return str(assessment.stall.waiting_on.role)
    return None if assessment.waiting_on is None else str(assessment.waiting_on.role)
