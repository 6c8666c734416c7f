"""Every channel but mail: chat, phone and web hooks, each named by an Apprise address."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import structlog

_log = structlog.get_logger(__name__)

_TELL_ADDRESSES = ("apprise", "urllib3", "requests")
"""Loggers of what posts: at one level or another they log the address with its secrets, and the message."""
_ABOVE_ALL = logging.CRITICAL + 1


async def post(channels: Sequence[str], *, subject: str, body: str, timeout_seconds: float) -> list[str]:
    """Post one message to a person's channels, all of them, whatever becomes of the others.

    There is no telling on most channels whether a message arrived twice, so nothing is repeated here.

    Args:
        channels: Apprise addresses such as `slack://...`; they hold secrets and are never logged.
        subject: the title, where the channel has one.
        body: plain text.
        timeout_seconds: for all channels together.

    Returns:
        The kinds of channel (`slack`, `mmost`, ...) that did not take the message; empty if all did.
    """
    if not channels:
        return []
    # Imported where it is used: it loads slowly, and most people have no further channel.
    import apprise  # noqa: PLC0415

    for name in _TELL_ADDRESSES:
        logging.getLogger(name).setLevel(_ABOVE_ALL)
    failed: list[str] = []
    for channel in channels:
        service = channel.partition("://")[0]
        posting = apprise.Apprise()
        known = posting.add(channel)  # pyright: ignore[reportUnknownMemberType] - typed in part by its library
        taken = known and await posting.async_notify(
            body=body, title=subject, body_format=apprise.NotifyFormat.TEXT, timeout=timeout_seconds
        )
        if not taken:
            failed.append(service)
            _log.warning("channel_refused", channel=service)
    return failed
