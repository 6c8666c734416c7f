"""Time zones from the packaged database, so that the operating system's copy never moves an instant."""

from __future__ import annotations

from functools import cache
from importlib import resources
from importlib.metadata import version
from zoneinfo import ZoneInfo


class UnknownTimeZoneError(LookupError):
    """No time zone has this name."""


@cache
def zone_data_version() -> str:
    """Return the release of the zone database that offsets are read from, as in `tzdata 2026.6`."""
    return f"tzdata {version('tzdata')}"


@cache
def zone_names() -> frozenset[str]:
    """Return every name that `load_zone` knows."""
    names = resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8")
    return frozenset(names.split())


@cache
def load_zone(name: str) -> ZoneInfo:
    """Return the rules of one IANA time zone.

    Raises:
        UnknownTimeZoneError: if no zone has this name, in exactly this spelling.
    """
    # Only a listed name becomes a path, so that no input reaches a file outside the database.
    if name not in zone_names():
        raise UnknownTimeZoneError(f"there is no time zone {name!r}: give an IANA name such as Europe/Berlin")
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as compiled:
        return ZoneInfo.from_file(compiled, key=name)
