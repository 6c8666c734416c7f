"""Judge a batch of requests as far as it can be by itself: read, described, compared."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from pydantic import JsonValue

from application.placements.named_people import named_people
from domain.kernel.model import Frozen, PersonId
from domain.kernel.person import Person
from domain.terms import Terms, digest
from domain.terms.problems import RequestRefused
from domain.terms.requests import split
from workflows.contract import agreement_id_of


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


class ReadRequest(NamedTuple):
    """One request that could be read, with the people it describes."""

    placement: Placement
    people: list[Person]


@dataclass
class Batch:
    """What the checks have found so far."""

    requests: list[ReadRequest] = field(default_factory=list[ReadRequest])
    """Those that could be read, each once."""
    problems: list[Finding] = field(default_factory=list[Finding])
    warnings: list[Finding] = field(default_factory=list[Finding])

    def problem(self, about: Placement, where: str, sentence: str) -> None:
        """Note what has to be put right before any of the batch is placed."""
        self.problems.append(finding(about, where, sentence))

    def warning(self, about: Placement, where: str, sentence: str) -> None:
        """Note what is allowed, and worth a second look."""
        self.warnings.append(finding(about, where, sentence))


def read_into(batch: Batch, submission: Submission) -> None:
    """Take a request into the batch, or the problems why not."""
    raw = submission.raw
    given = raw.get("request_id") if isinstance(raw, dict) else None
    request_id = given if isinstance(given, str) else None
    try:
        people, terms = split(raw)
    except RequestRefused as refused:
        batch.problems.extend(
            Finding(where=submission.where, request_id=request_id, field=found.field, sentence=found.sentence)
            for found in refused.problems
        )
        return
    placement = Placement(submission.where, agreement_id_of(terms), terms, digest(terms))
    batch.requests.append(ReadRequest(placement, people))


def refuse_other_tenants(batch: Batch, tenants: Collection[str]) -> None:
    """Take requests of other tenants than these out of the batch, with a problem for each."""
    for request in list(batch.requests):
        tenant = request.placement.terms.tenant
        if tenant not in tenants:
            batch.problem(request.placement, "tenant", f"is {tenant}, for which you may not place requests")
            batch.requests.remove(request)


def described(batch: Batch) -> Mapping[PersonId, Person]:
    """Return everybody described inline, each in one way only."""
    people: dict[PersonId, Person] = {}
    at: dict[PersonId, Placement] = {}
    for request in batch.requests:
        for person in request.people:
            first = at.setdefault(person.person_id, request.placement)
            if people.setdefault(person.person_id, person) != person:
                batch.problem(
                    request.placement,
                    named_people(request.placement.terms).get(person.person_id, ""),
                    f"describes {person.person_id} otherwise than {first.where or first.agreement_id} does",
                )
    return people


def compare(first: Placement, again: Placement, batch: Batch) -> None:
    """Note what there is to say of a request id that comes twice in one batch."""
    place = first.where or "before"
    if first.digest == again.digest:
        batch.warning(again, "", f"is the same request as {place}; it is placed once")
    else:
        batch.problem(again, "request_id", f"is {again.terms.request_id}, as in {place}, with other content")


def finding(about: Placement, where: str, sentence: str) -> Finding:
    """Make a finding about a request that could be read."""
    return Finding(where=about.where, request_id=about.terms.request_id, field=where, sentence=sentence)
