"""See to it that a Temporal namespace knows the search attributes that agreements carry."""

from __future__ import annotations

from datetime import timedelta

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from workflows.search_attributes import ALL

_TIMEOUT = timedelta(seconds=10)
_NOT_FOR_US = frozenset({RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNIMPLEMENTED})
"""Temporal Cloud and locked-down servers do not let a worker look."""


class NamespaceNotReadyError(RuntimeError):
    """The namespace lacks search attributes; the text says which and what to do."""


class SearchAttributesOfAnotherTypeError(RuntimeError):
    """The namespace has search attributes of our names and other types; the text says what to do."""


async def check_search_attributes(client: Client) -> None:
    """Refuse a namespace without our search attributes: every agreement in it would fail its first task.

    Raises:
        NamespaceNotReadyError: Some are missing, or of another type.
        RPCError: Temporal does not answer.
    """
    try:
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace), timeout=_TIMEOUT
        )
    except RPCError as error:
        if error.status in _NOT_FOR_US:
            return
        raise
    wanted = {key.name: IndexedValueType.ValueType(key.indexed_value_type.value) for key in ALL}
    lacking = sorted(name for name, kind in wanted.items() if known.custom_attributes.get(name) != kind)
    if lacking:
        raise NamespaceNotReadyError(
            f"Temporal's namespace {client.namespace} lacks search attributes that agreements carry: "
            f"{', '.join(lacking)}. Run `sojourn migrate`, which registers them."
        )


async def register_search_attributes(client: Client) -> list[str]:
    """Register those that the namespace lacks.

    Returns:
        The names of those registered now.

    Raises:
        SearchAttributesOfAnotherTypeError: It knows one under another type.
        NamespaceNotReadyError: Temporal does not let us; the text says what to do by hand.
    """
    wanted = {key.name: IndexedValueType.ValueType(key.indexed_value_type.value) for key in ALL}
    try:
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace), timeout=_TIMEOUT
        )
        others = [
            f"{name} ({IndexedValueType.Name(known.custom_attributes[name])})"
            for name, kind in wanted.items()
            if name in known.custom_attributes and known.custom_attributes[name] != kind
        ]
        if others:
            raise SearchAttributesOfAnotherTypeError(
                f"Namespace {client.namespace} has search attributes of another type: {', '.join(others)}. "
                "Rename them there (`temporal operator search-attribute`), or use another namespace."
            )
        missing = {name: kind for name, kind in wanted.items() if name not in known.custom_attributes}
        if missing:
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing),
                timeout=_TIMEOUT,
            )
    except RPCError as error:
        by_hand = "; ".join(
            f"{key.name} {key.indexed_value_type.name.title().replace('_', '')}" for key in ALL
        )
        raise NamespaceNotReadyError(
            f"Temporal does not register search attributes in namespace {client.namespace} "
            f"({error.message}). Create them by hand: {by_hand}."
        ) from error
    return sorted(missing)
