"""A workflow that is replayed decides again, perhaps in another process: it has to come to the same.

The order of a set of words differs from process to process. Nothing that an agreement is, records or tells
may depend on it, or a replay would quietly hold another agreement than the record.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
from datetime import date, timedelta

import pytest

from activities.directory.calendars import CalendarSources
from domain.agreement.commands import Command, ProposeAgreement
from domain.agreement.commands.time import LetTimePass
from domain.agreement.evolve import evolve
from domain.agreement.state import Agreement
from domain.decisions.areas.forming import parties_of
from domain.decisions.decide import decide
from domain.decisions.time_passing import next_instant
from domain.kernel.digests import digest_of_model
from domain.kernel.errors import Refused
from domain.kernel.person import Person
from domain.notifications.derive import notices_of
from domain.stream.serialization import to_new_event
from domain.terms.requests import split
from domain.views.health import oldest_first
from tests.fixtures.paths import ROOT
from workers.demo.cast import answer
from workflows.contract import is_established_operator
from workflows.user_metadata import current_details

KINDS = ("secondment", "shadowing", "rotation")
STEPS = 1000


@pytest.mark.parametrize("kind", KINDS)
async def test_a_life_is_the_same_in_every_process(kind: str) -> None:
    """Events, digests, notices and what the Temporal UI shows do not depend on the order of sets."""
    told = await asyncio.gather(*(_lived_elsewhere(kind, seed) for seed in ("1", "2")))
    assert told[0] == told[1]
    assert told[0].startswith("closed ")


async def _lived_elsewhere(kind: str, seed: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, __file__, kind),
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


def _life(kind: str) -> str:
    """A whole life without Temporal, as one line: how it ended and a digest of everything that was told."""
    raw = json.loads((ROOT / f"examples/{kind}.json").read_text())
    everybody = json.loads((ROOT / "examples/people.json").read_text())
    described, terms = split(raw)
    people = {person.person_id: person for person in [*map(Person.model_validate, everybody), *described]}
    sources = CalendarSources()
    calendars = {
        party.person_id: sources.resolve(people[party.person_id], date(2026, 1, 1), date(2029, 12, 31))
        for party in parties_of(terms)
    }
    told: list[object] = []
    at = terms.approved_at + timedelta(hours=1)

    def take(before: Agreement | None, command: Command) -> Agreement:
        after = before
        is_operator = is_established_operator(command)
        for event in decide(before, command, at, calendars, is_operator=is_operator):
            folded = evolve(after, event)
            notices = notices_of(after, folded, event, f"event-{len(told)}")
            told.append(digest_of_model(command))
            told.append(to_new_event(event, f"event-{len(told)}").model_dump(mode="json"))
            told.extend(notice.model_dump(mode="json") for notice in notices)
            told.append(current_details(folded, at))
            after = folded
        assert after is not None
        return after

    proposal = ProposeAgreement(
        command_id="propose/1", actor_id=terms.approved_by, agreement_id="acme.R-1", terms=terms
    )
    agreement = take(None, proposal)
    for step in range(STEPS):
        if agreement.closed:
            break
        for owed in oldest_first(agreement):
            command = answer(owed, terms, agreement.terms_version, agreement.synthesis_versions)
            try:
                if command is not None and owed.due_at - at <= timedelta(days=3):
                    agreement = take(agreement, command)
                    break
            except Refused:
                continue
        else:
            instant = next_instant(agreement, at)
            assert instant is not None
            at = instant
            agreement = take(agreement, LetTimePass(command_id=f"time/{step}", actor_id="system"))
    return f"{agreement.phase} {agreement.version} {hashlib.sha256(json.dumps(told).encode()).hexdigest()}"


if __name__ == "__main__":
    sys.stdout.write(_life(sys.argv[1]))
