"""Where tokens can be checked, nobody is believed to be somebody on the command line without theirs."""

from __future__ import annotations

import json
import stat
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import Result

from activities.event_store.event_store import EventStore
from application.identity.tokens import issue
from domain.agreement.state import Agreement
from tests.fixtures.cli_commands import every_command
from workers.cli.sign_in import signed_in
from workers.terminal.failures import ExitCode, Failure

Sojourn = Callable[..., Awaitable[Result]]
Lives = Callable[..., Awaitable[Agreement]]

SECRET = "a-secret-of-more-than-thirty-two-bytes"
HOUR = timedelta(hours=1)


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Tokens are checked, and there is none."""
    monkeypatch.setenv("SOJOURN_TOKEN_SECRET", SECRET)
    monkeypatch.delenv("SOJOURN_TOKEN", raising=False)
    return monkeypatch


def test_every_name_on_the_command_line_is_checked(checked: pytest.MonkeyPatch) -> None:
    """Each option --as of each command refuses a name without a token; a new one cannot be forgotten."""
    assert checked is not None
    found: set[str] = set()
    for name, command in every_command():
        for option in command.params:
            if "--as" in option.opts:
                found.add(name)
                with (
                    pytest.raises(Failure, match="no_token"),
                    command.make_context(name, [], resilient_parsing=True) as context,
                ):
                    option.callback(context, option, "P-1042")
    assert {"act", "operate", "show", "events", "mine", "erase", "export", "hold", "openings"} <= found


async def test_without_keys_everybody_is_who_they_say_and_show_says_so(
    sojourn: Sojourn, live: Lives, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in an embedded stack on one's own machine."""
    monkeypatch.delenv("SOJOURN_TOKEN_SECRET", raising=False)
    agreement = await live("secondment", days=30)
    shown = await sojourn("show", agreement.agreement_id, "--as", agreement.terms.mentor)
    assert shown.exit_code == ExitCode.OK
    assert f"Nobody has checked that it is {agreement.terms.mentor} who asks" in shown.stderr
    assert "Nobody has checked" not in (await sojourn("show", agreement.agreement_id)).stderr


