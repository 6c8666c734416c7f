"""Why a message did not go out, and whether another attempt can help."""


class DeliveryError(Exception):
    """A message was not taken. The text names no address: it may end in a log."""


class TemporaryDeliveryError(DeliveryError):
    """Nothing was wrong with the message: the same one may be taken later."""


class PermanentDeliveryError(DeliveryError):
    """The same message will be refused however often it is offered."""
