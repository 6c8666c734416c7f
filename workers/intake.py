"""Intake: placement requests become agreements, all checked before any is started."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, NamedTuple, TypeVar

from pydantic import JsonValue

from activities.calendars import CalendarSources
from activities.directory import Directory
from activities.record import Record
from domain.model import Frozen, PersonId
from domain.people import Person
from domain.terms import Terms, checks
from domain.terms.digest import digest
from domain.terms.problems import Problem, RequestRefused
from domain.terms.requests import split
from domain.vocabulary import Kind
from workers.asking import AskedInVainError
from workers.named_people import named_people
from workers.starting import Known, Starter
from workflows.contract import agreement_id_of

Item = TypeVar("Item")
Result = TypeVar("Result")

AT_ONCE = 8
"""How many requests are looked at or started at the same time."""


class Submission(NamedTuple):
    """One request as it came in."""

    where: str
    """Where in the input it stood: `line 3`; empty where it came alone."""
    raw: JsonValue


class Finding(Frozen):
    """Something about one request, told by where it stands and by field."""

    where: str
    request_id: str | None
    field: str
    """The dotted path; empty for the request as a whole."""
    sentence: str

    def __str__(self) -> str:
        place = self.where or (f"request {self.request_id}" if self.request_id else "")
        about = self.field or ("" if place else "the request")
        return ": ".join(part for part in (place, about, self.sentence) if part)


@dataclass(frozen=True)
class Placement:
    """One request that may be started."""

    where: str
    agreement_id: str
    terms: Terms
    digest: str
    known: bool = False
    """Whether the same request was placed before."""


@dataclass(frozen=True)
class Checked:
    """A batch after every check; it may be placed only where there are no problems."""

    placements: tuple[Placement, ...]
    people: Mapping[PersonId, Person]
    """Described inline, to be written to the directory before anything starts."""
    problems: tuple[Finding, ...]
    warnings: tuple[Finding, ...]


class Placed(Frozen):
    """What became of one request."""

    request_id: str
    agreement_id: str
    kind: Kind
    outcome: Literal["placed", "already_placed", "unconfirmed"]
    """`unconfirmed`: started, and nobody has said yet that it is in the record; place it again to ask."""
    version: int | None
    """The stream's version; None where unconfirmed."""
    remark: str | None = None


class _Read(NamedTuple):
    placement: Placement
    people: list[Person]


@dataclass
class _Batch:
    """What the checks have found so far."""

    read: list[_Read] = field(default_factory=list[_Read])
    problems: list[Finding] = field(default_factory=list[Finding])
    warnings: list[Finding] = field(default_factory=list[Finding])

    def problem(self, about: Placement, where: str, sentence: str) -> None:
        self.problems.append(_finding(about, where, sentence))

    def warning(self, about: Placement, where: str, sentence: str) -> None:
        self.warnings.append(_finding(about, where, sentence))


