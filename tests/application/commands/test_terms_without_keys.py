"""Terms can be changed while a key is lost: what words are known by is gone, all else is compared as ever."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import TypeAlias

import asyncpg
import pytest
from pydantic import JsonValue
from structlog.testing import capture_logs

from activities.event_store.event_store import EventStore
from activities.keys.envelopes import subject_in
from application.config.keys import encryption_of
from application.queries.agreements import load_snapshot_to_decide
from application.settings import load_settings
from domain.agreement.commands import COMMANDS, Command
from domain.agreement.events.forming import TermsAmended
from domain.agreement.state import Agreement
from domain.decisions.decide import decide
from domain.handling.handle import step
from domain.kernel.digests import digest_by_field
from domain.kernel.errors import RefusalCode, Refused
from domain.privacy.data_subjects import SUBJECTS_OF_TERMS
from domain.terms.requests import split
from tests.fixtures.paths import EXAMPLES

Lives = Callable[..., Awaitable[Agreement]]
Gives = Callable[..., Awaitable[Agreement]]
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"


@pytest.fixture
async def active(
    known: None,  # noqa: ARG001  the directory knows everybody first
    live: Lives,
    give: Gives,
) -> Agreement:
    """A secondment under way that was extended since its terms were written."""
    agreement = await live("secondment", days=70)
    return await give(
        agreement,
        "extend_placement",
        agreement.terms.line_manager,
        ends_on="2027-09-30",
        reason="The launch moved.",
    )


@pytest.fixture
def elsewhere(pool: Pool) -> Callable[[], EventStore]:
    """Gives the record as a process sees it that has just started: with no key in memory."""

    def fresh() -> EventStore:
        return EventStore(pool, encryption_of(load_settings(), pool))

    return fresh


def _document(**changes: JsonValue) -> dict[str, JsonValue]:
    """The terms as they were written, with changes."""
    terms = split(json.loads((EXAMPLES / "secondment.json").read_text())).terms
    return {**terms.model_dump(mode="json"), **changes}


def _amendment(terms: dict[str, JsonValue]) -> Command:
    raw = {"command_id": os.urandom(8).hex(), "actor_id": "OP-1", "acting_as": "operator", "reason": "So."}
    return COMMANDS["amend_terms"].model_validate_json(json.dumps({**raw, "terms": terms}))


async def _decided(event_store: EventStore, agreement_id: str, terms: dict[str, JsonValue]) -> TermsAmended:
    snapshot = await load_snapshot_to_decide(event_store, agreement_id)
    assert snapshot is not None
    at = snapshot.at + timedelta(minutes=1)
    [amended, *_] = decide(snapshot.agreement, _amendment(terms), at, is_operator=True)
    assert isinstance(amended, TermsAmended)
    return amended


async def test_only_words_that_cannot_be_compared_count_as_changed(
    active: Agreement, administrator: asyncpg.Connection, elsewhere: Callable[[], EventStore]
) -> None:
    """Who is asked to sign again is asked too often; but nothing fixed, nobody and no date seems changed."""
    terms = _document(development_plan_ref="DP-9")
    amended = await _decided(elsewhere(), active.agreement_id, terms)
    assert amended.changed == ("development_plan_ref",)
    await administrator.execute(
        "DELETE FROM sojourn_keys.subject_key WHERE subject_id = $1",
        subject_in(active.mentee_id, active.agreement_id),
    )
    with capture_logs() as logs:
        amended = await _decided(elsewhere(), active.agreement_id, terms)
    unknown = {field for field, words in terms.items() if field in SUBJECTS_OF_TERMS and words}
    assert set(amended.changed) == {"development_plan_ref", *unknown} - {"mentor_commitment"}
    assert {"objectives", "success_criteria"} <= unknown
    assert {log["event"] for log in logs} == {"digest_key_lost"}


async def test_what_may_not_change_is_refused_as_ever(
    active: Agreement, administrator: asyncpg.Connection, elsewhere: Callable[[], EventStore]
) -> None:
    """A loss opens no door: the refusal is about what the document says."""
    await administrator.execute("DELETE FROM sojourn_keys.subject_key")
    with pytest.raises(Refused, match="mentor name people") as refused:
        await _decided(elsewhere(), active.agreement_id, _document(mentor="P-2240"))
    assert refused.value.code is RefusalCode.TERMS_INVALID


async def test_after_one_change_all_is_known_again(
    active: Agreement, administrator: asyncpg.Connection, elsewhere: Callable[[], EventStore]
) -> None:
    """The key that is made anew seals the new terms; what the lost one sealed stops no agreement."""
    await administrator.execute("DELETE FROM sojourn_keys.subject_key")
    event_store = elsewhere()
    snapshot = await load_snapshot_to_decide(event_store, active.agreement_id)
    assert snapshot is not None
    command, at = _amendment(_document(development_plan_ref="DP-9")), snapshot.at + timedelta(minutes=1)
    events = decide(snapshot.agreement, command, at, is_operator=True)
    event_ids = [str(uuid.uuid4()) for _ in events]
    after, append = step(snapshot.agreement, command, events, event_ids, at, is_operator=True)
    assert (await event_store.append(append)).outcome == "appended"
    assert after.ends_on == date(2027, 9, 30)
    amended = await _decided(elsewhere(), active.agreement_id, _document(development_plan_ref="DP-10"))
    assert amended.changed == ("development_plan_ref",)
    assert amended.digests == digest_by_field(amended.terms)
    assert (await event_store.append(append)).outcome == "duplicate"
