"""Payloads are encrypted whole, bound to where they belong, and old ones stay readable."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload
from temporalio.converter import ActivitySerializationContext, WorkflowSerializationContext

from activities.encryption.payload_codec import (
    AGREEMENT_FIELD,
    COMPRESSION_FIELD,
    KEY_FIELD,
    AlteredPayloadError,
    EncryptingCodec,
    agreement_of,
)
from activities.keys.ring import KeyRing, UnknownKeyError

CLEAR = Payload(metadata={"encoding": b"json/plain"}, data=b'"what a person wrote"')
LONG = Payload(metadata={"encoding": b"json/plain"}, data=b'"what a person wrote"' * 100)


def _ring(*ids: str, salt: bytes = b"") -> KeyRing:
    """Keys made from their ids, the primary first."""
    return KeyRing(ids[0], {key_id: hashlib.sha256(salt + key_id.encode()).digest() for key_id in ids})


def _of(agreement_id: str) -> EncryptingCodec:
    return EncryptingCodec(_ring("2026")).with_context(WorkflowSerializationContext("default", agreement_id))


@given(data=st.binary(max_size=3000), encoding=st.binary(max_size=20))
async def test_any_payload_comes_back_as_it_was(data: bytes, encoding: bytes) -> None:
    """Whatever a payload holds, metadata included, it is the same after both ways."""
    codec = EncryptingCodec(_ring("2026"))
    payload = Payload(metadata={"encoding": encoding, "messageType": b"x"}, data=data)
    assert await codec.decode(await codec.encode([payload, payload])) == [payload, payload]


async def test_nothing_of_the_content_is_in_clear() -> None:
    """Neither data nor metadata of the original can be seen, and the same payload never looks the same."""
    (first,) = await _of("acme.R-1").encode([CLEAR])
    (second,) = await _of("acme.R-1").encode([CLEAR])
    assert b"wrote" not in first.SerializeToString()
    assert b"json" not in first.SerializeToString()
    assert first.data != second.data
    assert dict(first.metadata) == {
        "encoding": b"binary/encrypted",
        "encryption-key-id": b"2026",
        "encryption-agreement": b"acme.R-1",
    }


async def test_what_was_written_before_the_codec_stays_readable() -> None:
    """Payloads of any other encoding pass unchanged."""
    assert await _of("acme.R-1").decode([CLEAR]) == [CLEAR]


async def test_rotation_keeps_old_payloads_readable() -> None:
    """A new primary key writes, and the old one goes on reading."""
    (old,) = await EncryptingCodec(_ring("2025")).encode([CLEAR])
    rotated = EncryptingCodec(_ring("2026", "2025"))
    (new,) = await rotated.encode([CLEAR])
    assert new.metadata[KEY_FIELD] == b"2026"
    assert await rotated.decode([old, new]) == [CLEAR, CLEAR]


async def test_a_key_that_is_gone_is_named() -> None:
    """Without its key a payload is refused, naming the key and what to do."""
    (old,) = await EncryptingCodec(_ring("2025")).encode([CLEAR])
    with pytest.raises(UnknownKeyError, match=r"Key 2025 is not on the key ring.*put the key back"):
        await EncryptingCodec(_ring("2026")).decode([old])


async def test_another_key_under_the_same_id_is_refused() -> None:
    """A ring that holds a wrong key says so instead of reading nonsense."""
    (written,) = await EncryptingCodec(_ring("2026")).encode([CLEAR])
    with pytest.raises(AlteredPayloadError, match="another key under this id"):
        await EncryptingCodec(_ring("2026", salt=b"other")).decode([written])


@given(length=st.integers(min_value=0, max_value=74))
async def test_a_truncated_payload_is_refused(length: int) -> None:
    """However much is missing, it is an error and never part of the content."""
    (written,) = await _of("acme.R-1").encode([CLEAR])
    assert length < len(written.data)
    cut = Payload(metadata=written.metadata, data=written.data[:length])
    with pytest.raises(AlteredPayloadError, match=r"acme\.R-1") as refused:
        await _of("acme.R-1").decode([cut])
    assert "wrote" not in str(refused.value)


async def test_an_altered_byte_is_refused() -> None:
    """Each byte of nonce, ciphertext and tag is protected."""
    (written,) = await _of("acme.R-1").encode([CLEAR])
    for position in range(len(written.data)):
        data = bytearray(written.data)
        data[position] ^= 1
        with pytest.raises(AlteredPayloadError):
            await _of("acme.R-1").decode([Payload(metadata=written.metadata, data=bytes(data))])


async def test_a_payload_of_another_agreement_is_refused() -> None:
    """A ciphertext that was moved is refused, whether its label was moved with it or changed."""
    (theirs,) = await _of("acme.R-2").encode([CLEAR])
    with pytest.raises(AlteredPayloadError, match=r"acme\.R-2 was found in acme\.R-1"):
        await _of("acme.R-1").decode([theirs])
    relabelled = Payload(metadata={**theirs.metadata, AGREEMENT_FIELD: b"acme.R-1"}, data=theirs.data)
    with pytest.raises(AlteredPayloadError):
        await _of("acme.R-1").decode([relabelled])
    unlabelled = Payload(metadata=theirs.metadata, data=theirs.data)
    del unlabelled.metadata[AGREEMENT_FIELD]
    with pytest.raises(AlteredPayloadError):
        await EncryptingCodec(_ring("2026")).decode([unlabelled])


async def test_a_reader_without_context_reads_every_agreement() -> None:
    """The gateway is told no agreement: it opens what the label says, and the label is proven by opening."""
    (written,) = await _of("acme.R-1").encode([CLEAR])
    assert agreement_of(written) == "acme.R-1"
    assert await EncryptingCodec(_ring("2026")).decode([written]) == [CLEAR]


async def test_workflow_and_activity_share_a_binding() -> None:
    """What a workflow hands its activity, the activity reads: both are of the workflow's agreement."""
    assert await _inside_an_activity().decode(await _of("acme.R-1").encode([CLEAR])) == [CLEAR]


