"""How a command is refused: one exception, a code, and a sentence that a person can act on."""

from __future__ import annotations

from enum import StrEnum


class RefusalCode(StrEnum):
    """The rule that a command broke."""

    NOT_A_PARTY = "not_a_party"
    NOT_ALLOWED_FOR_ROLE = "not_allowed_for_role"
    WRONG_PHASE = "wrong_phase"
    WRONG_KIND = "wrong_kind"
    AGREEMENT_CLOSED = "agreement_closed"
    ALREADY_DONE = "already_done"
    NOT_OPEN = "not_open"
    UNKNOWN_REFERENCE = "unknown_reference"
    OUT_OF_ORDER = "out_of_order"
    OUTSIDE_THE_PLACEMENT = "outside_the_placement"
    VERSION_MISMATCH = "version_mismatch"
    INCOMPLETE = "incomplete"
    NO_CHANGE = "no_change"
    CONFLICT_OF_INTEREST = "conflict_of_interest"
    PAUSED = "paused"
    TERMS_INVALID = "terms_invalid"
    COMMAND_REUSED = "command_reused"


class Refused(Exception):  # noqa: N818  named for what happened to the command
    """A command that the rules do not allow. Nothing was written."""

    def __init__(self, code: RefusalCode, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
