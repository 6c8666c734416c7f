"""The read models: how agreements stand, what they owe and what stalls them, as SQL has it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime

import asyncpg

from activities.postgres.pool import Database, columns_of
from activities.postgres.rows import (
    AgreementRow,
    KnownValues,
    ObligationRow,
    OverdueRow,
    StalledFilters,
    StalledPageRow,
    StalledPlace,
    StalledRow,
    StalledTally,
)
from domain.kernel.model import PersonId
from domain.kernel.vocabulary import Kind, Phase
from domain.ledger.obligation import Obligation
from domain.privacy.confidentiality import OWED_FOR_ONE, RAISED_BY, STALLED_FOR
from domain.stream.messages import Head

_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


class ReadModels:
    """Reads what every append writes beside its events, in the same transaction.

    Every method raises `DatabaseUnavailableError` where trying again may help and `DatabaseRefusedError`
    where it cannot.

    Args:
        pool: Connections to a database at this release's migration.
    """

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._database = Database(pool)

    async def agreements(
        self,
        *,
        agreement_ids: Sequence[str] | None = None,
        kinds: Sequence[Kind] | None = None,
        phases: Sequence[Phase] | None = None,
        tenant: str | None = None,
        cohort: str | None = None,
        person_id: str | None = None,
        only_open: bool = False,
        after: str = "",
        limit: int = 1000,
    ) -> list[AgreementRow]:
        """Return agreements by id, kind, phase, tenant, cohort or a party; None leaves a filter out.

        Args:
            agreement_ids: Only these.
            kinds: Any of these.
            phases: Any of these.
            tenant: Whose placements.
            cohort: Of which cohort.
            person_id: Somebody who holds a role in it.
            only_open: Leaves out closed ones.
            after: The last id of the page before.
            limit: How many at most.
        """
        rows = await self._database.rows(
            "agreements",
            None if agreement_ids is None else list(agreement_ids),
            None if kinds is None else list(kinds),
            None if phases is None else list(phases),
            tenant,
            cohort,
            person_id,
            only_open,
            after,
            limit,
        )
        return [_agreement(row) for row in rows]

    async def agreement(self, agreement_id: str) -> AgreementRow | None:
        """Return one agreement; None where it is not known."""
        found = await self.agreements(agreement_ids=[agreement_id])
        return found[0] if found else None

    async def overlapping_agreements(
        self, mentee_id: str, starts_on: date, ends_on: date, excluding: str = ""
    ) -> list[str]:
        """Return ids of the mentee's other open agreements with a day in this stretch, both ends included."""
        rows = await self._database.rows("overlapping_agreements", mentee_id, starts_on, ends_on, excluding)
        return [row["agreement_id"] for row in rows]

    async def mentor_hours(self, mentor_id: str, excluding: str = "") -> float:
        """Return the hours per month that a mentor has promised over all open agreements but one."""
        row = await self._database.row("mentor_hours", mentor_id, excluding)
        return 0.0 if row is None else row["hours"]

    async def obligations(self, agreement_id: str) -> list[ObligationRow]:
        """Return every obligation that an agreement ever had, by due instant."""
        return [_obligation(row) for row in await self._database.rows("obligations", agreement_id, False)]

    async def open_obligations(self, agreement_id: str) -> list[Obligation]:
        """Return what an agreement owes now, by due instant."""
        rows = await self._database.rows("obligations", agreement_id, True)
        return [_obligation(row).obligation for row in rows]

    async def stalled(self, as_of: datetime) -> list[StalledRow]:
        """Return what is stalled at an instant, past or future, as the ledger stands now; longest first."""
        return [StalledRow(**dict(row)) for row in await self._database.rows("stalled", as_of)]

    async def stalled_page(
        self,
        as_of: datetime,
        filters: StalledFilters | None = None,
        *,
        after: StalledPlace | None = None,
        limit: int = 50,
    ) -> list[StalledPageRow]:
        """Return the next of what `stalled` gives, at a cost that depends on the page alone.

        Args:
            as_of: As for `stalled`.
            filters: Which of them.
            after: The last row of the page before; None for the first page.
            limit: How many at most.
        """
        rows = await self._database.rows(
            "stalled_page",
            as_of,
            json.dumps(filters or {}, default=list),
            _BEFORE_ALL if after is None else after.since,
            "" if after is None else after.agreement_id,
            limit,
        )
        return [StalledPageRow(**dict(row)) for row in rows]

    async def stalled_matters_about(self, person_id: PersonId, as_of: datetime) -> list[str]:
        """Return agreements that a concern or breach holds up first, with one that is or was about somebody.

        Args:
            person_id: Whom.
            as_of: As for `stalled`.
        """
        rows = await self._database.rows(
            "stalled_matters_about", STALLED_FOR, as_of, OWED_FOR_ONE, RAISED_BY, person_id
        )
        return [row["agreement_id"] for row in rows]

    async def stalled_tally(self, as_of: datetime) -> list[StalledTally]:
        """Count the agreements that `stalled` gives, by kind, reason, role and rung, without reading them.

        Quick about now; the further away the instant, the more it has to look at.
        """
        rows = await self._database.rows("stalled_tally", as_of)
        return [StalledTally(**dict(row)) for row in rows]

    async def agreements_ahead(self, of: datetime) -> list[str]:
        """Return ids of open agreements whose last event, in their own time, is later than an instant."""
        return [row["agreement_id"] for row in await self._database.rows("agreements_ahead", of)]

    async def to_be_run(self) -> list[str]:
        """Return ids of what needs a workflow: open agreements, and closed ones with notices not sent."""
        return [row["agreement_id"] for row in await self._database.rows("to_be_run")]

    async def known_values(self, limit: int) -> KnownValues:
        """Return what agreements can be filtered by besides words of the vocabulary.

        Args:
            limit: How many of each at most.
        """
        row = await self._database.row("known_values", limit)
        return KnownValues(tenants=(), cohorts=()) if row is None else KnownValues(**dict(row))

    async def overdue(self, as_of: datetime, limit: int) -> list[OverdueRow]:
        """Return what is overdue and not stalled at an instant as the ledger stands now; longest due first.

        Args:
            as_of: The instant.
            limit: How many agreements at most.
        """
        return [OverdueRow(**dict(row)) for row in await self._database.rows("overdue", as_of, limit)]


def _agreement(row: asyncpg.Record) -> AgreementRow:
    head = Head(**{**columns_of(row, Head.model_fields), "parties": json.loads(row["parties"])})
    return AgreementRow(**columns_of(row, AgreementRow.model_fields), head=head)


def _obligation(row: asyncpg.Record) -> ObligationRow:
    fields = columns_of(row, Obligation.model_fields)
    obligation = Obligation(**{**fields, "ladder": json.loads(row["ladder"])})
    return ObligationRow(obligation=obligation, status=row["status"], settled_at=row["settled_at"])
