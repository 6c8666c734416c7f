"""Intake: make agreements of placement requests, all checked before any is started."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal, NamedTuple

from activities.directory.calendars import CalendarSources
from activities.directory.people import Directory
from activities.directory.working_time import calendars_of_organisations
from activities.event_store.event_store import EventStore
from application.concurrency import gather_limited
from application.config.policy_sets import KnownPolicies
from application.container import Container
from application.errors import WorkflowCallError
from application.identity.operators import require_operator
from application.identity.principal import Principal, PrincipalKind, Scope, require_scope
from application.placements.batch import (
    Batch,
    Finding,
    Placement,
    ReadRequest,
    Submission,
    compare,
    described,
    finding,
    read_into,
    refuse_other_tenants,
)
from application.placements.capacity import check_mentees, check_mentors
from application.placements.named_people import named_people
from application.progress import NO_PROGRESS, Progress
from application.temporal.starter import PlacedBefore, Starter
from domain.decisions.areas.forming import parties_of
from domain.kernel.model import Frozen, PersonId
from domain.kernel.person import Person
from domain.kernel.vocabulary import Kind
from domain.terms import checks


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


class PlacementOutcome(NamedTuple):
    """What became of a batch."""

    checked: Checked
    placed: list[Placed]
    """Empty where there were problems, or it was only to be checked."""


async def place_requests(
    container: Container,
    principal: Principal,
    submissions: Sequence[Submission],
    *,
    allow_overlap: bool = False,
    check_only: bool = False,
    patience: timedelta,
    progress: Progress = NO_PROGRESS,
) -> PlacementOutcome:
    """Check all requests of a batch and, where all are in order, start an agreement for each.

    The same request again starts nothing.

    Args:
        container: What it takes.
        principal: A service, within its tenants; an operator; or whoever has a machine of the installation.
        submissions: The batch, in order.
        allow_overlap: As for `Intake.check`.
        check_only: Place nothing.
        patience: How long to wait for each agreement to be in the record.
        progress: Told of each request that is placed.

    Raises:
        NotPermittedError: The principal may not place requests.
    """
    await _require_may_place(container, principal)
    intake = Intake(
        await container.event_store(),
        await container.directory(),
        Starter(await container.temporal(), container.settings.task_queue),
        container.policies(),
        tenants=principal.tenants,
    )
    checked = await intake.check(submissions, allow_overlap=allow_overlap)
    if checked.problems or check_only:
        return PlacementOutcome(checked, [])
    progress.start(len(checked.placements))
    placed = await intake.place(checked, patience=patience, one_more=lambda _: progress.advance())
    return PlacementOutcome(checked, placed)


async def _require_may_place(container: Container, principal: Principal) -> None:
    match principal.kind:
        case PrincipalKind.MACHINE:
            return
        case PrincipalKind.SERVICE:
            require_scope(principal, Scope.PLACE)
        case PrincipalKind.PERSON:
            await require_operator(await container.directory(), principal)


class Intake:
    """Checks and places requests over the record, the directory and Temporal.

    Args:
        event_store: Where what was placed before is known.
        directory: Who the people are.
        starter: Starts what is new.
        policies: The sets that a request may name.
        tenants: Whose requests may be placed; None for everybody's.
    """

    def __init__(
        self,
        event_store: EventStore,
        directory: Directory,
        starter: Starter,
        policies: KnownPolicies,
        *,
        tenants: frozenset[str] | None = None,
    ) -> None:
        self._tenants = tenants
        self._event_store = event_store
        self._directory = directory
        self._starter = starter
        self._policies = policies
        self._calendars = CalendarSources()

    async def check(self, submissions: Sequence[Submission], *, allow_overlap: bool = False) -> Checked:
        """Look at every request before anything happens; nothing is written.

        Args:
            submissions: The batch, in order.
            allow_overlap: A mentee in two placements at once, and a mentor beyond the hours they can give,
                become warnings.

        Raises:
            DatabaseUnavailableError: The record or the directory cannot be read.
            RPCError: Temporal cannot be asked.
        """
        batch = Batch()
        for submission in submissions:
            read_into(batch, submission)
        if self._tenants is not None:
            refuse_other_tenants(batch, self._tenants)
        people = await self._as_operators(batch, described(batch))
        fresh = await self._unknown(batch)
        directory = await self._check_people(batch, people)
        report = batch.warning if allow_overlap else batch.problem
        await check_mentees(self._event_store, fresh, report)
        await check_mentors(self._event_store, fresh, {**directory, **people}, report)
        new = {placement.agreement_id for placement in fresh}
        for placement in fresh:
            named = placement.terms.policy_set
            if self._policies.find(named.policy_set_id, named.version) is None:
                batch.problem(
                    placement, "policy_set", self._policies.missing(named.policy_set_id, named.version)
                )
            batch.warnings.extend(
                finding(placement, found.field, found.sentence) for found in checks.warnings(placement.terms)
            )
        return Checked(
            placements=tuple(
                replace(request.placement, known=request.placement.agreement_id not in new)
                for request in batch.requests
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
        """Write the people and start what is new; what was placed before is left as it is.

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

        return await gather_limited(one, checked.placements)

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

        recorded = await self._event_store.read_models.agreement(placement.agreement_id)
        if recorded is not None:
            return became("already_placed", recorded.version)
        named = placement.terms.policy_set
        policies = self._policies.to_send(named.policy_set_id, named.version)
        new = await self._starter.start(placement.terms, policies)
        try:
            receipt = await self._starter.confirm(placement.agreement_id, patience)
        except WorkflowCallError as vain:
            return became("unconfirmed", None, str(vain))
        return became("placed" if new else "already_placed", receipt.version)

    async def _unknown(self, batch: Batch) -> list[Placement]:
        """Return the placements that neither the record nor Temporal knows; a known one must be the same."""

        async def known(request: ReadRequest) -> PlacedBefore | None:
            terms = request.placement.terms
            recorded = await self._event_store.find_request(terms.tenant, terms.request_id)
            if recorded is not None:
                return PlacedBefore(recorded.agreement_id, recorded.digest)
            return await self._starter.running(request.placement.agreement_id)

        found = await gather_limited(known, batch.requests)
        fresh: list[Placement] = []
        seen: dict[str, Placement] = {}
        for request, before in zip(list(batch.requests), found, strict=True):
            placement = request.placement
            first = seen.setdefault(placement.agreement_id, placement)
            if first is not placement:
                compare(first, placement, batch)
                batch.requests.remove(request)
            elif before is None:
                fresh.append(placement)
            elif before.digest not in {None, placement.digest}:
                batch.problem(
                    placement,
                    "request_id",
                    f"is {placement.terms.request_id}, which opened {before.agreement_id} with other "
                    "content; give the changed request an id of its own, or change the agreement with "
                    "amend_terms",
                )
        return fresh

    async def _as_operators(
        self, batch: Batch, described: Mapping[PersonId, Person]
    ) -> Mapping[PersonId, Person]:
        """Return people as described; whether they are operators stays as the directory has it."""
        known = await self._directory.get(described)
        operators = {person.person_id for person in known.values() if person.is_operator}
        for request in batch.requests:
            for person in request.people:
                if person.is_operator and person.person_id not in operators:
                    batch.problem(
                        request.placement,
                        named_people(request.placement.terms).get(person.person_id, ""),
                        f"a request makes nobody an operator: enter {person.person_id} with `sojourn people`",
                    )
        return {
            person_id: person.model_copy(update={"is_operator": person_id in operators})
            for person_id, person in described.items()
        }

    async def _check_people(
        self, batch: Batch, described: Mapping[PersonId, Person]
    ) -> Mapping[PersonId, Person]:
        """Refuse parties who are not known or whose calendar cannot be resolved; remark on others."""
        named = {person for each in batch.requests for person in named_people(each.placement.terms)}
        delegates = {person.delegate_id for person in described.values() if person.delegate_id}
        directory = await self._directory.get((named | delegates) - described.keys())
        known = {**directory, **described}
        organisations = await calendars_of_organisations(self._directory, known.values())
        faults = await asyncio.to_thread(self._calendar_faults, known.values(), organisations)
        for request in batch.requests:
            _check_people_of(request, batch, known, faults)
        return directory

    def _calendar_faults(
        self, people: Iterable[Person], organisations: Collection[str]
    ) -> Mapping[PersonId, list[str]]:
        return {person.person_id: self._calendars.problems(person, organisations) for person in people}


def _check_people_of(
    request: ReadRequest,
    batch: Batch,
    known: Mapping[PersonId, Person],
    faults: Mapping[PersonId, Sequence[str]],
) -> None:
    placement = request.placement
    parties = {party.person_id for party in parties_of(placement.terms)}
    named = named_people(placement.terms)
    for person, where in named.items():
        if person not in known and person in parties:
            batch.problem(
                placement,
                where,
                f"names {person}, who is not in the directory; add them with `sojourn people`, or describe "
                "them here instead of giving the id alone",
            )
        elif person not in known:
            batch.warning(placement, where, f"names {person}, who is not in the directory")
        for fault in faults.get(person, ()):
            batch.problem(placement, where, f"{person}: {fault}")
    for person in request.people:
        if person.delegate_id is not None and person.delegate_id not in known:
            batch.warning(
                placement,
                named.get(person.person_id, ""),
                f"{person.person_id} has the delegate {person.delegate_id}, who is not in the directory and "
                "cannot be told anything; add them with `sojourn people`",
            )
