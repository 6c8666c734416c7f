"""A few real lives, played with the domain and written by the record itself: what the loader copies.

Nothing here imitates the product: each life is decided by `domain.decisions.decide`, appended by
`activities.event_store.event_store`, and read back from the tables after every command.
"""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import asyncpg

from activities.directory.calendars import CalendarSources
from activities.event_store.event_store import EventStore
from domain.agreement.commands import COMMANDS, Command, ProposeAgreement
from domain.agreement.commands.time import LetTimePass
from domain.agreement.state import Agreement
from domain.decisions.decide import decide
from domain.decisions.time_passing import next_instant
from domain.handling.handle import step
from domain.kernel.errors import Refused
from domain.kernel.person import Person
from domain.kernel.vocabulary import ObligationKind
from domain.ledger.obligation import Obligation
from domain.stream.messages import Append
from domain.terms import Terms
from domain.terms.requests import split
from workers.demo.cast import answer
from workflows.contract import agreement_id_of, is_established_operator

EXAMPLES = Path(__file__).parents[1] / "examples"

LONGEST = timedelta(days=900)

_NEVER: Mapping[str, frozenset[ObligationKind]] = {
    "everything is done": frozenset(),
    "nobody answers": frozenset(ObligationKind),
    "signed, then silence": frozenset(ObligationKind)
    - {
        ObligationKind.SIGNATURE,
        ObligationKind.ANNEX_SIGNATURE,
        ObligationKind.MILESTONE_VERIFICATION,
    },
    "nothing delivered": frozenset(
        {ObligationKind.MILESTONE, ObligationKind.LEG_DELIVERABLE, ObligationKind.SESSION_DEBRIEF}
    ),
    "no check-ins": frozenset({ObligationKind.CHECK_IN, ObligationKind.REFLECTIVE_SESSION}),
    "no feedback": frozenset({ObligationKind.FEEDBACK, ObligationKind.SELF_ASSESSMENT}),
    "nobody verifies": frozenset({ObligationKind.MILESTONE_VERIFICATION}),
    "no end decision": frozenset({ObligationKind.END_DECISION}),
    "no way back": frozenset(
        {ObligationKind.RETURN_PLAN, ObligationKind.HANDOVER, ObligationKind.LEG_DEBRIEF}
    ),
    "no debrief": frozenset({ObligationKind.DEBRIEF}),
    "no synthesis": frozenset({ObligationKind.SYNTHESIS, ObligationKind.SYNTHESIS_SIGNATURE}),
    "withdrawn": frozenset(ObligationKind),
    "declined": frozenset(ObligationKind),
    "ended early": frozenset(),
}
"""What is never answered in a life of this name."""

_ENDINGS: Mapping[str, tuple[timedelta, str, dict[str, str]]] = {
    "withdrawn": (timedelta(days=1), "withdraw_agreement", {"reason": "The post is filled from within."}),
    "declined": (timedelta(days=2), "decline_agreement", {"reason": "No time this year."}),
    "ended early": (
        timedelta(days=170),
        "end_early",
        {"by": "mentee", "reason": "A family matter calls me home."},
    ),
}
"""Lives that somebody ends: when, by which command."""


@dataclass
class Life:
    """One agreement from proposal to its end, as the tables hold it."""

    name: str
    agreement_id: str
    request_id: str
    tenant: str
    cohort: str
    events: list[str] = field(default_factory=list[str])
    """Lines of COPY text, in order."""
    commands: list[str] = field(default_factory=list[str])
    moments: list[Moment] = field(default_factory=list["Moment"])
    appends: list[Append] = field(default_factory=list[Append])


class Moment(NamedTuple):
    """A life right after one of its commands, until the next one."""

    life: Life
    agreement: Agreement
    at: datetime
    until: datetime | None
    """None after the last command."""
    commands: int
    """How many so far."""
    head: str
    """The row of `agreement` as COPY text; likewise the others."""
    parties: str
    obligations: str

    @property
    def events(self) -> int:
        """How many so far."""
        return self.agreement.version


async def play_all(pool: asyncpg.Pool[asyncpg.Record]) -> AsyncGenerator[Life]:
    """Plays every life there is, of all three kinds, into a migrated database of its own."""
    everybody = json.loads((EXAMPLES / "people.json").read_text())
    people = {each["person_id"]: Person.model_validate_json(json.dumps(each)) for each in everybody}
    for kind in ("secondment", "shadowing", "rotation"):
        for name, never in _NEVER.items():
            raw = json.loads((EXAMPLES / f"{kind}.json").read_text())
            ids = {"request_id": f"{kind}-{_dashed(name)}", "cohort": "cohort-of-copies"}
            terms = split({**raw, **ids}).terms
            actor = _Actor(pool, f"{kind}: {name}", terms, people)
            yield await actor.play(never, _ENDINGS.get(name))


async def play_open(
    pool: asyncpg.Pool[asyncpg.Record], terms: Terms, people: Sequence[Person], days: int
) -> Life:
    """Plays one placement in which everybody does everything, up to some days after its approval."""
    actor = _Actor(pool, "under way", terms, {person.person_id: person for person in people})
    return await actor.play(frozenset(), None, timedelta(days=days))


