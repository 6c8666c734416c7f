"""Open what is private in a closed agreement: its stream has ended, so the decision is noted beside it.

No workflow runs any more that would tell those whom it concerns. So whoever gives the command does, once it
is noted, and what became of that is noted as well; the same command again tells those who were not told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from activities.data_rights.access_after_close import AccessLog, Told
from activities.delivery.failures import DeliveryError
from activities.delivery.immediate import send_at_once
from activities.delivery.mail import MailSettings
from activities.directory.recipients import PeopleLookup
from application.commands.authorization import AuthorizedCommand
from application.commands.preview import Preview, planned_notice
from application.queries.agreements import AgreementSnapshot
from domain.agreement.events import Event
from domain.agreement.state import Agreement
from domain.decisions.after_close import AfterClose, decide_after_close, with_openings
from domain.decisions.decide import capacity_of
from domain.ledger.notice import Notice
from domain.notifications.derive import notices_of
from domain.stream.serialization import read_event


class Opened(NamedTuple):
    """What a command about a closed agreement led to."""

    event: Event
    event_id: str


async def with_noted_openings(access_log: AccessLog, snapshot: AgreementSnapshot) -> AgreementSnapshot:
    """Return an agreement with what was opened since it closed; an open one as it is."""
    if not snapshot.agreement.closed:
        return snapshot
    since = [read_event(row) for row in await access_log.of(snapshot.agreement)]
    return snapshot._replace(agreement=with_openings(snapshot.agreement, since))


async def open_after_close(
    access_log: AccessLog, snapshot: AgreementSnapshot, authorized: AuthorizedCommand
) -> Opened:
    """Decide on a request to open a closed agreement, or on its approval, and note what came of it.

    The same command again leads to what it led to before, and notes nothing.

    Args:
        access_log: Where it is noted.
        snapshot: The agreement, closed, at the instant of the decision.
        authorized: What somebody wants, and may ask for: one of `AfterClose`.

    Raises:
        Refused: A rule forbids it; nothing was noted.
        KeysError: There are no keys to seal the reason with.
    """
    command = _for_closed(authorized)
    while True:
        since = await access_log.of(snapshot.agreement)
        before = await access_log.given_before(snapshot.agreement, command)
        if before is not None:
            return Opened(read_event(before), before.event_id)
        known = with_openings(snapshot.agreement, [read_event(row) for row in since])
        event = decide_after_close(known, command, snapshot.at, is_operator=authorized.is_operator)
        role = capacity_of(known, command, is_operator=authorized.is_operator).role
        event_id = await access_log.note(known, event, command, role, known=len(since))
        if event_id is not None:
            return Opened(event, event_id)
        # Somebody was quicker, and it may be that what they noted leaves nothing to decide.


async def preview_after_close(
    access_log: AccessLog, snapshot: AgreementSnapshot, authorized: AuthorizedCommand
) -> Preview:
    """Return what such a command would lead to; nothing is noted and nobody is told.

    Raises:
        Refused: A rule forbids it.
    """
    command = _for_closed(authorized)
    before = await access_log.given_before(snapshot.agreement, command)
    known = (await with_noted_openings(access_log, snapshot)).agreement
    event = (
        read_event(before)
        if before
        else decide_after_close(known, command, snapshot.at, is_operator=authorized.is_operator)
    )
    told = () if before else _notices(known, Opened(event, "preview"))
    return Preview(
        agreement_id=known.agreement_id,
        command_id=command.command_id,
        command=command.type,
        as_of=snapshot.at,
        version=known.version,
        given_before=before is not None,
        event_types=(event.type,),
        told=tuple(planned_notice(notice) for notice in told),
    )


async def tell_after_close(
    access_log: AccessLog,
    directory: PeopleLookup,
    mail: MailSettings,
    snapshot: AgreementSnapshot,
    opened: Opened,
) -> list[Told]:
    """Tell of an opening those whom it concerns and who were not told of it, and note what became of it.

    Args:
        access_log: Where it is noted.
        directory: Where people are.
        mail: The mail server.
        snapshot: The agreement, closed.
        opened: What was noted.

    Returns:
        Each of them, told before or now or not at all; nobody where nobody is to be told.
    """
    told = {
        each.person_id: each
        for each in await access_log.told(snapshot.agreement)
        if each.event_id == opened.event_id and each.delivered_to is not None
    }
    for notice in _notices(snapshot.agreement, opened):
        if notice.recipient_id not in told:
            tried = Told(
                agreement_id=notice.agreement_id, event_id=opened.event_id, person_id=notice.recipient_id
            )
            try:
                reader, detail = await send_at_once(notice, directory, mail, snapshot.at)
                tried = tried.model_copy(update={"delivered_to": reader, "detail": detail})
            except DeliveryError as error:
                tried = tried.model_copy(update={"detail": str(error)})
            await access_log.note_told(tried)
            told[notice.recipient_id] = tried
    return list(told.values())


def _for_closed(authorized: AuthorizedCommand) -> AfterClose:
    if not isinstance(authorized.command, AfterClose):
        raise TypeError(f"{authorized.command.type} is nothing that a closed agreement takes")
    return authorized.command


def _notices(agreement: Agreement, opened: Opened) -> Sequence[Notice]:
    # Whom it concerns does not depend on what is open.
    return notices_of(agreement, agreement, opened.event, opened.event_id)
