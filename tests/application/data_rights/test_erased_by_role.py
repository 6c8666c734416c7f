"""Whoever is erased, in whatever role: their words are gone for every reader, and nothing else is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import asyncpg
import pytest
from temporalio.api.common.v1 import Payload
from temporalio.converter import WorkflowSerializationContext

from activities.encryption.encrypt import FieldEncryption
from activities.encryption.payload_codec import EncryptingCodec
from activities.event_store.event_store import EventStore
from application.config.keys import key_ring
from application.settings import Settings
from domain.kernel.vocabulary import Kind, Role
from domain.stream.messages import Append
from tests.fixtures.marked_texts import Cage
from tests.fixtures.reading_commands import Readings
from tests.fixtures.recorded_lives import life_in_which_everybody_writes

ROLES = (Role.MENTOR, Role.LINE_MANAGER, Role.OBSERVER, Role.HOST_MANAGER)


@pytest.mark.usefixtures("known", "worker")
@pytest.mark.timeout(300)
async def test_nothing_is_told_of_a_mentor_a_manager_or_an_observer_who_was_erased(
    settings: Settings,
    event_store: EventStore,
    encryption: FieldEncryption,
    pool: asyncpg.Pool[asyncpg.Record],
    tmp_path: Path,
) -> None:
    """Each has words of their own and words about them; the mentee's and everybody else's stay."""
    cage = Cage()
    life = life_in_which_everybody_writes(Kind.SECONDMENT)
    appends = list(life.appends(cage))
    for append in appends:
        assert (await event_store.append(append)).outcome == "appended"
    readings = Readings(
        life.agreement,
        event_store=event_store,
        encryption=encryption,
        pool=pool,
        payloads=_in_temporal(settings, appends),
        folder=tmp_path,
    )
    await readings.tell_nothing_of(*(life.agreement.holding(role)[0].person_id for role in ROLES))


def _in_temporal(settings: Settings, appends: Sequence[Append]) -> list[Payload]:
    """What a history holds of them."""
    keys = key_ring(settings)
    assert keys is not None
    context = WorkflowSerializationContext("default", appends[0].agreement_id)
    codec = EncryptingCodec(keys).with_context(context)
    clear = {"encoding": b"json/plain"}
    return [
        codec.encrypt(Payload(metadata=clear, data=append.model_dump_json().encode())) for append in appends
    ]
