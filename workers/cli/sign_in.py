"""Sign in: where tokens can be checked, whoever a command names with --as shows that person's token.

It is the one place where the command line believes or does not believe a name: every `--as` goes through it,
and every principal of the command line is made here.
"""

from __future__ import annotations

from application.config.token_rules import token_rules
from application.identity.principal import Principal, Proof
from application.identity.tokens import TokenRefusedError, TokenRules
from application.settings import Settings, load_settings
from workers.cli.token_file import TOKEN_FILE
from workers.terminal.failures import ExitCode, Failure


def principal_named(person_id: str | None) -> Principal:
    """Return the principal that a command is called by.

    Where nothing is set to check tokens with, everybody is who they say they are, and the principal says so.

    Args:
        person_id: As `--as` names them; None where it was left out: then it is whoever has this machine.

    Raises:
        Failure: There is no token, or it is not a good one, or it is somebody else's.
        SettingsError: A setting is wrong.
        TokenKeysError: What tokens are checked with cannot be used.
    """
    if person_id is None:
        return Principal.machine()
    settings = load_settings()
    rules = token_rules(settings)
    if rules is None:
        return Principal.person(person_id, Proof.UNCHECKED)
    return _check(rules, _token(settings, person_id), person_id)


def signed_in(person_id: str | None) -> str | None:
    """Check whom `--as` names as soon as it is read; for a callback of that option.

    Raises:
        Failure: As `principal_named`.
    """
    principal_named(person_id)
    return person_id


def nobody_is_checked() -> bool:
    """Tell whether a name is believed without more."""
    return token_rules(load_settings()) is None


def _token(settings: Settings, person_id: str) -> str:
    path = TOKEN_FILE.get()
    if path is None:
        if settings.token is None:
            raise Failure(
                f"Refused (no_token): --as {person_id} needs a token of {person_id}: set SOJOURN_TOKEN, or "
                "name a file with it as in `sojourn --token-file FILE COMMAND`."
            )
        return settings.token.get_secret_value().strip()
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise Failure(f"--token-file: {path} cannot be read: {why}.", ExitCode.USAGE) from error


def _check(rules: TokenRules, token: str, person_id: str) -> Principal:
    try:
        principal = rules.principal(f"Bearer {token}")
    except TokenRefusedError as refused:
        raise Failure(f"Refused ({refused.code}): --as {person_id}: {refused}") from None
    if principal.person_id != person_id:
        raise Failure(
            f"Refused (other_person): the token is that of {principal.person_id}, and --as names {person_id}."
        )
    return principal
