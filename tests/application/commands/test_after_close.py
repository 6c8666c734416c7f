"""What is private in a closed agreement is opened by two people, for a time, in sight of all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from typer.testing import Result

from activities.data_rights.access_after_close import AccessLog
from activities.encryption.decrypt import decrypt_for_reader
from activities.encryption.encrypt import FieldEncryption
from activities.event_store.event_store import EventStore
from activities.integrity.rights_chain import rights_differences
from application.commands.after_close import open_after_close, with_noted_openings
from application.commands.authorization import Authority, AuthorizedCommand
from application.queries.agreements import AgreementSnapshot, load_snapshot
from domain.agreement.commands import Command
from domain.agreement.commands.break_glass import ApproveBreakGlass, RequestBreakGlass
from domain.agreement.state import Agreement
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.model import WITHHELD
from domain.kernel.vocabulary import Role
from domain.ledger.notice import NoticeKind
from domain.privacy.disclosure import reader_of
from workers.demo.mailboxes import Mailboxes
from workers.terminal.failures import ExitCode

Sojourn = Callable[..., Awaitable[Result]]

REASON = "The works council asks for an inquiry."


@pytest.fixture
def access_log(pool: asyncpg.Pool[asyncpg.Record], encryption: FieldEncryption) -> AccessLog:
    """Where openings are noted."""
    return AccessLog(pool, encryption)


def _printed(result: Result) -> Any:  # noqa: ANN401  any JSON
    assert result.exit_code == ExitCode.OK, result.stderr
    return json.loads(result.stdout)


async def _reflections(sojourn: Sojourn, agreement: Agreement, *as_whom: str) -> set[str]:
    """What a reader reads of how the mentee looks back."""
    rows = _printed(await sojourn("events", agreement.agreement_id, *as_whom, "--json"))
    debriefs = [row for row in rows if row["type"] == "debrief.submitted"]
    return {text for row in debriefs for text in row["data"]["reflection"]["insights"]}


async def test_two_people_open_a_closed_agreement_and_its_people_see_it(
    sojourn: Sojourn, closed: Agreement, event_store: EventStore, pool: asyncpg.Pool[asyncpg.Record]
) -> None:
    """Asking opens nothing; the asker cannot approve; then one reader reads, and every party sees who did."""
    terms, agreement_id = closed.terms, closed.agreement_id
    hr, owner = ("--as", terms.hrbp), ("--as", terms.programme_owner)
    before = await event_store.stream(agreement_id)
    asked = json.dumps(
        {"request_id": "g1", "hours": 4, "reason": REASON, "only": "debrief.submitted/reflection"}
    )
    approval = json.dumps({"request_id": "g1"})
    receipt = _printed(
        await sojourn("act", agreement_id, "request_break_glass", *hr, "--data", asked, "--json")
    )
    assert (receipt["event_types"], receipt["version"]) == (["break_glass.requested"], closed.version)
    assert await _reflections(sojourn, closed, *hr) == {WITHHELD}
    alone = await sojourn("act", agreement_id, "approve_break_glass", *hr, "--data", approval)
    assert alone.exit_code == ExitCode.REFUSED
    assert "conflict_of_interest" in alone.stderr
    assert (
        await sojourn("act", agreement_id, "approve_break_glass", *owner, "--data", approval)
    ).exit_code == 0
    read = await _reflections(sojourn, closed, *hr)
    assert read == await _reflections(sojourn, closed, "--as", terms.mentee)
    assert WITHHELD not in read
    assert await _reflections(sojourn, closed, *owner) == {WITHHELD}
    assert await event_store.stream(agreement_id) == before, "the stream of a closed agreement has ended"
    assert await rights_differences(pool) == []
    for person in (terms.mentee, terms.mentor, terms.line_manager):
        listed = _printed(await sojourn("openings", agreement_id, "--as", person, "--json"))
        assert [(row["type"], row["actor"]["person_id"], row["after_close"]) for row in listed] == [
            ("break_glass.requested", terms.hrbp, True),
            ("break_glass.approved", terms.programme_owner, True),
        ]
        assert listed[0]["reason"] == REASON
    shown = await sojourn("openings", agreement_id)
    assert REASON not in shown.stdout, "an operator without a name reads nobody's words"
    done = await sojourn("export", terms.mentee, "--as", "P-9001", "--out", "held.json")
    assert done.exit_code == ExitCode.OK, done.stderr
    with open("held.json", encoding="utf-8") as file:  # noqa: PTH123, ASYNC230  in this test's own folder
        [held] = json.load(file)["agreements"]
    assert [each["type"] for each in held["events"]][-2:] == ["break_glass.requested", "break_glass.approved"]


async def test_an_opening_ends_by_itself(
    event_store: EventStore, closed: Agreement, access_log: AccessLog, encryption: FieldEncryption
) -> None:
    """After its hours the reader reads no more than before, without anybody closing it."""
    snapshot = await load_snapshot(event_store, closed.agreement_id)
    assert snapshot is not None
    terms, at = closed.terms, snapshot.at
    await _open(access_log, snapshot, terms.hrbp, terms.programme_owner)

    async def reads(later: timedelta) -> bool:
        opened = (await with_noted_openings(access_log, snapshot)).agreement
        rows = await decrypt_for_reader(
            encryption, snapshot.events, reader_of(opened, terms.hrbp, at=at + later)
        )
        return WITHHELD not in str([row.data for row in rows if row.type == "debrief.submitted"])

    assert await reads(timedelta(hours=3, minutes=59))
    assert not await reads(timedelta(hours=4))


async def test_a_request_that_waited_too_long_has_lapsed(
    event_store: EventStore, closed: Agreement, access_log: AccessLog
) -> None:
    """Whoever approves after a day would approve something that has passed."""
    snapshot = await load_snapshot(event_store, closed.agreement_id)
    assert snapshot is not None
    later = snapshot._replace(at=snapshot.at + timedelta(hours=25))
    with pytest.raises(Refused) as refused:
        await _open(access_log, snapshot, closed.terms.hrbp, closed.terms.programme_owner, approved_at=later)
    assert refused.value.code is RefusalCode.NOT_OPEN
    assert "lapsed" in refused.value.sentence


async def test_nobody_else_may_ask(sojourn: Sojourn, closed: Agreement) -> None:
    """A manager of a closed agreement is refused as of an open one; other commands come too late."""
    data = json.dumps({"request_id": "g1", "reason": REASON})
    call = ("act", closed.agreement_id, "request_break_glass", "--data", data, "--as")
    manager = await sojourn(*call, closed.terms.line_manager)
    assert (manager.exit_code, "not_allowed_for_role" in manager.stderr) == (ExitCode.REFUSED, True)
    stranger = await sojourn(*call, "P-0000")
    assert "not_a_party" in stranger.stderr
    nobody_asked = json.dumps({"request_id": "g9"})
    unknown = await sojourn(
        "act", closed.agreement_id, "approve_break_glass", "--as", closed.terms.hrbp, "--data", nobody_asked
    )
    assert "nobody has made a request g9" in unknown.stderr


async def test_the_reason_is_sealed(
    pool: asyncpg.Pool[asyncpg.Record], access_log: AccessLog, event_store: EventStore, closed: Agreement
) -> None:
    """Rows of the log of rights hold ids and dates in clear, and no words."""
    snapshot = await load_snapshot(event_store, closed.agreement_id)
    assert snapshot is not None
    await _open(access_log, snapshot, closed.terms.hrbp, closed.terms.programme_owner)
    rows = await pool.fetch(
        "SELECT person_id, type, data::text AS data FROM sojourn.rights_event ORDER BY position"
    )
    assert {row["person_id"] for row in rows} == {closed.terms.mentee, closed.terms.mentor}
    assert {row["type"] for row in rows} == {"glass.requested", "glass.approved"}
    assert REASON not in str([row["data"] for row in rows])


def _authorized(command: Command) -> AuthorizedCommand:
    """Return a command as after the directory was asked: it has OP-1 as an operator."""
    return Authority(command.actor_id, is_operator=command.actor_id == "OP-1").over(command)


async def _open(
    access_log: AccessLog,
    snapshot: AgreementSnapshot,
    asks: str,
    approves: str,
    *,
    approved_at: AgreementSnapshot | None = None,
) -> None:
    request = RequestBreakGlass(command_id="c1", actor_id=asks, request_id="g1", hours=4, reason=REASON)
    await open_after_close(access_log, snapshot, _authorized(request))
    approval = ApproveBreakGlass(command_id="c2", actor_id=approves, request_id="g1")
    await open_after_close(access_log, approved_at or snapshot, _authorized(approval))


async def _waiting(pool: asyncpg.Pool[asyncpg.Record], several: int) -> None:
    """Until so many wait for the lock of what is noted."""
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND wait_event_type = 'Lock' AND position('note_opening' in query) > 0"
    )
    async with asyncio.timeout(30):
        # The server has no event for it.
        while await pool.fetchval(waiting) < several:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_of_two_who_approve_at_once_one_is_noted(
    access_log: AccessLog,
    closed: Agreement,
    event_store: EventStore,
    pool: asyncpg.Pool[asyncpg.Record],
    administrator: asyncpg.Connection,
) -> None:
    """Both have decided before either is noted; the other decides again, and hears that it is open."""
    snapshot = await load_snapshot(event_store, closed.agreement_id)
    assert snapshot is not None
    terms = closed.terms
    asked = RequestBreakGlass(command_id="c1", actor_id=terms.hrbp, request_id="g1", hours=4, reason=REASON)
    await open_after_close(access_log, snapshot, _authorized(asked))
    approvals = [
        ApproveBreakGlass(command_id="c2", actor_id=terms.programme_owner, request_id="g1"),
        ApproveBreakGlass(command_id="c3", actor_id="OP-1", acting_as=Role.OPERATOR, request_id="g1"),
        ApproveBreakGlass(command_id="c2", actor_id=terms.programme_owner, request_id="g1"),
    ]
    async with administrator.transaction():
        await administrator.execute("SELECT FROM sojourn.rights_head FOR UPDATE")
        racing = [
            asyncio.create_task(open_after_close(access_log, snapshot, _authorized(each)))
            for each in approvals
        ]
        await _waiting(pool, len(approvals))
    outcomes = await asyncio.gather(*racing, return_exceptions=True)
    refused = [each.code for each in outcomes if isinstance(each, Refused)]
    opened = {each.event_id for each in outcomes if not isinstance(each, BaseException)}
    assert len(opened) == 1
    assert set(refused) == {RefusalCode.ALREADY_DONE}
    noted = await pool.fetch("SELECT person_id FROM sojourn.rights_event WHERE type = 'glass.approved'")
    assert sorted(row["person_id"] for row in noted) == sorted([terms.mentee, terms.mentor])


@pytest.fixture
async def mailboxes(sojourn: Sojourn, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Mailboxes]:  # noqa: ARG001  it sets the database first
    """A mail server that the command line reaches."""
    async with Mailboxes() as opened:
        monkeypatch.setenv("SOJOURN_SMTP_HOST", opened.host)
        monkeypatch.setenv("SOJOURN_SMTP_PORT", str(opened.port))
        monkeypatch.setenv("SOJOURN_SMTP_SECURITY", "none")
        yield opened


async def _asked(sojourn: Sojourn, agreement: Agreement) -> None:
    data = json.dumps({"request_id": "g1", "hours": 4, "reason": REASON})
    by = ("--as", agreement.terms.hrbp)
    assert (
        await sojourn("act", agreement.agreement_id, "request_break_glass", *by, "--data", data)
    ).exit_code == ExitCode.OK


def _approval(agreement: Agreement, request_id: str = "g1") -> tuple[str, ...]:
    by, data = agreement.terms.programme_owner, json.dumps({"request_id": request_id})
    return (
        "act",
        agreement.agreement_id,
        "approve_break_glass",
        "--as",
        by,
        "--data",
        data,
        "--id",
        "approval-1",
    )


async def test_mentee_and_mentor_are_told_by_mail_once(
    sojourn: Sojourn, closed: Agreement, mailboxes: Mailboxes
) -> None:
    """By the very notice that an open agreement sends; a command that arrives twice tells nobody twice."""
    people = {closed.terms.mentee, closed.terms.mentor}
    await _asked(sojourn, closed)
    assert mailboxes.letters(closed.agreement_id) == [], "asking opens nothing, so there is nothing to tell"
    first = _printed(await sojourn(*_approval(closed), "--json"))
    again = _printed(await sojourn(*_approval(closed), "--json"))
    assert first == again
    letters = mailboxes.letters(closed.agreement_id)
    assert sorted((each.person_id, each.kind) for each in letters) == sorted(
        (person, NoticeKind.ANNOUNCEMENT) for person in people
    )
    listed = _printed(await sojourn("openings", closed.agreement_id, "--as", closed.terms.mentee, "--json"))
    assert [row["type"] for row in listed] == ["break_glass.requested", "break_glass.approved"]
    assert {(each["person_id"], each["delivered_to"]) for each in listed[1]["told"]} == {
        (person, person) for person in people
    }
    done = await sojourn("export", closed.terms.mentee, "--as", "P-9001", "--out", "held.json")
    assert done.exit_code == ExitCode.OK, done.stderr
    with open("held.json", encoding="utf-8") as file:  # noqa: PTH123, ASYNC230  in this test's own folder
        held = json.load(file)
    assert [each["type"] for each in held["rights"]] == ["glass.requested", "glass.approved", "glass.told"]
    assert {each["agreement_id"] for each in held["rights"]} == {closed.agreement_id}
    assert closed.terms.hrbp not in json.dumps(held["rights"]), "others are named by role"


async def test_whoever_could_not_be_told_is_named_and_told_by_the_same_call_again(
    sojourn: Sojourn, closed: Agreement, mailboxes: Mailboxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mail server that is down delays no opening; that nobody was told is seen, until somebody was."""
    await _asked(sojourn, closed)
    with monkeypatch.context() as patch:
        patch.setenv("SOJOURN_SMTP_PORT", "1")
        untold = await sojourn(*_approval(closed))
    assert untold.exit_code == ExitCode.OK, untold.stderr
    for person in (closed.terms.mentee, closed.terms.mentor):
        assert f"{person} could not be told of it" in untold.stderr
    assert "--id approval-1" in untold.stderr
    shown = await sojourn("openings", closed.agreement_id)
    assert f"{closed.terms.mentee} could not be told" in shown.stdout.replace("\n", " ")
    repeated = await sojourn(*_approval(closed))
    assert repeated.exit_code == ExitCode.OK, repeated.stderr
    assert len(mailboxes.letters(closed.agreement_id)) == 2
    listed = _printed(await sojourn("openings", closed.agreement_id, "--json"))
    assert [row["type"] for row in listed] == ["break_glass.requested", "break_glass.approved"]
    assert None not in {each["delivered_to"] for each in listed[1]["told"]}