class Intake:
    """Checks and places requests over the record, the directory and Temporal."""

    def __init__(self, record: Record, directory: Directory, starter: Starter) -> None:
        self._record = record
        self._directory = directory
        self._starter = starter
        self._calendars = CalendarSources()

    async def check(self, submissions: Sequence[Submission], *, allow_overlap: bool = False) -> Checked:
        """Looks at every request before anything happens; nothing is written.

        Args:
            submissions: The batch, in order.
            allow_overlap: A mentee in two placements at once, and a mentor beyond the hours they can give,
                become warnings.

        Raises:
            DatabaseUnavailableError: The record or the directory cannot be read.
            RPCError: Temporal cannot be asked.
        """
        batch = _Batch()
        for submission in submissions:
            _read(submission, batch)
        people = _described(batch)
        fresh = await self._unknown(batch)
        directory = await self._check_people(batch, people)
        crowded = batch.warning if allow_overlap else batch.problem
        await self._check_mentees(fresh, crowded)
        await self._check_mentors(fresh, {**directory, **people}, crowded)
        unknown = {placement.agreement_id for placement in fresh}
        for placement in fresh:
            batch.warnings.extend(
                _finding(placement, found.field, found.sentence) for found in checks.warnings(placement.terms)
            )
        return Checked(
            placements=tuple(
                Placement(
                    read.placement.where,
                    read.placement.agreement_id,
                    read.placement.terms,
                    read.placement.digest,
                    known=read.placement.agreement_id not in unknown,
                )
                for read in batch.read
            ),
            people=people,
            problems=tuple(batch.problems),
            warnings=tuple(batch.warnings),
        )

    async def place(
        self,
        checked: Checked,
        *,
        patience: timedelta,
        one_more: Callable[[Placed], None] | None = None,
    ) -> list[Placed]:
        """Writes the people and starts what is new; what was placed before is left as it is.

        Args:
            checked: Without problems.
            patience: How long to wait for each agreement to be in the record.
            one_more: Told of each request that is done.

        Raises:
            ValueError: The batch has problems.
        """
        if checked.problems:
            raise ValueError("a batch with problems cannot be placed")
        if checked.people and not all(placement.known for placement in checked.placements):
            await self._directory.upsert(list(checked.people.values()))

        async def one(placement: Placement) -> Placed:
            placed = await self._place(placement, patience)
            if one_more is not None:
                one_more(placed)
            return placed

        return await _at_once(one, checked.placements)

    async def _place(self, placement: Placement, patience: timedelta) -> Placed:
        def became(
            outcome: Literal["placed", "already_placed", "unconfirmed"],
            version: int | None,
            remark: str | None = None,
        ) -> Placed:
            return Placed(
                request_id=placement.terms.request_id,
                agreement_id=placement.agreement_id,
                kind=Kind(placement.terms.kind),
                outcome=outcome,
                version=version,
                remark=remark,
            )

        recorded = await self._record.agreement(placement.agreement_id)
        if recorded is not None:
            return became("already_placed", recorded.version)
        new = await self._starter.start(placement.terms)
        try:
            receipt = await self._starter.confirm(placement.agreement_id, patience)
        except AskedInVainError as vain:
            return became("unconfirmed", None, str(vain))
        return became("placed" if new else "already_placed", receipt.version)

    async def _unknown(self, batch: _Batch) -> list[Placement]:
        """The placements that neither the record nor Temporal knows; a known one must be the same."""

        async def known(read: _Read) -> Known | None:
            terms = read.placement.terms
            recorded = await self._record.find_request(terms.tenant, terms.request_id)
            if recorded is not None:
                return Known(recorded.agreement_id, recorded.request_digest)
            return await self._starter.running(read.placement.agreement_id)

        found = await _at_once(known, batch.read)
        fresh: list[Placement] = []
        seen: dict[str, Placement] = {}
        for read, before in zip(list(batch.read), found, strict=True):
            placement = read.placement
            first = seen.setdefault(placement.agreement_id, placement)
            if first is not placement:
                _compare_within(first, placement, batch)
                batch.read.remove(read)
            elif before is None:
                fresh.append(placement)
            elif before.digest != placement.digest:
                batch.problem(
                    placement,
                    "request_id",
                    f"is {placement.terms.request_id}, which opened {before.agreement_id} with other content; "
                    "give the changed request an id of its own, or change the agreement with amend_terms",
                )
        return fresh

    async def _check_people(
        self, batch: _Batch, described: Mapping[PersonId, Person]
    ) -> Mapping[PersonId, Person]:
        """Everybody named must be known, with a calendar that can be resolved."""
        named = {person for read in batch.read for person in named_people(read.placement.terms)}
        delegates = {person.delegate_id for person in described.values() if person.delegate_id}
        directory = await self._directory.get((named | delegates) - described.keys())
        faults = await asyncio.to_thread(self._calendar_faults, [*described.values(), *directory.values()])
        for read in batch.read:
            for person, where in named_people(read.placement.terms).items():
                if person not in described and person not in directory:
                    batch.problem(
                        read.placement,
                        where,
                        f"names {person}, who is not in the directory; add them with `sojourn people`, or "
                        "describe them here instead of giving the id alone",
                    )
                for fault in faults.get(person, ()):
                    batch.problem(read.placement, where, f"{person}: {fault}")
            for person in read.people:
                if person.delegate_id and not {person.delegate_id} & (described.keys() | directory.keys()):
                    batch.warning(
                        read.placement,
                        named_people(read.placement.terms).get(person.person_id, ""),
                        f"{person.person_id} has the delegate {person.delegate_id}, who is not in the "
                        "directory and cannot be told anything; add them with `sojourn people`",
                    )
        return directory

    def _calendar_faults(self, people: Iterable[Person]) -> Mapping[PersonId, list[str]]:
        return {person.person_id: self._calendars.problems(person) for person in people}

    async def _check_mentees(
        self, fresh: Sequence[Placement], crowded: Callable[[Placement, str, str], None]
    ) -> None:
        """Nobody is in two placements on the same day."""
        for number, placement in enumerate(fresh):
            terms = placement.terms
            recorded = await self._record.overlapping_agreements(
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
                crowded(
                    placement,
                    "mentee",
                    f"{terms.mentee} is in {', '.join([*recorded, *in_the_batch])} during these dates; "
                    "choose other dates, or allow it with --allow-overlap",
                )

    async def _check_mentors(
        self,
        fresh: Sequence[Placement],
        people: Mapping[PersonId, Person],
        crowded: Callable[[Placement, str, str], None],
    ) -> None:
        """No mentor promises more hours, over all mentees, than they can give."""
        promised: dict[PersonId, float] = {}
        through: dict[PersonId, list[str]] = {}
        for placement in fresh:
            mentor = people.get(placement.terms.mentor)
            if mentor is None or mentor.mentor_hours_per_month is None:
                continue
            who = mentor.person_id
            if who not in promised:
                promised[who] = await self._record.mentor_hours(who)
                mine = await self._record.agreements(person_id=who, only_open=True)
                through[who] = [
                    row.agreement_id
                    for row in mine
                    if any(party.role == "mentor" and party.person_id == who for party in row.head.parties)
                ]
            asked = placement.terms.mentor_commitment.hours_per_month
            if promised[who] + asked > mentor.mentor_hours_per_month:
                already = f" and {promised[who]:g} are promised in {', '.join(through[who])}" * bool(through[who])
                crowded(
                    placement,
                    "mentor_commitment.hours_per_month",
                    f"asks {asked:g} hours a month of {who}, who can give {mentor.mentor_hours_per_month:g}"
                    f"{already}; agree on fewer, name another mentor, or allow it with --allow-overlap",
                )
            promised[who] += asked
            through[who].append(placement.agreement_id)


def _read(submission: Submission, batch: _Batch) -> None:
    raw = submission.raw
    given = raw.get("request_id") if isinstance(raw, dict) else None
    request_id = given if isinstance(given, str) else None
    try:
        people, terms = split(raw)
    except RequestRefused as refused:
        batch.problems.extend(
            Finding(
                where=submission.where, request_id=request_id, field=found.field, sentence=found.sentence
            )
            for found in refused.problems
        )
        return
    placement = Placement(submission.where, agreement_id_of(terms), terms, digest(terms))
    batch.read.append(_Read(placement, people))


def _described(batch: _Batch) -> Mapping[PersonId, Person]:
    """Everybody described inline, each in one way only."""
    people: dict[PersonId, Person] = {}
    at: dict[PersonId, Placement] = {}
    for read in batch.read:
        for person in read.people:
            first = at.setdefault(person.person_id, read.placement)
            if people.setdefault(person.person_id, person) != person:
                batch.problem(
                    read.placement,
                    named_people(read.placement.terms).get(person.person_id, ""),
                    f"describes {person.person_id} otherwise than {first.where or first.agreement_id} does",
                )
    return people


def _compare_within(first: Placement, again: Placement, batch: _Batch) -> None:
    place = first.where or "before"
    if first.digest == again.digest:
        batch.warning(again, "", f"is the same request as {place}; it is placed once")
    else:
        batch.problem(
            again, "request_id", f"is {again.terms.request_id}, as in {place}, with other content"
        )


def _finding(about: Placement, where: str, sentence: str) -> Finding:
    return Finding(where=about.where, request_id=about.terms.request_id, field=where, sentence=sentence)


async def _at_once(
    work: Callable[[Item], Awaitable[Result]], items: Sequence[Item]
) -> list[Result]:
    """The results in the order of the items, a few of them worked on at a time."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(item: Item) -> Result:
        async with room:
            return await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(item)) for item in items]
    except ExceptionGroup as failed:
        # Callers know the errors of one request; the first that failed stands for all.
        raise failed.exceptions[0] from failed
    return [task.result() for task in tasks]
