"""The commands that read: from the record alone, as JSON for programs and as tables for people."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from typer.testing import Result

from activities.directory.people import Directory
from activities.event_store.event_store import EventStore
from domain.agreement.commands import COMMANDS
from domain.agreement.state import Agreement
from domain.kernel.model import WITHHELD
from domain.kernel.person import Person
from domain.kernel.vocabulary import ObligationKind
from domain.ledger.obligation import Obligation
from domain.privacy.disclosure import OPERATOR, Disclosure
from domain.stream.serialization import read_event
from workers.cli.command_help import LESSONS

Sojourn = Callable[..., Awaitable[Result]]
Lives = Callable[..., Awaitable[Agreement]]


def nothing(_: Obligation) -> bool:
    """Nobody does anything."""
    return False


def signatures_only(owed: Obligation) -> bool:
    """Everybody signs, and then nobody does anything more."""
    return owed.kind in {ObligationKind.SIGNATURE, ObligationKind.ANNEX_SIGNATURE}


def printed(result: Result) -> Any:  # noqa: ANN401  any JSON
    """What a successful command printed, parsed."""
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


async def test_show_carries_what_programs_rely_on(sojourn: Sojourn, live: Lives) -> None:
    """`show --json` has the named fields, the five stages and the open obligations, first due first."""
    agreement = await live("secondment", days=100)
    shown = printed(await sojourn("show", agreement.agreement_id, "--json"))
    assert (shown["agreement_id"], shown["kind"], shown["phase"]) == (
        agreement.agreement_id,
        "secondment",
        "active",
    )
    assert shown["version"] == agreement.version
    assert [stage["name"] for stage in shown["stages"]] == [
        "agreement signed",
        "milestones",
        "check-ins",
        "debrief",
        "synthesis",
    ]
    assert "agreement signed 5/5 · milestones" in shown["stage_line"]
    assert {owed["id"] for owed in shown["obligations"]} == set(agreement.obligations)
    for owed in shown["obligations"]:
        held = agreement.obligations[owed["id"]]
        assert (owed["kind"], owed["owner_role"], owed["owner_id"], owed["status"]) == (
            held.kind,
            held.owner_role,
            held.owner_id,
            "open",
        )
    everything = printed(await sojourn("show", agreement.agreement_id, "--settled", "--json"))
    assert {owed["status"] for owed in everything["obligations"]} >= {"open", "fulfilled"}


async def test_show_looks_at_any_instant(sojourn: Sojourn, live: Lives) -> None:
    """A past instant shows what was so then, a future one what will be overdue."""
    agreement = await live("secondment", days=100)
    then = agreement.proposed_at + timedelta(minutes=1)
    past = printed(await sojourn("show", agreement.agreement_id, "--as-of", then.isoformat(), "--json"))
    assert (past["phase"], past["health"]) == ("agreement", "too_early")
    future = printed(
        await sojourn("show", agreement.agreement_id, "--as-of", "2029-01-01T00:00:00Z", "--json")
    )
    assert future["health"] == "stalled"
    assert all(owed["overdue"] for owed in future["obligations"])
    early = await sojourn("show", agreement.agreement_id, "--as-of", "2020-01-01T00:00:00Z")
    assert early.exit_code == 1
    assert "had not begun" in early.stderr


async def test_events_are_the_record(sojourn: Sojourn, live: Lives, event_store: EventStore) -> None:
    """`events --json` is the stream without words: every version once, with actor, command, data and hash."""
    agreement = await live("shadowing", days=30)
    rows = printed(await sojourn("events", agreement.agreement_id, "--json"))
    stream = await event_store.stream(agreement.agreement_id)
    unnamed = Disclosure(OPERATOR, [])
    assert [row["version"] for row in rows] == list(range(1, agreement.version + 1))
    for row, recorded in zip(rows, stream, strict=True):
        assert (row["type"], row["hash"], row["command_id"]) == (
            recorded.type,
            recorded.hash,
            recorded.command_id,
        )
        assert row["actor"] == {"person_id": recorded.actor_id, "role": recorded.actor_role}
        assert row["data"] == unnamed.data(read_event(recorded), recorded.actor_id)
        assert row["data"].keys() == recorded.data.keys()
    later = printed(await sojourn("events", agreement.agreement_id, "--after", "3", "--json"))
    assert [row["version"] for row in later] == list(range(4, agreement.version + 1))


async def test_events_show_words_to_those_they_are_for_and_to_nobody_else(
    sojourn: Sojourn, live: Lives
) -> None:
    """Without --as the terms' words are withheld; a signatory reads them; a stranger is refused."""
    agreement = await live("rotation", days=3)

    async def objectives(*asking: str) -> set[str]:
        rows = printed(await sojourn("events", agreement.agreement_id, *asking, "--json"))
        return {each["gap"] for each in rows[0]["data"]["terms"]["objectives"]}

    assert await objectives() == {WITHHELD}
    assert WITHHELD not in await objectives("--as", agreement.terms.mentor)
    refused = await sojourn("events", agreement.agreement_id, "--as", "P-0000")
    assert refused.exit_code == 1
    assert "P-0000 is no party" in refused.stderr


async def test_list_is_an_array_and_filters_narrow_it(sojourn: Sojourn, live: Lives) -> None:
    """`list --json` is an array, also when empty; each filter leaves what it names."""
    assert printed(await sojourn("list", "--json")) == []
    await live("secondment", days=10)
    closed = await live("shadowing", days=150, answers=nothing)
    assert closed.closed

    async def listed(*filters: str) -> list[str]:
        return [row["kind"] for row in printed(await sojourn("list", *filters, "--json"))]

    assert sorted(await listed()) == ["secondment", "shadowing"]
    assert await listed("--open") == ["secondment"]
    assert await listed("--phase", "closed") == ["shadowing"]
    assert await listed("--kind", "secondment", "--cohort", "2027-spring") == ["secondment"]
    assert await listed("--person", "P-1042") == ["secondment"]
    assert await listed("--tenant", "nobody") == []


async def test_stalled_rows_say_why_on_whom_and_what_next(sojourn: Sojourn, live: Lives) -> None:
    """`stalled --json` rows carry every field that operators' tools read."""
    agreement = await live("secondment", days=50, answers=signatures_only)
    assert printed(await sojourn("stalled", "--as-of", "2026-11-25T00:00:00Z", "--json")) == []
    [row] = printed(await sojourn("stalled", "--as-of", "2027-03-01T09:00:00Z", "--json"))
    assert row.keys() >= {
        "agreement_id",
        "kind",
        "phase",
        "reason",
        "waiting_on",
        "since",
        "obligation_id",
        "obligation_kind",
        "due_at",
        "level",
        "next",
    }
    assert row["agreement_id"] == agreement.agreement_id
    held = agreement.obligations[row["obligation_id"]]
    assert row["reason"] == held.reason
    assert row["waiting_on"] == {"role": held.owner_role, "person_id": held.owner_id}
    assert (row["obligation_kind"], row["level"]) == (held.kind, 6)
    assert row["next"]
    role = row["waiting_on"]["role"]
    then = ("stalled", "--as-of", "2027-03-01T09:00:00Z", "--json")
    assert len(printed(await sojourn(*then, "--role", role, "--reason", row["reason"]))) == 1
    assert printed(await sojourn(*then, "--kind", "rotation")) == []
    assert printed(await sojourn(*then, "--waiting-on", "P-0")) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("stalled", "--reason", "lazy"), "--reason: 'lazy' is none of agreement_unsigned, release_missing"),
        (("stalled", "--role", "boss"), "--role: 'boss' is none of mentee, mentor"),
        (("list", "--kind", "holiday"), "--kind: 'holiday' is none of secondment, shadowing, rotation"),
        (("list", "--phase", "x"), "--phase: 'x' is none of agreement, active"),
        (("stalled", "--as-of", "2027-03-01T09:00:00"), "--as-of must be an instant with its offset"),
        (("stalled", "--as-of", "1800000000"), "--as-of must be an instant with its offset"),
        (("stalled", "--as-of", "soon"), "--as-of must be an instant with its offset"),
        (("show", "a", "--as-of", "2027-13-01T00:00:00Z"), "'2027-13-01T00:00:00Z' is not"),
    ],
)
async def test_mistyped_filters_name_the_choices(
    sojourn: Sojourn, arguments: tuple[str, ...], says: str
) -> None:
    """A value that an option does not know is a usage error that lists what it does know."""
    result = await sojourn(*arguments)
    assert result.exit_code == 2
    assert says in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("command", ["show", "events", "notices"])
async def test_unknown_agreement_is_said(sojourn: Sojourn, command: str) -> None:
    """An id that the record does not have is a refusal, not an empty answer."""
    result = await sojourn(command, "nobody.nothing", "--json")
    assert result.exit_code == 1
    assert "The record has no agreement nobody.nothing; `sojourn list`" in result.stderr
    assert result.stdout == ""


