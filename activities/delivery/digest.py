"""Several nudges as one mail: what is open, the oldest first, each with what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from email.message import EmailMessage

from activities.delivery.rendering import Addressee, Message, headers_of, paragraphs_of, reference_of, render
from domain.ledger.notice import Notice

ITEM = "X-Sojourn-Item"
"""A header for each notice of the mail: what its own headers would be, as `name=value; name=value`."""
DIGEST = "X-Sojourn-Digest"
"""The header that names reader and day."""
_PREFIX = "X-Sojourn-"


def render_digest(told: Sequence[tuple[Notice, Addressee]]) -> Message:
    """Put the nudges of a day into words for one person.

    Args:
        told: At least one, in the order of the text, each with its reader as that notice addresses them.
    """
    if len(told) == 1:
        return render(*told[0])
    placements = len({notice.agreement_id for notice, _ in told})
    within = "one placement" if placements == 1 else f"{placements} placements"
    parts = [
        f"Hello {told[0][1].name},",
        f"{len(told)} things are open in {within}, what has been due for longest first.",
    ]
    for number, (notice, addressee) in enumerate(told, start=1):
        subject, paragraphs = paragraphs_of(notice, addressee)
        parts += [f"{number}. {subject}", *paragraphs, reference_of(notice)]
    parts.append("-- \nSuch a mail comes once a day at most, and only while something is open.")
    return Message(f"Still open for you: {len(told)} things in {within}", "\n\n".join(parts) + "\n")


def headers_of_digest(digest_id: str, told: Sequence[Notice], reader_id: str) -> dict[str, str]:
    """Return the headers of the whole mail, with those of the only notice where there is but one.

    Args:
        digest_id: Reader and day.
        told: The notices, in the order of the text.
        reader_id: Who it goes to.
    """
    if len(told) == 1:
        return {DIGEST: digest_id, **headers_of(told[0], reader_id)}
    return {DIGEST: digest_id, f"{_PREFIX}Kind": "digest", f"{_PREFIX}Person": reader_id}


def add_items(mail: EmailMessage, told: Sequence[Notice], reader_id: str) -> None:
    """Let tooling read what a mail of several is about, without reading its text."""
    for notice in told:
        found = headers_of(notice, reader_id)
        mail[ITEM] = "; ".join(f"{name.removeprefix(_PREFIX)}={value}" for name, value in found.items())


def read_items(mail: EmailMessage) -> list[dict[str, str]]:
    """Return the headers of each notice of a mail by their full names, as `add_items` wrote them."""
    items = [str(value).split(";") for value in mail.get_all(ITEM, [])]
    # Folding a long header adds white space.
    pairs = ([pair.strip().partition("=") for pair in item] for item in items)
    return [{f"{_PREFIX}{name}": value for name, _, value in item} for item in pairs]
