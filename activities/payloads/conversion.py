"""How values become payloads: pydantic models as JSON, encrypted, and errors like any other value."""

from __future__ import annotations

import dataclasses

from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes

from activities.payloads.codec import EncryptingCodec
from activities.payloads.keys import PayloadKeys


def converter_with(keys: PayloadKeys) -> DataConverter:
    """The data converter of every client, worker and replay that shares a key ring.

    Error messages and stack traces are encrypted with everything else: they may quote what a person sent.
    """
    return dataclasses.replace(
        pydantic_data_converter,
        payload_codec=EncryptingCodec(keys),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )
