"""Give one command to many agreements: what each answers, and how often it takes effect."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple, Self

from pydantic import JsonValue
from temporalio.client import Client
from temporalio.service import RPCError

from activities.directory.people import Directory
from activities.event_store.event_store import EventStore
from application.commands.authorization import Authority, AuthorizedCommand, establish_authority
from application.commands.preview import Expected, Preview, preview
from application.commands.send import send_command
from application.concurrency import gather_limited
from application.config.keys import keyed_digest
from application.config.policy_sets import KnownPolicies
from application.container import Container
from application.errors import NoAnswerError, NotRunningError, UpdateRefusedError
from application.identity.principal import Principal
from application.progress import NO_PROGRESS, Progress
from application.queries.agreements import AgreementSnapshot, all_obligations, load_snapshot
from domain.agreement.commands import Command
from domain.kernel.digests import digest_of_model
from domain.kernel.errors import RefusalCode
from domain.kernel.model import Frozen, PersonId
from domain.kernel.vocabulary import Phase, Role
from domain.privacy.confidentiality import obligations_known_to
from domain.views.health import oldest_first

OLDEST = "{oldest}"
"""Stands for each agreement's own oldest overdue obligation."""

LONGEST_COMMAND_ID = 100


class Outcome(StrEnum):
    """What became of one agreement's command."""

    ACCEPTED = "accepted"
    """It is in the record; also where it was before."""
    WOULD_BE_ACCEPTED = "would_be_accepted"
    """In a dry run."""
    REFUSED = "refused"
    """A rule forbids it, and nothing was written."""
    UNREACHABLE = "unreachable"
    """No workflow of the agreement could be asked; nothing was written."""
    UNANSWERED = "unanswered"
    """No answer in time: it may still take effect, and the same call again takes effect once."""


class BulkCommand(NamedTuple):
    """A command for one agreement, which may depend on how it stands."""

    agreement_id: str
    build: Callable[[str | None], Command]
    """Builds the command, given the obligation that `{oldest}` stands for; None where it stands for none."""
    about_oldest: bool = False
    """Whether it is about the agreement's oldest overdue obligation."""

    @classmethod
    def of(cls, agreement_id: str, command: Command) -> Self:
        """Make one that is the same however the agreement stands."""

        def build(_oldest: str | None) -> Command:
            return command

        return cls(agreement_id, build)


class BulkResult(Frozen):
    """What became of one agreement's command."""

    agreement_id: str
    command: str
    command_id: str
    outcome: Outcome
    version: int | None = None
    """The stream's version after the command."""
    event_types: tuple[str, ...] = ()
    code: str | None = None
    """Of the refusal."""
    sentence: str | None = None
    """Why not, for people."""
    preview: Preview | None = None
    """In a dry run."""


def batch_id_of(content: Mapping[str, JsonValue], day: str) -> str:
    """Return the id of the batch of a call that names none: the same content on the same day is one batch.

    Args:
        content: What the batch is recognised by.
        day: In front of the id; any word that tells batches of the same content apart.

    Raises:
        SettingsError: No keys are set, and nobody chose to do without.
        KeysError: Those that are set cannot be used.
    """
    return f"{day}-{keyed_digest(dict(content))[:16]}"


def command_id_of(batch: str, agreement_id: str) -> str:
    """Return the id of one agreement's command in a batch: the same whenever the batch is repeated."""
    whole = f"{batch}/{agreement_id}"
    if len(whole) <= LONGEST_COMMAND_ID:
        return whole
    return f"{batch}/{sha256(agreement_id.encode()).hexdigest()[:32]}"


def mentions_oldest(data: Mapping[str, JsonValue]) -> bool:
    """Tell whether a command's fields speak of each agreement's oldest overdue obligation."""
    return OLDEST in json.dumps(dict(data))


def fill_in_oldest(data: Mapping[str, JsonValue], obligation_id: str | None) -> dict[str, JsonValue]:
    """Return the fields with the obligation put in."""
    if obligation_id is None:
        return dict(data)
    return json.loads(json.dumps(dict(data)).replace(OLDEST, obligation_id))


async def submit_to_many(
    container: Container,
    principal: Principal,
    acting_as: Role | None,
    commands: Sequence[BulkCommand],
    *,
    patience: timedelta,
    dry_run: bool = False,
    expected: Expected | None = None,
    progress: Progress = NO_PROGRESS,
) -> list[BulkResult]:
    """Give each agreement its command, a few at a time; where one fails the others are given all the same.

    Args:
        container: What it takes.
        principal: Who gives them; their actor is the same person.
        acting_as: In which role, the same in all of them.
        commands: At most one for an agreement at a time; several for one are given in turn.
        patience: How long to wait for each answer.
        dry_run: Decide on the record only; send nothing and write nothing.
        expected: What the directory would say by then, for a dry run.
        progress: Told of each command that is done.

    Returns:
        What became of each, in their order.

    Raises:
        NotPermittedError: The principal may not act so; no command was given.
        InvalidInputError: A command could not be built.
    """
    authority = await establish_authority(container.directory, principal, acting_as)
    submission = _BulkSubmission(
        event_store=await container.event_store(),
        directory=await container.directory(),
        client=None if dry_run else await container.temporal(),
        authority=authority,
        policies=container.policies(),
        patience=patience,
        expected=expected or Expected(),
    )
    progress.start(len(commands))

    async def one(command: BulkCommand) -> BulkResult:
        result = await submission.give(command)
        progress.advance()
        return result

    return await gather_limited(one, commands)


