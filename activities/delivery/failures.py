"""Why a message did not go out, and whether another attempt can help."""

from __future__ import annotations

from datetime import timedelta


class DeliveryError(Exception):
    """A message was not taken. The text names no address: it may end in a log."""


class TemporaryDeliveryError(DeliveryError):
    """Nothing was wrong with the message: the same one may be taken later.

    Args:
        text: Why not now.
        again_after: How long to wait before the next try; None where that is for the caller to know.
    """

    def __init__(self, text: str, *, again_after: timedelta | None = None) -> None:
        super().__init__(text)
        self.again_after = again_after


class PermanentDeliveryError(DeliveryError):
    """The same message will be refused however often it is offered."""