async def test_what_activities_answer_is_compressed_where_that_pays() -> None:
    """A long answer takes less room and every codec of the ring reads it; a short one stays as it was."""
    short, long = await _inside_an_activity().encode([CLEAR, LONG])
    assert COMPRESSION_FIELD not in short.metadata
    assert long.metadata[COMPRESSION_FIELD] == b"zlib"
    assert len(long.data) < len(LONG.data) / 4
    for codec in (_of("acme.R-1"), _inside_an_activity(), EncryptingCodec(_ring("2026"))):
        assert await codec.decode([short, long]) == [CLEAR, LONG]


async def test_what_the_release_before_may_have_to_read_is_not_compressed() -> None:
    """Commands and receipts pass between clients and runs of different releases."""
    for codec in (_of("acme.R-1"), EncryptingCodec(_ring("2026"))):
        (written,) = await codec.encode([LONG])
        assert COMPRESSION_FIELD not in written.metadata


async def test_whether_it_is_compressed_is_proven_by_opening() -> None:
    """A label that was taken off or put on makes a payload unreadable, never read as something else."""
    (compressed,) = await _inside_an_activity().encode([LONG])
    del compressed.metadata[COMPRESSION_FIELD]
    (plain,) = await _of("acme.R-1").encode([LONG])
    plain.metadata[COMPRESSION_FIELD] = b"zlib"
    for payload in (compressed, plain):
        with pytest.raises(AlteredPayloadError):
            await _of("acme.R-1").decode([payload])


def _inside_an_activity() -> EncryptingCodec:
    context = ActivitySerializationContext(
        namespace="default",
        activity_id="1",
        activity_type="append_events",
        activity_task_queue="q",
        workflow_id="acme.R-1",
        workflow_type="RotationWorkflow",
        is_local=False,
    )
    return EncryptingCodec(_ring("2026")).with_context(context)