async def test_notices_show_what_became_of_each(
    sojourn: Sojourn, live: Lives, event_store: EventStore
) -> None:
    """Failures and skips are visible with their reasons, and `--failed` leaves the given-up ones."""
    agreement = await live("shadowing", days=3, answers=nothing)
    first, second, *_ = await event_store.notices.of(agreement.agreement_id)
    await event_store.notices.settle(first.notice.notice_id, "failed", error="550 mailbox unavailable")
    await event_store.notices.settle(second.notice.notice_id, "skipped", reason="settled before it was sent")
    rows = printed(await sojourn("notices", agreement.agreement_id, "--json"))
    assert len(rows) == len(await event_store.notices.of(agreement.agreement_id))
    [failed] = printed(await sojourn("notices", agreement.agreement_id, "--failed", "--json"))
    assert (failed["state"], failed["last_error"]) == ("failed", "550 mailbox unavailable")
    text = (await sojourn("notices", agreement.agreement_id)).stdout
    assert "mailbox" in text
    assert "settled before" in " ".join(text.split())


@pytest.mark.parametrize("columns", [80, 120])
async def test_tables_fit_the_window_without_colour(
    sojourn: Sojourn, live: Lives, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    """In a window of usual width nothing is cut, nothing runs over, and a pipe gets no colour."""
    agreement = await live("rotation", days=60, answers=signatures_only)
    monkeypatch.setenv("COLUMNS", str(columns))
    for arguments in (
        ("show", agreement.agreement_id),
        ("events", agreement.agreement_id),
        ("notices", agreement.agreement_id),
        ("list",),
        ("stalled", "--as-of", "2027-12-01T09:00:00Z"),
        ("settings",),
    ):
        result = await sojourn(*arguments)
        assert result.exit_code == 0, result.stderr
        assert "\x1b" not in result.stdout
        assert "…" not in result.stdout
        assert max(map(len, result.stdout.splitlines())) <= columns
    listed = (await sojourn("list")).stdout
    assert agreement.agreement_id in listed.replace("\n", "")


async def test_commands_teach_every_command(sojourn: Sojourn) -> None:
    """Each command is listed with who may give it when and an example that its model accepts."""
    described = printed(await sojourn("commands", "--json"))
    assert [each["name"] for each in described] == list(COMMANDS)
    for each in described:
        assert each["given_by"]
        assert each["phases"]
        assert each["kinds"]
        assert each["description"]
        if "..." not in json.dumps(each["example"]):
            given = {"command_id": "c-1", "actor_id": "P-1", **each["example"]}
            COMMANDS[each["name"]].model_validate_json(json.dumps(given), strict=True)
    text = (await sojourn("commands", "sign-agreement")).stdout
    assert 'sojourn act AGREEMENT sign_agreement --as PERSON --data \'{"terms_version": 1' in text
    assert "terms_version" in text
    wrong = await sojourn("commands", "sign_agrement")
    assert wrong.exit_code == 2
    assert "did you mean sign_agreement" in wrong.stderr


async def test_schemas_are_json_schema(sojourn: Sojourn) -> None:
    """`schema` prints requests, one command or everything; anything else is a usage error."""
    request = printed(await sojourn("schema", "request"))
    assert request["title"] == "PlacementRequest"
    assert "Person" in request["$defs"]
    sign = printed(await sojourn("schema", "command", "sign_agreement"))
    assert "terms_version" in sign["properties"]
    everything = printed(await sojourn("schema", "all"))
    assert everything["commands"].keys() == COMMANDS.keys()
    assert everything == printed(await sojourn("schema"))
    assert printed(await sojourn("schema", "command")) == everything["commands"]
    assert (await sojourn("schema", "weather")).exit_code == 2
    assert (await sojourn("schema", "request", "sign_agreement")).exit_code == 2


async def test_settings_mask_secrets(sojourn: Sojourn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every setting is listed with its present value, and no password is."""
    monkeypatch.setenv("SOJOURN_SMTP_USERNAME", "mailer")
    monkeypatch.setenv("SOJOURN_SMTP_PASSWORD", "hunter2")
    result = await sojourn("settings", "--json")
    rows = {row["variable"]: row for row in printed(result)}
    assert rows["SOJOURN_SMTP_USERNAME"]["current"] == "mailer"
    assert "hunter2" not in result.stdout
    assert "TEMPORAL_ADDRESS" in rows
    monkeypatch.setenv("SOJOURN_SMTP_PORT", "mail")
    wrong = await sojourn("settings")
    assert wrong.exit_code == 2
    assert "SOJOURN_SMTP_PORT" in wrong.stderr


async def test_people_are_written_all_or_none(
    sojourn: Sojourn, directory: Directory, people: Mapping[str, Person]
) -> None:
    """JSON lines, arrays and single objects are taken; one bad entry leaves the directory as it was."""
    everybody = [json.loads(person.model_dump_json()) for person in people.values()]
    lines = "\n".join(json.dumps(each) for each in everybody)
    bad = {**everybody[0], "person_id": "P-new", "time_zone": "Europe/Berln", "holiday_calendar": "DE-XX"}
    refused = await sojourn("people", "-", given=f"{lines}\n\n{json.dumps(bad)}\n{{}}\n")
    assert refused.exit_code == 1
    at = len(everybody) + 2
    assert (
        f"line {at}: P-new: time_zone 'Europe/Berln' is not an IANA time zone: did you mean" in refused.stderr
    )
    assert f"line {at}: P-new: holiday_calendar 'DE-XX' is not known" in refused.stderr
    assert f"line {at + 1}: person_id: is required" in refused.stderr
    assert await directory.get(people) == {}

    assert printed(await sojourn("people", "-", "--json", given=lines)) == {
        "people": len(everybody),
        "missing_delegates": [],
    }
    assert await directory.get(people) == people
    changed = {**everybody[0], "name": "Somebody Else"}
    assert (await sojourn("people", "-", given=json.dumps(changed))).exit_code == 0
    found = await directory.get([changed["person_id"]])
    assert found[changed["person_id"]].name == "Somebody Else"
    twice = await sojourn("people", "-", given=json.dumps([everybody[0], changed]))
    assert "entry 2: person_id: P-1042 is described otherwise in entry 1" in twice.stderr


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("", "standard input is empty"),
        ("[]", "holds an empty array"),
        ("{", "standard input is not JSON"),
        ('{"a": NaN}', "NaN is not a JSON number"),
        ('{"person_id": "P-1"}\n{', "line 2:"),
        ("7", "must be an object"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
async def test_what_is_no_json_is_named(sojourn: Sojourn, given: str, says: str) -> None:
    """A file that cannot be read as JSON is refused with where and why."""
    result = await sojourn("people", "-", given=given)
    assert result.exit_code == 1
    assert says in result.stderr
    assert "Traceback" not in result.output


async def test_missing_file_and_missing_database_have_codes_of_their_own(
    sojourn: Sojourn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is not there is a usage error; a database that is not there can be tried again later."""
    absent = await sojourn("people", "absent.json")
    assert absent.exit_code == 2
    assert "absent.json cannot be read: No such file" in absent.stderr
    monkeypatch.setenv("SOJOURN_DATABASE_URL", "postgresql://localhost:1/nothing")
    away = await sojourn("list")
    assert away.exit_code == 3
    assert "No PostgreSQL answers" in away.stderr
    monkeypatch.delenv("SOJOURN_DATABASE_URL")
    unset = await sojourn("list")
    assert unset.exit_code == 3
    assert "sojourn up" in unset.stderr
    assert "Traceback" not in absent.output + away.output + unset.output


async def test_every_command_explains_itself(sojourn: Sojourn) -> None:
    """Each command's help says what it does and shows an example to copy."""
    for command in {*LESSONS} - {"demo"}:
        text = (await sojourn(command, "--help")).stdout
        assert f"sojourn {command}" in text.split("Options:")[1], command
    assert "Exit codes:" in (await sojourn("--help")).stdout
    assert (await sojourn("--version")).stdout == (await sojourn("version")).stdout


async def test_a_stall_reads_in_a_narrow_window(sojourn: Sojourn, live: Lives) -> None:
    """At 80 columns an operator can copy the agreement's id and reads why, on whom, and what comes next."""
    agreement = await live("shadowing", days=2, answers=nothing)
    later = agreement.proposed_at + timedelta(days=60)
    text = (await sojourn("stalled", "--as-of", later.isoformat())).stdout
    assert agreement.agreement_id in text
    assert "release missing, level 6" in text
    assert "line manager P-3020" in text
    assert "programme owner" in " ".join(text.split())
