"""Issuing tokens where their secret is ours; elsewhere an identity provider does."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from application.identity.tokens import TokenRules, issue
from application.settings import load_settings
from domain.kernel.model import PersonId
from workers.terminal.failures import ExitCode, Failure
from workers.terminal.output import say

LONGEST_HOURS = 24 * 7

_NOTHING_TO_SIGN_WITH = (
    "There is nothing to sign with: set SOJOURN_TOKEN_SECRET to what `openssl rand -base64 48` prints, "
    "the same for the gateway and for the command line."
)
_NOT_OURS = (
    "SOJOURN_TOKEN_KEY_FILE holds public keys: tokens are issued by the identity provider that has the "
    "private ones."
)

_PERSON: TypeAdapter[str] = TypeAdapter(PersonId)


def token(
    *,
    person: Annotated[str, typer.Option("--for", metavar="PERSON", help="Whose: their person id.")],
    audience: Annotated[
        str | None, typer.Option(metavar="AUDIENCE", help="Its aud. Default: SOJOURN_TOKEN_AUDIENCE.")
    ] = None,
    hours: Annotated[
        float, typer.Option(min=0.01, max=LONGEST_HOURS, metavar="HOURS", help="For how long it is good.")
    ] = 8,
    operator: Annotated[
        bool, typer.Option("--operator", help="To the gateway they are an operator, party or not.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it there, mode 0600, instead of printing it.")
    ] = None,
) -> None:
    """Issue a token of a person, signed with SOJOURN_TOKEN_SECRET: where you have no identity provider.

    The gateway takes it as a bearer token; the command line as SOJOURN_TOKEN, or in the file that
    `sojourn --token-file FILE COMMAND` names. Whoever holds the secret can issue a token of anybody.
    """
    settings = load_settings()
    if settings.token_secret is None:
        raise Failure(_NOTHING_TO_SIGN_WITH if settings.token_key_file is None else _NOT_OURS, ExitCode.USAGE)
    try:
        person_id = _PERSON.validate_python(person)
    except ValidationError:
        raise Failure(f"--for: {person!r} is no person id.", ExitCode.USAGE) from None
    secret = settings.token_secret.get_secret_value()
    # Refuses a secret that would be refused where the token is checked.
    TokenRules.with_secret(secret)
    made = issue(
        secret,
        person_id,
        lasts=timedelta(hours=hours),
        operator=operator,
        audience=audience or settings.token_audience,
        issuer=settings.token_issuer,
    )
    if out is None:
        typer.echo(made)
        return
    try:
        handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise Failure(f"--out: {out} cannot be written: {error.strerror}.", ExitCode.USAGE) from error
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(made + "\n")
    say(f"A token of {person_id} is in {out}, good for {hours:g} hours.")
