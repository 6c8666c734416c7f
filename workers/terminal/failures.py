"""How a command ends: one sentence on standard error and one exit code, never a traceback."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a script can tell apart."""

    OK = 0
    """Done."""
    REFUSED = 1
    """A rule, the input or the state forbids it; nothing was changed."""
    USAGE = 2
    """The command line or a setting is wrong."""
    UNREACHABLE = 3
    """PostgreSQL or Temporal cannot be reached, or is not ready; try again later."""
    UNKNOWN_OUTCOME = 4
    """No answer in time: it may still take effect. Repeat the same call; it takes effect once."""
    NOTHING_MATCHED = 5
    """No agreement is one that the call is about; nothing was done."""
    INTERRUPTED = 130
    """Ctrl-C."""


EXIT_CODES = """Exit codes:

\b
  0    done
  1    refused, or a problem was found; nothing was changed
  2    the command line or a setting is wrong
  3    PostgreSQL or Temporal cannot be reached or is not ready
  4    no answer in time: it may still take effect; repeat the same call
  5    no agreement matched; nothing was done
  130  interrupted with Ctrl-C"""
"""For the help."""


class Failure(Exception):  # noqa: N818  it ends a command as its author intended
    """Ends a command with a sentence that says what to do.

    Attributes:
        sentence: For standard error.
        code: What the process exits with.
    """

    def __init__(self, sentence: str, code: ExitCode = ExitCode.REFUSED) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code
