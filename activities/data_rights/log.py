"""What was done about people's rights: holds, erasures and exports, and where a person appears at all."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from typing import Literal

import asyncpg
from pydantic import JsonValue

from activities.keys.legal_holds import refuse_held
from activities.postgres.pool import Database
from domain.kernel.model import Frozen, Instant, PersonId

RightType = Literal[
    "hold.placed",
    "hold.lifted",
    "person.erased",
    "person.exported",
    "keys.destroyed",
    "histories.removed",
    "expiry.begun",
    "words.expired",
    "glass.requested",
    "glass.approved",
    "glass.told",
    "operator.made",
    "operator.unmade",
]
"""Those of glass are openings of closed agreements; see `activities/data_rights/access_after_close.py`."""


class RightsEvent(Frozen):
    """One thing that was done."""

    type: str
    """A `RightType`, or what a later release notes."""
    at: Instant
    actor_id: PersonId
    data: dict[str, JsonValue]


class Touched(Frozen):
    """An agreement in whose events a person appears."""

    agreement_id: str
    events: int
    """How many name them, are theirs, or hold something sealed for them."""
    sealed: int
    """How many of these hold something sealed for them."""


class Retained(Frozen):
    """A closed agreement with words in it."""

    agreement_id: str
    closed_at: Instant
    classes: tuple[str, ...]
    """Every retention class that its terms ever named, amended and proposed ones included."""


Looked = Callable[[int], object]
"""Told how many agreements more were looked at."""

PAGE = 200
"""Agreements whose events one statement looks through."""

_DESTROYED = frozenset({"keys.destroyed", "person.erased", "words.expired"})
"""What tells that keys were destroyed; the last two alone where an earlier release did it."""

_BEHIND_ALL = chr(0x10FFFF)
"""Sorts after every id, byte by byte."""
_NEXT = "\x01"
"""An id with this behind it sorts right after the id."""


def _nobody(_: int) -> None:
    """Keep no count."""


class RightsLog:
    """Reads and writes what was done about people's rights, over a pool of connections."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._database = Database(pool)

    async def note(
        self, person_id: str, what: RightType, by: str, data: Mapping[str, JsonValue] | None = None
    ) -> None:
        """Note that something was done.

        Args:
            person_id: About whom.
            what: What it was.
            by: Who did it.
            data: Ids, dates and references; never words.
        """
        await self._database.rows("note_right", person_id, what, by, json.dumps(data or {}))

    async def note_removal(
        self,
        agreement_id: str,
        runs: Sequence[str],
        *,
        of: Collection[PersonId],
        on_account_of: PersonId | None,
        by: PersonId,
    ) -> None:
        """Note of people which histories are about to be removed, where no legal hold keeps them.

        Args:
            agreement_id: Whose histories.
            runs: Their run ids.
            of: Of whom it is noted.
            on_account_of: Whose hold counts; None: that of anybody in the agreement.
            by: Who does it.

        Raises:
            OnHoldError: A hold keeps them; nothing was noted.
        """
        held_in = agreement_id if on_account_of is None else None
        data = json.dumps({"agreement_id": agreement_id, "runs": [*runs]})
        refuse_held(
            await self._database.rows(
                "note_unless_held", on_account_of, held_in, sorted(of), "histories.removed", by, data
            )
        )

    async def events(self, person_id: str) -> list[RightsEvent]:
        """Return everything that was done about a person's rights, in order."""
        rows = await self._database.rows("rights_of", person_id)
        return [RightsEvent(**{**dict(row), "data": json.loads(row["data"])}) for row in rows]

    async def hold_on(self, person_id: str) -> RightsEvent | None:
        """Return the legal hold that forbids to erase somebody; None where there is none."""
        holds = [each for each in await self.events(person_id) if each.type in ("hold.placed", "hold.lifted")]
        return holds[-1] if holds and holds[-1].type == "hold.placed" else None

    async def erased_before_hold(self, person_id: str) -> Instant | None:
        """Return when keys of somebody were last destroyed before their hold; None where none were."""
        found: Instant | None = None
        latest: Instant | None = None
        for event in await self.events(person_id):
            if event.type in _DESTROYED:
                latest = event.at
            elif event.type == "hold.placed":
                found = latest
        return found

    async def holds_on(self, people: Collection[str]) -> dict[str, str]:
        """Return who of these people is on legal hold, with its reference."""
        rows = await self._database.rows("holds_on", sorted(people))
        return {row["person_id"]: row["reference"] or "" for row in rows}

    async def agreements_of(self, person_id: str, looked: Looked = _nobody) -> list[Touched]:
        """Return every agreement that knows a person, past parties and mere actors included.

        Reads the whole log, a page at a time: rights are exercised rarely, and must miss nothing.

        Args:
            person_id: Whom.
            looked: Told after each page how many agreements were looked at.
        """
        found: list[Touched] = []
        async for first, last in self._pages(looked):
            rows = await self._database.rows("agreements_touched", first, last, person_id)
            found.extend(Touched(**dict(row)) for row in rows)
        return found

    async def retained(self, looked: Looked = _nobody) -> AsyncGenerator[Retained]:
        """Yield closed agreements whose words can be read by those for whom they are, in order of id.

        Args:
            looked: Told after each page how many agreements were looked at.
        """
        async for first, last in self._pages(looked):
            for row in await self._database.rows("retained", first, last):
                yield Retained(**dict(row))

    async def expiries_begun(self) -> dict[str, list[PersonId]]:
        """Return agreements whose words began to expire with no end noted, with the people to note it of."""
        found: dict[str, list[PersonId]] = {}
        for row in await self._database.rows("expiries_begun"):
            found.setdefault(row["agreement_id"], []).append(row["person_id"])
        return found

    async def _pages(self, looked: Looked) -> AsyncGenerator[tuple[str, str]]:
        """Yield the first and last possible id of each page of agreements, those without a head included."""
        first = ""
        while True:
            last = await self._database.row("last_of_page", first, PAGE)
            yield first, _BEHIND_ALL if last is None else last["agreement_id"]
            if last is None:
                return
            looked(PAGE)
            first = last["agreement_id"] + _NEXT

    async def clear_directory(self, person_id: str) -> bool:
        """Take out of the directory who somebody was; False where nobody has this id.

        Raises:
            OnHoldError: They are on legal hold; nothing was cleared.
        """
        rows = await self._database.rows("clear_person", person_id)
        refuse_held(rows)
        return any(row["cleared"] for row in rows)
