"""How values become payloads: pydantic models as JSON, encrypted, and errors like any other value."""

from __future__ import annotations

import dataclasses

from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes

from activities.keys.ring import KeyRing
from activities.payloads.codec import EncryptingCodec


def converter_with(keys: KeyRing | None) -> DataConverter:
    """The data converter of every client, worker and replay that shares a key ring.

    Error messages and stack traces are encrypted with everything else: they may quote what a person sent.

    Args:
        keys: The ring; None, by the operator's own choice, leaves payloads in clear.
    """
    return dataclasses.replace(
        pydantic_data_converter,
        payload_codec=None if keys is None else EncryptingCodec(keys),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )
