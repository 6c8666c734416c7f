"""How values become payloads: pydantic models as JSON, encrypted, and errors like any other value."""

from __future__ import annotations

from typing import Self

from temporalio.api.failure.v1 import Failure
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import (
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    PayloadConverter,
    SerializationContext,
)
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.encryption.payload_codec import EncryptingCodec
from activities.keys.ring import KeyRing


class FailureConverter(DefaultFailureConverterWithEncodedAttributes):
    """Encrypts messages and stack traces; what is no error, as a wait until a morning, leaves no trace."""

    def to_failure(
        self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure
    ) -> None:
        """Describe an exception; called by the SDK."""
        if isinstance(exception, ApplicationError) and exception.category is ApplicationErrorCategory.BENIGN:
            exception = exception.with_traceback(None)
        super().to_failure(exception, payload_converter, failure)


class EncryptingDataConverter(DataConverter):
    """A data converter of which only the codec depends on whose payloads they are.

    The SDK asks for one several times for every command. Its own answer builds all the converters anew, at
    about the price of encrypting; this one shares them.
    """

    def with_context(self, context: SerializationContext) -> Self:
        """Return the converter for one agreement's payloads; called by the SDK."""
        codec = self.payload_codec
        bound = codec.with_context(context) if isinstance(codec, EncryptingCodec) else codec
        if bound is codec:
            return self
        converter = object.__new__(type(self))
        vars(converter).update(vars(self), payload_codec=bound)
        return converter


def converter_with(keys: KeyRing | None) -> DataConverter:
    """Return the data converter of every client, worker and replay that shares a key ring.

    Error messages and stack traces are encrypted with everything else: they may quote what a person sent.

    Args:
        keys: The ring; None, by the operator's own choice, leaves payloads in clear.
    """
    return EncryptingDataConverter(
        payload_converter_class=PydanticPayloadConverter,
        payload_codec=None if keys is None else EncryptingCodec(keys),
        failure_converter_class=FailureConverter,
    )
