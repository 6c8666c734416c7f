"""How asking an agreement for something ends without what was asked for."""

from __future__ import annotations


class AskedInVainError(Exception):
    """The workflow cannot be asked. The text says why."""


class NotRunningError(AskedInVainError):
    """No such workflow runs: it never did, or it has ended."""


class NoAnswerError(AskedInVainError):
    """No answer came in time: the command may still be accepted, and may be repeated with the same id."""


class UpdateRefusedError(AskedInVainError):
    """The workflow refused; nothing was written."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
