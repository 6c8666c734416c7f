"""Prove who a person is by a bearer token, checked against a shared secret or the public keys of its issuer.

A token is a JWT. `sub` is the person's id in the directory, `aud` names this gateway, `exp` is required. The
claim `sojourn_roles` lists what the person is beyond their agreements, of which `operator` means something.
In which role somebody is in an agreement is not the token's to say: the record knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, NamedTuple

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from application.identity.principal import Principal, Proof
from domain.kernel.model import PersonId
from domain.kernel.vocabulary import Role

AUDIENCE = "sojourn"
"""What `aud` has to be, unless settings name another."""
LEAST_SECRET_BYTES = 32
LEEWAY = timedelta(seconds=30)
"""By how much two clocks may differ."""

_SECRET_ALGORITHM = "HS256"  # noqa: S105  the name of an algorithm
_PUBLIC_ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"}
)
_SCHEME = "bearer"


class TokenRefusedError(Exception):
    """It is not known who asks. The text never repeats the token.

    Attributes:
        code: One word for logs and programs.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class TokenKeysError(ValueError):
    """The keys that tokens are checked with are wrong or missing; the text says what to do."""


class _Claims(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    sub: PersonId
    sojourn_roles: Annotated[tuple[str, ...], Field(max_length=20)] = ()


class _Key(NamedTuple):
    """One key that tokens may be signed with, and how."""

    key_id: str | None
    key: jwt.PyJWK | RSAPublicKey | str
    algorithm: str


class TokenRules:
    """How tokens are checked. Make one with `with_secret` or `with_key_file`."""

    def __init__(self, keys: Sequence[_Key], *, audience: str, issuer: str | None) -> None:
        self._keys = tuple(keys)
        self._audience = audience
        self._issuer = issuer

    @classmethod
    def with_secret(cls, secret: str, *, audience: str = AUDIENCE, issuer: str | None = None) -> TokenRules:
        """Make rules for tokens that are signed with a shared secret (HS256).

        Raises:
            TokenKeysError: It is too short to withstand guessing.
        """
        if len(secret.encode()) < LEAST_SECRET_BYTES:
            raise TokenKeysError(
                f"The token secret is shorter than {LEAST_SECRET_BYTES} bytes and could be guessed: make one "
                "with `openssl rand -base64 48`."
            )
        return cls([_Key(None, secret, _SECRET_ALGORITHM)], audience=audience, issuer=issuer)

    @classmethod
    def with_key_file(cls, path: Path, *, audience: str = AUDIENCE, issuer: str | None = None) -> TokenRules:
        """Make rules for tokens that are signed with private keys whose public parts a file holds.

        Args:
            path: A JSON Web Key Set, or one RSA public key as PEM (RS256).
            audience: What `aud` has to be.
            issuer: What `iss` has to be; None leaves it open.

        Raises:
            TokenKeysError: The file cannot be read or holds no such key.
        """
        try:
            keys = _public_keys(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, jwt.PyJWTError) as error:
            raise TokenKeysError(_no_keys(path, type(error).__name__)) from None
        if not keys:
            raise TokenKeysError(_no_keys(path, "none found"))
        return cls(keys, audience=audience, issuer=issuer)

    def principal(self, authorization: str | None) -> Principal:
        """Return the person who sent a request, proved by their token.

        Args:
            authorization: Its header of this name; None where it has none.

        Raises:
            TokenRefusedError: There is no token, or it is not a good one.
        """
        scheme, _, token = (authorization or "").strip().partition(" ")
        if scheme.lower() != _SCHEME or not token.strip():
            raise TokenRefusedError("no_token", "Say who asks: Authorization: Bearer <token>.")
        claims = self._claims(token.strip())
        return Principal.person(
            claims.sub, Proof.TOKEN, claims_operator=Role.OPERATOR in claims.sojourn_roles
        )

    def _claims(self, token: str) -> _Claims:
        try:
            key = self._key_of(token)
            decoded = jwt.decode(
                token,
                key.key,
                algorithms=[key.algorithm],
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY,
                options={"require": ["exp", "aud", "sub"]},
            )
            return _Claims.model_validate(decoded)
        except jwt.ExpiredSignatureError:
            raise TokenRefusedError("expired", "The token has expired: log in again.") from None
        except jwt.InvalidAudienceError:
            raise TokenRefusedError(
                "wrong_audience", f"The token is for somebody else: its aud has to be {self._audience}."
            ) from None
        except jwt.InvalidIssuerError:
            raise TokenRefusedError(
                "wrong_issuer", f"The token is from somebody else: its iss has to be {self._issuer}."
            ) from None
        except jwt.MissingRequiredClaimError as error:
            raise TokenRefusedError("incomplete", f"The token has no {error.claim}.") from None
        except (jwt.PyJWTError, ValidationError):
            # Neither says more than that, and a text about a claim would repeat it.
            raise TokenRefusedError(
                "not_valid",
                "The token is none that this gateway can trust: its signature or its claims are wrong.",
            ) from None

    def _key_of(self, token: str) -> _Key:
        key_id = jwt.get_unverified_header(token).get("kid")
        for key in self._keys:
            if key.key_id in {None, key_id}:
                return key
        raise TokenRefusedError(
            "unknown_key", "The token is signed with a key that this gateway does not know."
        )


def issue(
    secret: str,
    person_id: PersonId,
    *,
    lasts: timedelta,
    operator: bool = False,
    audience: str = AUDIENCE,
    issuer: str | None = None,
) -> str:
    """Return a token signed with a shared secret: where there is no identity provider.

    Args:
        secret: The one that `TokenRules.with_secret` was given.
        person_id: Whom it is for.
        lasts: How long it is good.
        operator: Whether they look after agreements that they are no party to.
        audience: As in the rules.
        issuer: Likewise.
    """
    now = datetime.now(UTC)
    claims: dict[str, object] = {
        "sub": person_id,
        "aud": audience,
        "iat": now,
        "exp": now + lasts,
        "sojourn_roles": [str(Role.OPERATOR)] if operator else [],
    }
    if issuer is not None:
        claims["iss"] = issuer
    return jwt.encode(claims, secret, algorithm=_SECRET_ALGORITHM)


def _public_keys(text: str) -> list[_Key]:
    if text.lstrip().startswith("-----BEGIN"):
        key = load_pem_public_key(text.encode())
        return [_Key(None, key, "RS256")] if isinstance(key, RSAPublicKey) else []
    # A symmetric key in the set would let whoever reads the file sign tokens.
    return [
        _Key(key.key_id, key, key.algorithm_name)
        for key in jwt.PyJWKSet.from_json(text).keys
        if key.algorithm_name in _PUBLIC_ALGORITHMS
    ]


def _no_keys(path: Path, why: str) -> str:
    return (
        f"{path} holds no public key that tokens could be checked with ({why}): give the JSON Web Key Set of "
        "whoever issues the tokens, or an RSA public key as PEM."
    )
