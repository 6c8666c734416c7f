"""A payload that cannot be shown: what stands in its place, so that the rest of a history can be read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal, TypeAlias

from temporalio.api.common.v1 import Payload

Why: TypeAlias = Literal["key_unknown", "damaged", "not_for_you", "no_record"]
"""For programs, in the metadata of the placeholder."""

MARK = "sojourn-unread"
"""The name of that metadata."""

_IN_WORDS: Mapping[Why, str] = {
    "key_unknown": "(not readable here: its key is not on the key ring)",
    "damaged": "(damaged: it does not open with its key; it was cut short, altered or moved here)",
    "not_for_you": "(not for you: you are no party to this agreement)",
    "no_record": "(not shown: the record of this agreement cannot be read by this release)",
}


class Unreadable(Exception):  # noqa: N818  it is answered, not raised to anybody
    """A payload cannot be shown to whoever asks.

    Attributes:
        code: Why, for programs.
        sentence: Why, for the log; never anything of the content.
    """

    def __init__(self, code: Why, sentence: str) -> None:
        super().__init__(sentence)
        self.code: Why = code
        self.sentence = sentence


def placeholder(reason: Unreadable) -> Payload:
    """Return what is shown in its place: a text, as the UI shows any other."""
    words = json.dumps(_IN_WORDS[reason.code]).encode()
    return Payload(metadata={"encoding": b"json/plain", MARK: reason.code.encode()}, data=words)
