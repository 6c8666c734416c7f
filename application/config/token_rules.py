"""How tokens are checked, by the settings: the same at the gateway and at the command line."""

from __future__ import annotations

from application.identity.tokens import TokenRules
from application.settings import Settings


def token_rules(settings: Settings) -> TokenRules | None:
    """Return how tokens are checked; None where nothing is set to check them with.

    Raises:
        TokenKeysError: What is set cannot be used.
    """
    audience, issuer = settings.token_audience, settings.token_issuer
    if settings.token_key_file is not None:
        return TokenRules.with_key_file(settings.token_key_file, audience=audience, issuer=issuer)
    if settings.token_secret is not None:
        secret = settings.token_secret.get_secret_value()
        return TokenRules.with_secret(secret, audience=audience, issuer=issuer)
    return None