async def test_an_id_is_not_given_to_another_command(sojourn: Sojourn, closed: Agreement) -> None:
    """The same id with other content is refused, as an open agreement would."""
    await _asked(sojourn, closed)
    assert (await sojourn(*_approval(closed))).exit_code == ExitCode.OK
    other = await sojourn(*_approval(closed, "g2"))
    assert other.exit_code == ExitCode.REFUSED
    assert "command_reused" in other.stderr


async def test_a_dry_run_says_what_would_happen_and_notes_nothing(
    sojourn: Sojourn, closed: Agreement, mailboxes: Mailboxes, pool: asyncpg.Pool[asyncpg.Record]
) -> None:
    """Of asking, of approving with who would be told, and of what would be refused."""
    data = json.dumps({"request_id": "g1", "reason": REASON})
    ask = ("act", closed.agreement_id, "request_break_glass", "--as", closed.terms.hrbp, "--data", data)
    asking = _printed(await sojourn(*ask, "--dry-run", "--json"))
    assert (asking["event_types"], asking["told"]) == (["break_glass.requested"], [])
    too_soon = await sojourn(*_approval(closed), "--dry-run")
    assert too_soon.exit_code == ExitCode.REFUSED
    assert "Would be refused (not_open)" in too_soon.stderr
    await _asked(sojourn, closed)
    noted = await pool.fetchval("SELECT count(*) FROM sojourn.rights_event")
    approving = _printed(await sojourn(*_approval(closed), "--dry-run", "--json"))
    assert approving["event_types"] == ["break_glass.approved"]
    assert {each["person_id"] for each in approving["told"]} == {closed.terms.mentee, closed.terms.mentor}
    assert await pool.fetchval("SELECT count(*) FROM sojourn.rights_event") == noted
    assert mailboxes.letters(closed.agreement_id) == []
    assert (await sojourn(*_approval(closed))).exit_code == ExitCode.OK
    assert _printed(await sojourn(*_approval(closed), "--dry-run", "--json"))["given_before"] is True
    sign = ("act", closed.agreement_id, "sign_agreement", "--data", '{"terms_version": 1}', "--dry-run")
    late = await sojourn(*sign, "--as", closed.mentee_id)
    assert "agreement_closed" in late.stderr
