"""The codec endpoint as an ASGI application: who asks is checked, then what they may see, payload by payload.

A request is refused as a whole where it is not known who asks, or the record cannot be reached. Where one
payload cannot be shown, it says why in its place: on a refusal the UI shows empty fields instead.

It decodes and never encodes: an endpoint that encrypts for whoever asks would let them write commands in
anybody's name. Commands are given through the command line and the clients that hold the keys.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

import structlog
from google.protobuf.json_format import MessageToJson, Parse, ParseError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from temporalio.api.common.v1 import Payload, Payloads

from activities.encryption.payload_codec import EncryptingCodec, agreement_of, is_encrypted
from activities.keys.ring import KeyRing, KeysError, UnknownKeyError
from activities.postgres.pool import DatabaseRefusedError, DatabaseUnavailableError
from application.errors import NotPermittedError
from application.identity.principal import Principal
from application.identity.tokens import TokenRefusedError, TokenRules
from application.queries.payload_access import Erasures, PayloadAccess, Streams, payload_access
from application.queries.viewer import Viewer, viewer_by_token
from domain.stream.serialization import BrokenStream, UnreadableEvent
from gateway.codec.showing import shown
from gateway.codec.unreadable import Unreadable, placeholder

MOST_BYTES = 16 * 1024 * 1024
"""Of one request: four times what Temporal lets through in one message."""
MOST_PAYLOADS = 10_000
"""Of one request. The UI asks for a page of a history at a time: some hundreds."""
_MOST_BRACES = 5 * MOST_PAYLOADS
"""More than so many payloads can have: counted first, for reading millions of empty ones takes minutes."""
ALLOWED_HEADERS = "Content-Type, X-Namespace, Authorization"
PREFLIGHT_SECONDS = "600"

_LOG = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True)
class CodecEndpoint:
    """What the endpoint needs to know."""

    keys: KeyRing
    streams: Streams
    erasures: Erasures
    origins: frozenset[str]
    """Where the Temporal UI is served from, exactly: `https://temporal.example.org`."""
    tokens: TokenRules | None = None
    namespace: str | None = None
    """The only Temporal namespace it answers for; None for any."""
    local_hosts: frozenset[str] = field(default_factory=frozenset[str])
    """Under which names, as `host:port`, an embedded stack answers its own UI, which has no login. A request
    from this machine to one of them, from a page of the UI, is an operator's. Empty: none without a token."""

    def application(self) -> Starlette:
        """Return the application to serve."""
        return Starlette(
            routes=[
                Route("/decode", self._decode, methods=["POST"]),
                Route("/decode", self._preflight, methods=["OPTIONS"]),
                Route("/encode", self._no_encoding, methods=["POST", "OPTIONS"]),
                Route("/health", _health, methods=["GET"]),
            ]
        )

    async def _preflight(self, request: Request) -> Response:
        try:
            headers = self._cors(request)
        except _RefusedError as refused:
            return refused.response()
        return Response(status_code=204, headers=headers)

    async def _no_encoding(self, request: Request) -> Response:
        refused = _RefusedError(
            405, "decodes_only", "This endpoint decodes only: give commands with `sojourn act`."
        )
        try:
            return refused.response(self._cors(request))
        except _RefusedError as other:
            return other.response()

    async def _decode(self, request: Request) -> Response:
        headers: dict[str, str] = {}
        try:
            headers = self._cors(request)
            principal = self._principal(request)
            decoded = await self._shown(await self._payloads(request), principal)
        except _RefusedError as refused:
            _LOG.warning("codec_refused", code=refused.code, reason=refused.sentence)
            return refused.response(headers)
        return Response(MessageToJson(decoded), media_type="application/json", headers=headers)

    def _cors(self, request: Request) -> dict[str, str]:
        """Return the headers that let the UI's page read the answer; refuse a page from anywhere else."""
        origin = request.headers.get("origin")
        if origin is None:
            return {}
        if origin not in self.origins:
            raise _RefusedError(
                403, "wrong_origin", "This page is not the Temporal UI that this endpoint serves."
            )
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": "POST, OPTIONS",
            "Access-Control-Allow-Headers": ALLOWED_HEADERS,
            "Access-Control-Max-Age": PREFLIGHT_SECONDS,
            "Vary": "Origin",
        }

    def _principal(self, request: Request) -> Principal:
        namespace = request.headers.get("x-namespace")
        if self.namespace is not None and namespace not in {None, self.namespace}:
            raise _RefusedError(
                403, "wrong_namespace", "This endpoint answers for another Temporal namespace."
            )
        authorization = request.headers.get("authorization")
        if authorization is None and self._is_the_local_ui(request):
            return Principal.machine()
        if self.tokens is None:
            raise _RefusedError(401, "no_token", "Only this machine's own Temporal UI is answered here.")
        try:
            return self.tokens.principal(authorization)
        except TokenRefusedError as refused:
            raise _RefusedError(401, refused.code, str(refused)) from None

    def _is_the_local_ui(self, request: Request) -> bool:
        # The host's name too: a page elsewhere whose name was made to lead here would send its own.
        peer = request.client
        return (
            peer is not None
            and ip_address(peer.host).is_loopback
            and request.headers.get("host") in self.local_hosts
            and request.headers.get("origin") in self.origins
        )

    async def _payloads(self, request: Request) -> Sequence[Payload]:
        content = bytearray()
        async for chunk in request.stream():
            content += chunk
            if len(content) > MOST_BYTES:
                raise _RefusedError(413, "too_large", f"More than {MOST_BYTES} bytes at once.")
        try:
            few = content.count(b"{") <= _MOST_BRACES
            payloads = Parse(bytes(content), Payloads()).payloads if few else ()
        except (ParseError, UnicodeDecodeError, RecursionError):
            raise _RefusedError(
                400, "malformed", 'Expected {"payloads": [...]} as Temporal writes it.'
            ) from None
        if not few or len(payloads) > MOST_PAYLOADS:
            raise _RefusedError(413, "too_large", f"More than {MOST_PAYLOADS} payloads at once.")
        return payloads

    async def _shown(self, payloads: Sequence[Payload], principal: Principal) -> Payloads:
        accesses = _AccessPerAgreement(viewer_by_token(principal), self.streams, self.erasures)
        codec = EncryptingCodec(self.keys)
        answer = Payloads()
        unread: Counter[str] = Counter()
        for payload in payloads:
            # Beside an embedded stack's worker this is the loop that its workflows wait for.
            await asyncio.sleep(0)
            try:
                answer.payloads.append(await self._one(payload, codec, accesses))
            except Unreadable as reason:
                # The rest of a history can be read all the same.
                unread[reason.code] += 1
                answer.payloads.append(placeholder(reason))
                _LOG.warning("codec_payload_unread", code=reason.code, reason=reason.sentence)
        _LOG.info(
            "codec_decoded",
            asker=principal.person_id or "local",
            agreements=sorted(name for name in accesses.known if name is not None),
            payloads=len(payloads),
            unread=dict(unread),
        )
        return answer

    async def _one(self, payload: Payload, codec: EncryptingCodec, accesses: _AccessPerAgreement) -> Payload:
        if not is_encrypted(payload):
            # The asker holds it in clear already.
            return payload
        try:
            opened = codec.decrypt(payload)
        except UnknownKeyError as error:
            raise Unreadable("key_unknown", str(error)) from None
        except KeysError as error:
            raise Unreadable("damaged", str(error)) from None
        try:
            access = await accesses.to(agreement_of(payload))
        except NotPermittedError as error:
            raise Unreadable("not_for_you", str(error)) from None
        except (UnreadableEvent, BrokenStream) as error:
            raise Unreadable("no_record", type(error).__name__) from None
        except (DatabaseUnavailableError, DatabaseRefusedError) as error:
            raise _RefusedError(
                503, "no_record", f"The record cannot say who may read this ({type(error).__name__})."
            ) from None
        return shown(opened, access)


