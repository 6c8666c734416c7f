"""Signing in: where tokens can be checked, whoever a command names with --as shows that person's token.

It is the one place where the command line believes or does not believe a name; every `--as` goes through it.
"""

from __future__ import annotations

from application.config.token_rules import token_rules
from application.identity.tokens import TokenRefusedError, TokenRules
from application.settings import Settings, load_settings
from workers.cli.token_file import TOKEN_FILE
from workers.terminal.failures import ExitCode, Failure


def signed_in(person_id: str | None) -> str | None:
    """The person whom `--as` names, once it is known that it is they; for a callback of that option.

    Where nothing is set to check tokens with, everybody is who they say they are.

    Args:
        person_id: As given; None where the option was left out.

    Raises:
        Failure: There is no token, or it is not a good one, or it is somebody else's.
        SettingsError: A setting is wrong.
        TokenKeysError: What tokens are checked with cannot be used.
    """
    if person_id is None:
        return None
    settings = load_settings()
    rules = token_rules(settings)
    if rules is not None:
        _check(rules, _token(settings, person_id), person_id)
    return person_id


def nobody_is_checked() -> bool:
    """Whether a name is believed without more."""
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


def _check(rules: TokenRules, token: str, person_id: str) -> None:
    try:
        asker = rules.asker(f"Bearer {token}")
    except TokenRefusedError as refused:
        raise Failure(f"Refused ({refused.code}): --as {person_id}: {refused}") from None
    if asker.person_id != person_id:
        raise Failure(
            f"Refused (other_person): the token is that of {asker.person_id}, and --as names {person_id}."
        )
