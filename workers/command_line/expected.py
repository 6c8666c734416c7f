"""What can be expected to go wrong, and how a command ends then. It knows everything that can fail."""

from __future__ import annotations

import asyncpg
from temporalio.service import RPCError

from activities.database import DatabaseRefusedError, DatabaseUnavailableError
from activities.keys.ring import KeysError
from activities.seals import SealedWordsError
from activities.snapshots import UnknownAgreementError
from deploy.embedded import EmbeddedServerError, StackAlreadyRunningError
from deploy.migrate import MigrationRefusedError
from domain.reading import BrokenStream, UnreadableEvent
from domain.refusals import Refused
from gateway.serving import CannotListenError
from gateway.tokens import TokenKeysError
from workers.asked_in_vain import NoAnswerError, NotRunningError, UpdateRefusedError
from workers.command_line.failures import ExitCode, Failure
from workers.connection import NoTemporalError
from workers.namespace import NamespaceNotReadyError
from workers.settings import SettingsError
from workers.versions import VersionNotMadeCurrentError

_CODES: tuple[tuple[tuple[type[BaseException], ...], ExitCode], ...] = (
    ((SettingsError, KeysError, TokenKeysError), ExitCode.USAGE),
    ((CannotListenError,), ExitCode.UNREACHABLE),
    ((NoTemporalError, EmbeddedServerError, MigrationRefusedError), ExitCode.UNREACHABLE),
    ((VersionNotMadeCurrentError,), ExitCode.UNREACHABLE),
    ((DatabaseUnavailableError, DatabaseRefusedError, asyncpg.PostgresError), ExitCode.UNREACHABLE),
    (
        (StackAlreadyRunningError, UnreadableEvent, SealedWordsError, UpdateRefusedError, NotRunningError),
        ExitCode.REFUSED,
    ),
    ((BrokenStream,), ExitCode.REFUSED),
    ((NamespaceNotReadyError,), ExitCode.UNREACHABLE),
    ((NoAnswerError,), ExitCode.UNKNOWN_OUTCOME),
    ((UnknownAgreementError,), ExitCode.NOTHING_MATCHED),
)


def expected(error: BaseException) -> Failure | None:
    """The failure that an exception stands for; None where it is a fault of the program."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, Refused):
        return Failure(f"Refused ({error.code}): {error.sentence}")
    if isinstance(error, RPCError):
        answer = f"Temporal answers: {error.message} ({error.status.name.lower()})."
        return Failure(answer, ExitCode.UNREACHABLE)
    return next((Failure(str(error), code) for kinds, code in _CODES if isinstance(error, kinds)), None)
