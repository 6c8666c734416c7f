"""One command over many agreements: whom it concerns, what each answers, and how often it takes effect."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from pydantic import JsonValue
from temporalio.client import Client
from temporalio.service import RPCError

from activities.directory.people import Directory
from activities.event_store.event_store import EventStore
from application.commands.preview import Expected, Preview, preview
from application.concurrency import few_at_once
from application.config.keys import recognised
from application.errors import NoAnswerError, NotRunningError, UpdateRefusedError
from application.queries.agreements import owed_ever, standing
from application.temporal.updates import ask, update_id_of
from domain.agreement.commands import Command
from domain.kernel.digests import digest_of_model
from domain.kernel.errors import RefusalCode
from domain.kernel.model import Frozen
from domain.kernel.vocabulary import Phase
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


class Order(NamedTuple):
    """A command for one agreement, which may depend on how it stands."""

    agreement_id: str
    build: Callable[[str | None], Command]
    """The command, given the obligation that `{oldest}` stands for; None where it stands for none."""
    about_the_oldest: bool = False


class Item(Frozen):
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
    """The batch that a call belongs to where it names none: the same content on the same day is one batch.

    Raises:
        SettingsError: No keys are set, and nobody chose to do without.
        KeysError: Those that are set cannot be used.
    """
    return f"{day}-{recognised(dict(content))[:16]}"


def command_id_of(batch: str, agreement_id: str) -> str:
    """The id of one agreement's command in a batch: the same whenever the batch is repeated."""
    whole = f"{batch}/{agreement_id}"
    if len(whole) <= LONGEST_COMMAND_ID:
        return whole
    return f"{batch}/{sha256(agreement_id.encode()).hexdigest()[:32]}"


def names_the_oldest(data: Mapping[str, JsonValue]) -> bool:
    """Whether a command's fields speak of each agreement's oldest overdue obligation."""
    return OLDEST in json.dumps(dict(data))


def with_the_oldest(data: Mapping[str, JsonValue], obligation_id: str | None) -> dict[str, JsonValue]:
    """The fields with the obligation put in."""
    if obligation_id is None:
        return dict(data)
    return json.loads(json.dumps(dict(data)).replace(OLDEST, obligation_id))


class Errands:
    """Gives orders, a few at a time, and collects an answer to each.

    Args:
        event_store: The record, in which orders that were given before are recognised.
        directory: The people, for a dry run.
        client: The way to Temporal; None for a dry run, which sends nothing.
        patience: How long to wait for each answer.
        expected: What the directory will say, for a dry run.
    """

    def __init__(
        self,
        event_store: EventStore,
        directory: Directory,
        client: Client | None,
        patience: timedelta,
        expected: Expected | None = None,
    ) -> None:
        self._event_store = event_store
        self._directory = directory
        self._client = client
        self._patience = patience
        self._expected = expected

    async def give(self, orders: Sequence[Order], one_more: Callable[[], None]) -> list[Item]:
        """The answer to each order, in their order; `one_more` is called after each."""

        async def one(order: Order) -> Item:
            item = await self._give(order)
            one_more()
            return item

        return await few_at_once(one, orders)

    async def _give(self, order: Order) -> Item:
        command = order.build(None if not order.about_the_oldest else _NOBODYS)
        blank = Item(
            agreement_id=order.agreement_id,
            command=command.type,
            command_id=command.command_id,
            outcome=Outcome.REFUSED,
        )
        try:
            if order.about_the_oldest:
                found = await self._about_the_oldest(order, command.command_id)
                if isinstance(found, Item):
                    return found
                command = found
            return await self._answer(blank, command)
        except UpdateRefusedError as refused:
            return blank.model_copy(update={"code": refused.code, "sentence": refused.sentence})
        except NotRunningError as ended:
            return await self._not_running(blank, str(ended))
        except NoAnswerError as none:
            return blank.model_copy(update={"outcome": Outcome.UNANSWERED, "sentence": str(none)})
        except RPCError as error:
            sentence = f"Temporal answers: {error.message} ({error.status.name.lower()})."
            return blank.model_copy(update={"outcome": Outcome.UNREACHABLE, "sentence": sentence})

    async def _answer(self, blank: Item, command: Command) -> Item:
        if self._client is None:
            found = await preview(
                self._event_store, self._directory, blank.agreement_id, command, expected=self._expected
            )
            return blank.model_copy(
                update={
                    "outcome": Outcome.ACCEPTED if found.given_before else Outcome.WOULD_BE_ACCEPTED,
                    "version": found.version,
                    "event_types": found.event_types,
                    "preview": found,
                }
            )
        receipt = await ask(
            self._client,
            blank.agreement_id,
            command.type,
            command,
            update_id=update_id_of(self._client, command),
            patience=self._patience,
        )
        return blank.model_copy(
            update={
                "outcome": Outcome.ACCEPTED,
                "version": receipt.version,
                "event_types": receipt.event_types,
            }
        )

    async def _about_the_oldest(self, order: Order, command_id: str) -> Command | Item:
        """The command about the oldest overdue obligation, or what it led to when it was given before.

        By now another obligation may be the oldest; the batch was about the one of then.
        """
        stands = await standing(self._event_store, order.agreement_id)
        if stands is None:
            raise NotRunningError(f"The record has no agreement {order.agreement_id}.")
        for known in await self._event_store.recent_commands(order.agreement_id):
            if known.command_id == command_id:
                for owed in owed_ever(stands.events):
                    command = order.build(owed.obligation.obligation_id)
                    if known.is_of(digest_of_model(command)):
                        return Item(
                            agreement_id=order.agreement_id,
                            command=command.type,
                            command_id=command_id,
                            outcome=Outcome.ACCEPTED,
                            version=known.version,
                            event_types=known.event_types,
                        )
        asks = order.build(_NOBODYS)
        roles = frozenset(() if asks.acting_as is None else {asks.acting_as})
        known_to_them = obligations_known_to(stands.agreement, asks.actor_id, roles)
        overdue = (
            held
            for held in oldest_first(stands.agreement)
            if held.is_overdue(stands.at) and held.obligation_id in known_to_them
        )
        oldest = next(overdue, None)
        if oldest is None:
            raise UpdateRefusedError(
                RefusalCode.NOT_OPEN, f"{OLDEST}: nothing is overdue in {order.agreement_id}."
            )
        return order.build(oldest.obligation_id)

    async def _not_running(self, blank: Item, sentence: str) -> Item:
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


_NOBODYS = "milestone:none"
"""Stands in for an obligation where only the command's id is wanted."""
