"""Make of everything that can be expected to go wrong a sentence and an exit code."""

from __future__ import annotations

import asyncpg
from temporalio.service import RPCError

from activities.encryption.encrypt import DecryptionError
from activities.integrity.snapshots import UnknownAgreementError
from activities.keys.ring import KeysError
from activities.postgres.pool import DatabaseRefusedError, DatabaseUnavailableError
from application.errors import (
    InvalidInputError,
    NoAnswerError,
    NoDatabaseError,
    NothingMatchedError,
    NotRunningHereError,
    UnknownCommandError,
    UpdateRefusedError,
    UseCaseError,
)
from application.identity.tokens import TokenKeysError
from application.settings import SettingsError
from application.temporal.client import NoTemporalError
from application.temporal.namespace import NamespaceNotReadyError, SearchAttributesOfAnotherTypeError
from application.temporal.versions import VersionNotMadeCurrentError
from deploy.embedded import EmbeddedServerError, StackAlreadyRunningError
from deploy.migrate import MigrationRefusedError
from domain.kernel.errors import Refused
from domain.stream.serialization import BrokenStream, UnreadableEvent
from gateway.serving import CannotListenError
from workers.cli.invalid_input import failure_of
from workers.terminal.failures import ExitCode, Failure

_CODES: tuple[tuple[tuple[type[BaseException], ...], ExitCode], ...] = (
    ((SettingsError, KeysError, TokenKeysError), ExitCode.USAGE),
    ((CannotListenError,), ExitCode.UNREACHABLE),
    ((NoTemporalError, EmbeddedServerError, MigrationRefusedError), ExitCode.UNREACHABLE),
    ((VersionNotMadeCurrentError,), ExitCode.UNREACHABLE),
    ((DatabaseUnavailableError, DatabaseRefusedError, asyncpg.PostgresError), ExitCode.UNREACHABLE),
    (
        (StackAlreadyRunningError, UnreadableEvent, DecryptionError, BrokenStream),
        ExitCode.REFUSED,
    ),
    ((SearchAttributesOfAnotherTypeError,), ExitCode.REFUSED),
    ((NamespaceNotReadyError,), ExitCode.UNREACHABLE),
    ((NoAnswerError,), ExitCode.UNKNOWN_OUTCOME),
    ((UnknownAgreementError, NothingMatchedError), ExitCode.NOTHING_MATCHED),
    ((NoDatabaseError, NotRunningHereError), ExitCode.UNREACHABLE),
    ((UnknownCommandError,), ExitCode.USAGE),
    # Whatever else a use case refuses.
    ((UseCaseError,), ExitCode.REFUSED),
)


def expected(error: BaseException) -> Failure | None:
    """Return the failure that an exception stands for; None where it is a fault of the program."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, Refused | UpdateRefusedError):
        return Failure(f"Refused ({error.code}): {error.sentence}")
    if isinstance(error, InvalidInputError):
        return failure_of(error)
    if isinstance(error, RPCError):
        answer = f"Temporal answers: {error.message} ({error.status.name.lower()})."
        return Failure(answer, ExitCode.UNREACHABLE)
    return next((Failure(str(error), code) for kinds, code in _CODES if isinstance(error, kinds)), None)
