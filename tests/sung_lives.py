"""Whole lives for a record alone: everything that can happen happens once, and everybody writes something."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from activities.event_store.event_store import Record
from domain.agreement.commands import Command
from domain.agreement.evolve import evolve
from domain.agreement.state import Agreement
from domain.handling.loaded import head_of
from domain.kernel.calendar import Calendar
from domain.kernel.digests import digest_of_model
from domain.kernel.vocabulary import Kind
from domain.ledger.notice import Notice
from domain.notifications.derive import notices_of
from domain.stream.messages import Append, NewEvent, RecordedEvent
from domain.stream.serialization import read_event
from domain.terms import Terms
from domain.terms.requests import split
from tests.canaries import EXAMPLES, Cage
from tests.domain.conftest import Life, brisk_policy

_SCRIPTS = Path(__file__).parent / "domain" / "scripts"
_MORE_BEFORE_THE_START: list[dict[str, Any]] = [
    {
        "who": "programme_owner",
        "give": "amend_terms",
        "terms": {"development_plan_ref": "DP-2"},
        "reason": "New.",
    }
]
_MORE_ON_THE_FIRST_DAY: list[dict[str, Any]] = [
    {
        "who": "mentor",
        "give": "propose_pivot",
        "pivot_id": "v9",
        "option": "re_scope",
        "reason": "It was moved.",
        "terms": {"development_plan_ref": "DP-3"},
    },
    {"who": "mentee", "give": "refuse_pivot", "pivot_id": "v9", "reason": "It was not."},
]


class SungLife(Life):
    """A life of which each step is kept, to be recorded as a workflow would have it recorded."""

    def __init__(self, terms: Terms) -> None:
        self._steps: list[tuple[Command, list[RecordedEvent]]] = []
        super().__init__(terms)

    def take(self, command: Command, calendars: Mapping[str, Calendar] | None = None) -> list[str]:
        """As any life does."""
        before = len(self.rows)
        happened = super().take(command, calendars)
        if happened:
            self._steps.append((command, self.rows[before:]))
        return happened

    def appends(self, cage: Cage) -> Iterator[Append]:
        """What is to be recorded of it, in order, with canaries for words."""
        state: Agreement | None = None
        for command, rows in self._steps:
            version = 0 if state is None else state.version
            events: list[NewEvent] = []
            notices: list[Notice] = []
            for row in rows:
                sung = _sung(row, cage)
                event = read_event(sung)
                after = evolve(state, event)
                notices.extend(notices_of(state, after, event, sung.event_id))
                events.append(NewEvent.model_validate(sung.model_dump(include=set(NewEvent.model_fields))))
                state = after
            assert state is not None
            yield Append(
                agreement_id=state.agreement_id,
                expected_version=version,
                # A cast that answers the same once more gives the same id.
                command_id=f"{command.command_id}/{version}",
                command_type=command.type,
                command_digest=digest_of_model(command),
                actor_id=command.actor_id,
                actor_role=rows[0].actor_role,
                occurred_at=rows[0].occurred_at,
                events=tuple(events),
                head=head_of(state, rows[0].occurred_at),
                notices=tuple(notices),
            )


def scripted_lives() -> Iterator[SungLife]:
    """By each of the domain's scripts, with a change of the terms of every kind added to them."""
    with brisk_policy():
        for script in sorted(_SCRIPTS.glob("*.json")):
            kind = Kind(script.stem) if script.stem in set(Kind) else Kind.SECONDMENT
            life = SungLife(full_terms(kind, f"SUNG-{script.stem}"))
            steps = json.loads(script.read_text())
            if kind is not Kind.SECONDMENT:
                steps = [*_MORE_BEFORE_THE_START, steps[0], *_MORE_ON_THE_FIRST_DAY, *steps[1:]]
            life.play(steps)
            yield life


def life_in_which_everybody_writes(kind: Kind) -> SungLife:
    """From approval to close; each party keeps a note for the pair, and is given feedback."""
    life = SungLife(full_terms(kind, "SUNG-everybody"))
    life.play([{"live": "active"}])
    criterion = {"kind": "criterion", "reference": life.terms.success_criteria[0].criterion_id}
    people = dict.fromkeys(party.person_id for party in life.agreement.parties)
    for person in people:
        life.give("keep_note", person, note="A note.", audience="pair")
        if person != life.terms.mentee:
            words = {"behaviour": "Did.", "effect": "Had.", "next_step": "Do.", "tone": "praise"}
            life.give("give_feedback", life.terms.mentee, receiver_id=person, anchor=criterion, **words)
    life.play([{"live": "closed"}])
    return life


async def recorded(life: SungLife, record: Record, cage: Cage) -> Agreement:
    """Puts a life into a record; returns the agreement as it ended."""
    for append in life.appends(cage):
        assert (await record.append(append)).outcome == "appended"
    return life.agreement


def full_request(kind: str, request_id: str) -> dict[str, Any]:
    """An example request with words also in those fields that an example does without."""
    request: dict[str, Any] = json.loads((EXAMPLES / f"{kind}.json").read_text())
    for leg in request.get("legs", ()):
        leg.setdefault("gap_explanation", "A week between them.")
    return {"retroactive_reason": "It was agreed by word.", **request, "request_id": request_id}


def full_terms(kind: str, request_id: str) -> Terms:
    """Likewise as terms."""
    return split(full_request(kind, request_id)).terms


def _sung(row: RecordedEvent, cage: Cage) -> RecordedEvent:
    event_id = str(uuid5(NAMESPACE_OID, f"{row.agreement_id}/{row.version}"))
    return row.model_copy(update={"event_id": event_id, "data": cage.event(row.type, row.data)})