class _Actor:
    """Plays one life."""

    def __init__(
        self, pool: asyncpg.Pool[asyncpg.Record], name: str, terms: Terms, people: Mapping[str, Person]
    ) -> None:
        self._pool = pool
        self._event_store = EventStore(pool)
        self._terms = terms
        sources = CalendarSources()
        first, last = terms.approved_at.date(), terms.planned_end + timedelta(days=730)
        self._calendars = {
            person_id: sources.resolve(person, first, last) for person_id, person in people.items()
        }
        self._now = terms.approved_at
        self._refused: set[str] = set()
        self._agreement: Agreement | None = None
        self._life = Life(
            name, agreement_id_of(terms), terms.request_id, terms.tenant, terms.cohort or "no cohort"
        )

    async def play(
        self,
        never: frozenset[ObligationKind],
        ending: tuple[timedelta, str, dict[str, str]] | None,
        longest: timedelta = LONGEST,
    ) -> Life:
        terms = self._terms
        self._now = terms.approved_at + timedelta(hours=1)
        await self._commit(
            ProposeAgreement(
                command_id=f"propose/{self._life.agreement_id}",
                actor_id=terms.approved_by,
                agreement_id=self._life.agreement_id,
                terms=terms,
            )
        )
        end = terms.approved_at + (longest if ending is None else ending[0])
        await self._live(lambda owed: owed.kind not in never, end)
        if ending is not None:
            await self._end(ending[1], ending[2])
        await self._read_log()
        return self._life

    async def _live(self, answers: Callable[[Obligation], bool], end: datetime) -> None:
        while self._agreement is not None and not self._agreement.closed:
            await self._answer(answers)
            upcoming = next_instant(self._agreement, self._now)
            if upcoming is None or upcoming > end:
                return
            self._now = max(upcoming, self._now + timedelta(milliseconds=1))
            await self._commit(LetTimePass(command_id=f"time/{uuid.uuid4()}", actor_id="system"))

    async def _answer(self, answers: Callable[[Obligation], bool]) -> None:
        assert self._agreement is not None  # noqa: S101  only called while it lives
        for owed in list(self._agreement.obligations.values()):
            command = answer(owed, self._terms) if answers(owed) else None
            if command is None or command.command_id in self._refused:
                continue
            # A few minutes apart, as people are: what happens at one instant is no life.
            self._now += timedelta(minutes=7)
            try:
                await self._commit(command)
            except Refused:
                self._refused.add(command.command_id)

    async def _end(self, name: str, fields: dict[str, str]) -> None:
        for actor_id in (self._terms.mentee, self._terms.mentor, self._terms.programme_owner):
            given = {"command_id": f"{name}/{actor_id}", "actor_id": actor_id, **fields}
            try:
                await self._commit(COMMANDS[name].model_validate(given))
            except Refused:
                continue
            return

    async def _commit(self, command: Command) -> None:
        before, is_operator = self._agreement, is_established_operator(command)
        events = decide(
            before, command, self._now, self._calendars if before is None else {}, is_operator=is_operator
        )
        if not events:
            return
        ids = [str(uuid.uuid5(uuid.NAMESPACE_OID, f"{command.command_id}{event}")) for event in events]
        after, append = step(before, command, events, ids, self._now, is_operator=is_operator)
        # The loader copies no queue of notices, so that none stands in the lives it copies.
        append = append.model_copy(update={"notices": ()})
        await self._event_store.append(append)
        self._life.appends.append(append)
        self._agreement = after
        await self._read_models(after)

    async def _read_models(self, agreement: Agreement) -> None:
        moments = self._life.moments
        if moments:
            moments[-1] = moments[-1]._replace(until=self._now)
        moments.append(
            Moment(
                life=self._life,
                agreement=agreement,
                at=self._now,
                until=None,
                commands=len(moments) + 1,
                head=await self._rows(HEAD, "agreement"),
                parties=await self._rows(PARTY, "agreement_party"),
                obligations=await self._rows(OBLIGATION, "obligation"),
            )
        )

    async def _read_log(self) -> None:
        recorded = EVENT.replace("recorded_at", "occurred_at AS recorded_at")
        log = await self._rows(recorded, "event", "ORDER BY version")
        commands = await self._rows(COMMAND, "command", "ORDER BY last_version")
        self._life.events = log.splitlines(keepends=True)
        self._life.commands = commands.splitlines(keepends=True)

    async def _rows(self, columns: str, table: str, order: str = "") -> str:
        output = io.BytesIO()
        query = f"SELECT {columns} FROM sojourn.{table}"  # noqa: S608  names of ours
        async with self._pool.acquire() as connection:
            await connection.copy_from_query(
                f"{query} WHERE agreement_id = $1 {order}", self._life.agreement_id, output=output
            )
        return output.getvalue().decode()


EVENT = (
    "agreement_id, version, event_id, type, schema_version, data, occurred_at, recorded_at, actor_id, "
    "actor_role, command_id, previous_hash, hash, epoch"
)
"""Columns, in the order of the lines."""
COMMAND = "agreement_id, command_id, type, digest, first_version, last_version"
HEAD = (
    "agreement_id, version, last_hash, kind, phase, outcome, tenant, request_id, request_digest, cohort, "
    "terms_version, starts_on, ends_on, mentor_hours_per_month, last_activity_at, silent_at, paused_until, "
    "held, next_instant, opened_at, updated_at, recorded_at"
)
PARTY = "agreement_id, role, person_id, scope"
OBLIGATION = (
    "agreement_id, obligation_id, kind, subject, owner_role, owner_id, opened_at, due_at, stalled_at, "
    "reason, ladder, acts_by_itself_at, starts_at, sequence, reached, status, settled_at, opened_version, "
    "settled_version"
)


def _dashed(name: str) -> str:
    return name.replace(",", "").replace(" ", "-")