async def test_a_name_needs_a_token_of_that_person(
    sojourn: Sojourn, live: Lives, checked: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """None, expired, for another audience, somebody else's, spoilt: each is refused by its name."""
    agreement = await live("secondment", days=30)
    person = agreement.terms.mentor
    call = ("events", agreement.agreement_id, "--json", "--as", person)
    without = await sojourn(*call)
    assert without.exit_code == ExitCode.REFUSED
    assert without.stderr.startswith(f"Refused (no_token): --as {person} needs a token of {person}")
    refusals = {
        "expired": issue(SECRET, person, lasts=-HOUR),
        "wrong_audience": issue(SECRET, person, lasts=HOUR, audience="payroll"),
        "other_person": issue(SECRET, agreement.terms.mentee, lasts=HOUR),
        "not_valid": issue(SECRET[::-1], person, lasts=HOUR),
    }
    for code, given in refusals.items():
        checked.setenv("SOJOURN_TOKEN", given)
        refused = await sojourn(*call)
        assert (refused.exit_code, refused.stdout) == (ExitCode.REFUSED, "")
        assert refused.stderr.startswith(f"Refused ({code}):"), refused.stderr
        assert given not in refused.stderr
    checked.setenv("SOJOURN_TOKEN", issue(SECRET, person, lasts=HOUR))
    good = await sojourn(*call)
    assert good.exit_code == ExitCode.OK, good.stderr
    file = tmp_path / "token.jwt"
    file.write_text(issue(SECRET, agreement.terms.mentee, lasts=HOUR) + "\n")
    theirs = await sojourn("--token-file", str(file), *call)
    assert theirs.stderr.startswith("Refused (other_person):"), "the file wins over SOJOURN_TOKEN"
    missing = await sojourn("--token-file", str(tmp_path / "none"), *call)
    assert missing.exit_code == ExitCode.USAGE
    assert "cannot be read" in missing.stderr


async def test_break_glass_needs_two_peoples_tokens(
    sojourn: Sojourn, closed: Agreement, event_store: EventStore, checked: pytest.MonkeyPatch
) -> None:
    """Whoever holds one token cannot ask in one name and approve in another."""
    terms = closed.terms
    asked = json.dumps({"request_id": "g1", "reason": "An inquiry."})
    ask = ("act", closed.agreement_id, "request_break_glass", "--data", asked, "--as", terms.hrbp)
    approve = (
        "act",
        closed.agreement_id,
        "approve_break_glass",
        "--data",
        json.dumps({"request_id": "g1"}),
    )
    checked.setenv("SOJOURN_TOKEN", issue(SECRET, terms.hrbp, lasts=HOUR))
    assert (await sojourn(*ask)).exit_code == ExitCode.OK
    alone = await sojourn(*approve, "--as", terms.programme_owner)
    assert alone.stderr.startswith("Refused (other_person):")
    themselves = await sojourn(*approve, "--as", terms.hrbp)
    assert "conflict_of_interest" in themselves.stderr
    checked.setenv("SOJOURN_TOKEN", issue(SECRET, terms.programme_owner, lasts=HOUR))
    approved = await sojourn(*approve, "--as", terms.programme_owner)
    assert approved.exit_code == ExitCode.OK, approved.stderr
    assert len(await event_store.stream(closed.agreement_id)) == closed.version


async def test_a_token_is_issued_and_taken(
    sojourn: Sojourn, live: Lives, checked: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Printed, or written where only its owner reads it; the command line takes it."""
    agreement = await live("secondment", days=30)
    person = agreement.terms.mentee
    issued = await sojourn("token", "--for", person)
    assert issued.exit_code == ExitCode.OK, issued.stderr
    checked.setenv("SOJOURN_TOKEN", issued.stdout.strip())
    call = ("mine", agreement.agreement_id, "--as", person)
    assert (await sojourn(*call)).exit_code == ExitCode.OK
    checked.delenv("SOJOURN_TOKEN")
    file = tmp_path / "token.jwt"
    assert (await sojourn("token", "--for", person, "--hours", "1", "--out", str(file))).stdout == ""
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (await sojourn("--token-file", str(file), *call)).exit_code == ExitCode.OK
    elsewhere = await sojourn("token", "--for", person, "--audience", "payroll")
    checked.setenv("SOJOURN_TOKEN", elsewhere.stdout.strip())
    assert "wrong_audience" in (await sojourn(*call)).stderr


async def test_nothing_is_issued_where_the_secret_is_not_ours(
    sojourn: Sojourn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no secret it says how to make one; with an identity provider's keys that it is they who issue."""
    monkeypatch.delenv("SOJOURN_TOKEN_SECRET", raising=False)
    nothing = await sojourn("token", "--for", "P-1042")
    assert (nothing.exit_code, "openssl rand" in nothing.stderr) == (ExitCode.USAGE, True)
    monkeypatch.setenv("SOJOURN_TOKEN_KEY_FILE", "/etc/sojourn/jwks.json")
    theirs = await sojourn("token", "--for", "P-1042")
    assert (theirs.exit_code, "identity provider" in theirs.stderr) == (ExitCode.USAGE, True)
    monkeypatch.delenv("SOJOURN_TOKEN_KEY_FILE")
    monkeypatch.setenv("SOJOURN_TOKEN_SECRET", "short")
    short = await sojourn("token", "--for", "P-1042")
    assert (short.exit_code, "could be guessed" in short.stderr) == (ExitCode.USAGE, True)
    monkeypatch.setenv("SOJOURN_TOKEN_SECRET", SECRET)
    nobody = await sojourn("token", "--for", "no such id!")
    assert (nobody.exit_code, "is no person id" in nobody.stderr) == (ExitCode.USAGE, True)


def test_nobody_named_is_nobody_checked() -> None:
    """Without --as there is no name to believe."""
    assert signed_in(None) is None