class _AccessPerAgreement:
    """What one viewer may see of each agreement that payloads of one request belong to, found out once."""

    def __init__(self, viewer: Viewer, streams: Streams, erasures: Erasures) -> None:
        self._viewer = viewer
        self._streams = streams
        self._erasures = erasures
        self._refused: dict[str | None, NotPermittedError] = {}
        self.known: dict[str | None, PayloadAccess] = {}

    async def to(self, agreement_id: str | None) -> PayloadAccess:
        if agreement_id in self._refused:
            raise self._refused[agreement_id]
        if agreement_id not in self.known:
            try:
                self.known[agreement_id] = await payload_access(
                    self._viewer, agreement_id, self._streams, self._erasures
                )
            except NotPermittedError as error:
                self._refused[agreement_id] = error
                raise
        return self.known[agreement_id]


class _RefusedError(Exception):
    """A request is refused, with a status of HTTP, a word for programs and a sentence for people."""

    def __init__(self, status: int, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code
        self.sentence = sentence

    def response(self, headers: dict[str, str] | None = None) -> Response:
        """Return the answer, which a page of the UI may read if `headers` say so."""
        extra = {"WWW-Authenticate": "Bearer"} if self.status == 401 else {}  # noqa: PLR2004  as in HTTP
        content = {"code": self.code, "message": self.sentence}
        return JSONResponse(content, status_code=self.status, headers={**(headers or {}), **extra})


async def _health(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})