class _BulkSubmission:
    """Give commands in one authority, and answer for each."""

    def __init__(
        self,
        *,
        event_store: EventStore,
        directory: Directory,
        client: Client | None,
        authority: Authority,
        policies: KnownPolicies,
        patience: timedelta,
        expected: Expected,
    ) -> None:
        self._event_store = event_store
        self._directory = directory
        self._client = client
        self._authority = authority
        self._policies = policies
        self._patience = patience
        self._expected = expected

    async def give(self, wanted: BulkCommand) -> BulkResult:
        """Give one command, or decide on it only where there is no client."""
        authorized = self._build(wanted, _NO_OBLIGATION if wanted.about_oldest else None)
        blank = BulkResult(
            agreement_id=wanted.agreement_id,
            command=authorized.command.type,
            command_id=authorized.command.command_id,
            outcome=Outcome.REFUSED,
        )
        try:
            if wanted.about_oldest:
                found = await self._build_about_oldest(wanted, blank)
                if isinstance(found, BulkResult):
                    return found
                authorized = found
            return await self._answer(blank, authorized)
        except UpdateRefusedError as refused:
            return blank.model_copy(update={"code": refused.code, "sentence": refused.sentence})
        except NotRunningError as ended:
            return await self._not_running(blank, str(ended))
        except NoAnswerError as none:
            return blank.model_copy(update={"outcome": Outcome.UNANSWERED, "sentence": str(none)})
        except RPCError as error:
            sentence = f"Temporal answers: {error.message} ({error.status.name.lower()})."
            return blank.model_copy(update={"outcome": Outcome.UNREACHABLE, "sentence": sentence})

    def _build(self, wanted: BulkCommand, obligation_id: str | None) -> AuthorizedCommand:
        return self._authority.over(wanted.build(obligation_id)).along_with(self._policies)

    async def _answer(self, blank: BulkResult, authorized: AuthorizedCommand) -> BulkResult:
        if self._client is None:
            found = await preview(
                self._event_store, self._directory, blank.agreement_id, authorized, expected=self._expected
            )
            return blank.model_copy(
                update={
                    "outcome": Outcome.ACCEPTED if found.given_before else Outcome.WOULD_BE_ACCEPTED,
                    "version": found.version,
                    "event_types": found.event_types,
                    "preview": found,
                }
            )
        receipt = await send_command(
            self._client, blank.agreement_id, authorized, policies=self._policies, patience=self._patience
        )
        return _accepted(blank, receipt.version, receipt.event_types)

    async def _build_about_oldest(
        self, wanted: BulkCommand, blank: BulkResult
    ) -> AuthorizedCommand | BulkResult:
        """Build the command about the oldest overdue obligation, or answer what it led to before.

        By now another obligation may be the oldest; the batch was about the one of then.
        """
        snapshot = await load_snapshot(self._event_store, wanted.agreement_id)
        if snapshot is None:
            raise NotRunningError(f"The record has no agreement {wanted.agreement_id}.")
        for known in await self._event_store.recent_commands(wanted.agreement_id):
            if known.command_id == blank.command_id:
                for each in all_obligations(snapshot.events):
                    command = self._build(wanted, each.obligation.obligation_id).command
                    if known.is_of(digest_of_model(command)):
                        return _accepted(blank, known.version, known.event_types)
        command = self._build(wanted, _NO_OBLIGATION).command
        oldest = oldest_overdue(snapshot, command.actor_id, command.acting_as)
        if oldest is None:
            raise UpdateRefusedError(
                RefusalCode.NOT_OPEN, f"{OLDEST}: nothing is overdue in {wanted.agreement_id}."
            )
        return self._build(wanted, oldest)

    async def _not_running(self, blank: BulkResult, sentence: str) -> BulkResult:
        row = await self._event_store.read_models.agreement(blank.agreement_id)
        if row is None:
            return blank.model_copy(
                update={
                    "code": RefusalCode.UNKNOWN_REFERENCE,
                    "sentence": f"The record has no agreement {blank.agreement_id}.",
                }
            )
        if row.head.phase is Phase.CLOSED:
            return blank.model_copy(
                update={
                    "code": RefusalCode.AGREEMENT_CLOSED,
                    "sentence": f"{blank.agreement_id} is closed ({row.head.outcome}).",
                }
            )
        return blank.model_copy(update={"outcome": Outcome.UNREACHABLE, "sentence": sentence})


def oldest_overdue(
    snapshot: AgreementSnapshot, person_id: PersonId, acting_as: Role | None, at: datetime | None = None
) -> str | None:
    """Return the id of what has been due for longest, of what somebody may know of; None where nothing is.

    Args:
        snapshot: The agreement.
        person_id: Who asks.
        acting_as: In which role, beside those that they hold in it.
        at: The instant; that of the snapshot where left out.
    """
    roles = frozenset(() if acting_as is None else {acting_as})
    known = obligations_known_to(snapshot.agreement, person_id, roles)
    overdue = (
        owed.obligation_id
        for owed in oldest_first(snapshot.agreement)
        if owed.is_overdue(at or snapshot.at) and owed.obligation_id in known
    )
    return next(overdue, None)


def _accepted(blank: BulkResult, version: int, event_types: tuple[str, ...]) -> BulkResult:
    return blank.model_copy(
        update={"outcome": Outcome.ACCEPTED, "version": version, "event_types": event_types}
    )


_NO_OBLIGATION = "milestone:none"
"""Stands in for an obligation where only the command's id is wanted."""
