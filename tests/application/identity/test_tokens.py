"""Tokens: good ones say who asks, all others are refused by name and never repeated."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

from application.identity.principal import Proof
from application.identity.tokens import TokenKeysError, TokenRefusedError, TokenRules, issue

SECRET = "a-secret-of-more-than-thirty-two-bytes"
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    """The private key of an identity provider."""
    return generate_private_key(public_exponent=65537, key_size=2048)


def _claims(**changes: object) -> dict[str, Any]:
    claims = {"sub": "P-1042", "aud": "sojourn", "exp": datetime.now(UTC) + HOUR, **changes}
    return {name: value for name, value in claims.items() if value is not None}


def _signed(**changes: object) -> str:
    return f"Bearer {jwt.encode(_claims(**changes), SECRET, algorithm='HS256')}"


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _refused(rules: TokenRules, authorization: str | None) -> TokenRefusedError:
    with pytest.raises(TokenRefusedError) as refused:
        rules.principal(authorization)
    assert (
        authorization is None
        or len(authorization) < 10
        or authorization.rpartition(" ")[2] not in str(refused.value)
    )
    return refused.value


def test_a_token_of_ours_says_who_asks() -> None:
    """The person, and whether they are an operator; nothing else of what they call themselves counts."""
    rules = TokenRules.with_secret(SECRET)
    asks = rules.principal(f"Bearer {issue(SECRET, 'P-9001', lasts=HOUR, operator=True)}")
    assert (asks.person_id, asks.proof, asks.claims_operator) == ("P-9001", Proof.TOKEN, True)
    asks = rules.principal(_signed(sojourn_roles=["mentor", "hrbp", "emperor"]))
    assert not asks.claims_operator


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, "no_token"),
        ("Basic dXNlcjpwYXNz", "no_token"),
        ("Bearer ", "no_token"),
        ("Bearer not-a-token", "not_valid"),
        (_signed(exp=datetime.now(UTC) - HOUR), "expired"),
        (_signed(exp=None), "incomplete"),
        (_signed(aud="payroll"), "wrong_audience"),
        (_signed(aud=None), "incomplete"),
        (_signed(sub="Jane Doe <jane@example.org>"), "not_valid"),
        (_signed(sojourn_roles="operator"), "not_valid"),
        (f"Bearer {jwt.encode(_claims(), 'x' * 40, algorithm='HS256')}", "not_valid"),
        (f"Bearer {jwt.encode(_claims(), '', algorithm='none')}", "not_valid"),
    ],
)
def test_what_is_wrong_with_a_token_is_named(authorization: str | None, code: str) -> None:
    """Missing, expired, for somebody else, forged, unsigned or malformed: each has its own word."""
    assert _refused(TokenRules.with_secret(SECRET), authorization).code == code


def test_the_issuer_counts_where_one_is_set() -> None:
    """A token of another issuer is refused."""
    rules = TokenRules.with_secret(SECRET, issuer="https://login.example.org")
    assert _refused(rules, _signed(iss="https://elsewhere.example.org")).code == "wrong_issuer"
    assert rules.principal(_signed(iss="https://login.example.org")).person_id == "P-1042"


def test_a_secret_that_can_be_guessed_is_refused() -> None:
    """A short secret is no secret."""
    with pytest.raises(TokenKeysError, match="openssl rand"):
        TokenRules.with_secret("changeme")


def test_keys_of_an_identity_provider(key: RSAPrivateKey, tmp_path: Path) -> None:
    """A key set picks the key that the token names; the public key is not a secret to sign with."""
    public = json.loads(RSAAlgorithm.to_jwk(key.public_key()))
    other = generate_private_key(public_exponent=65537, key_size=2048)
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [{**public, "kid": "k1", "alg": "RS256", "use": "sig"}]}))
    rules = TokenRules.with_key_file(path)
    good = jwt.encode(_claims(), key, algorithm="RS256", headers={"kid": "k1"})
    assert rules.principal(f"Bearer {good}").person_id == "P-1042"
    unknown = jwt.encode(_claims(), key, algorithm="RS256", headers={"kid": "k2"})
    assert _refused(rules, f"Bearer {unknown}").code == "unknown_key"
    forged = jwt.encode(_claims(), other, algorithm="RS256", headers={"kid": "k1"})
    assert _refused(rules, f"Bearer {forged}").code == "not_valid"
    assert _refused(rules, _signed()).code == "unknown_key"


def test_one_public_key_as_pem(key: RSAPrivateKey, tmp_path: Path) -> None:
    """And a token signed with the text of the public key as a shared secret is refused."""
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    path = tmp_path / "public.pem"
    path.write_bytes(pem)
    rules = TokenRules.with_key_file(path)
    assert rules.principal(f"Bearer {jwt.encode(_claims(), key, algorithm='RS256')}").person_id == "P-1042"
    header, claims = (_encoded(json.dumps(part).encode()) for part in ({"alg": "HS256"}, {}))
    signature = hmac.digest(pem, f"{header}.{claims}".encode(), "sha256")
    confused = f"{header}.{claims}.{_encoded(signature)}"
    assert _refused(rules, f"Bearer {confused}").code == "not_valid"


@pytest.mark.parametrize("content", ["", "{}", '{"keys": []}', "-----BEGIN PUBLIC KEY-----\nAAAA"])
def test_a_file_without_public_keys_is_refused(content: str, tmp_path: Path) -> None:
    """At once, with what to give instead."""
    path = tmp_path / "keys"
    path.write_text(content)
    with pytest.raises(TokenKeysError, match="JSON Web Key Set"):
        TokenRules.with_key_file(path)


def test_a_symmetric_key_in_a_public_file_is_not_used(tmp_path: Path) -> None:
    """Whoever can read the file could sign with it."""
    secret = _encoded(SECRET.encode())
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [{"kty": "oct", "k": secret, "alg": "HS256", "kid": "k1"}]}))
    with pytest.raises(TokenKeysError):
        TokenRules.with_key_file(path)
