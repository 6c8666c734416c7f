"""The keys that seal what people write: made, rotated, looked at. Key material is never shown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from pydantic import JsonValue

from activities.keys.ring import KeyRing, UnknownKeyError, WrongKeyError
from activities.keys.sources import add_primary_key, create_key_file
from activities.keys.subjects import SubjectKeys
from application.config.keys import key_file_in_use, key_ring, key_service
from application.container import Container
from application.settings import load_settings
from workers.cli.command_help import KEYS_LESSONS
from workers.cli.options import AsJson
from workers.cli.run import run
from workers.terminal.failures import ExitCode, Failure
from workers.terminal.output import NOTHING, console, print_json, say, table

KeyId = Annotated[
    str | None, typer.Option("--id", metavar="ID", help="Its name for ever. Default: the present instant.")
]


def create(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the key file is to be; mode 0600.")],
    key_id: KeyId = None,
    as_json: AsJson = False,
) -> None:
    """Write a key file with one new key, for SOJOURN_KEY_FILE. Keep a copy where the database is not.

    Whoever has the file and the database reads everything; whoever loses the file reads nothing that was ever
    written, for ever. With SOJOURN_KEY_SERVICE the file holds what that service wrapped.
    """
    made = create_key_file(file, key_service(load_settings()), key_id=key_id)
    if as_json:
        print_json({"file": str(file), "primary": made.primary})
        return
    say(f"{file} holds the new key {made.primary}. Set SOJOURN_KEY_FILE={file}, and keep a copy elsewhere.")


def rotate(key_id: KeyId = None, as_json: AsJson = False) -> None:
    """Add a new key to the key file and make it primary; what the old ones sealed stays readable.

    Start the workers again, then run `sojourn keys rewrap`: afterwards nothing in the database is under an
    old key. Temporal's payloads are, until the last history written under it is gone.
    """
    settings = load_settings()
    path = key_file_in_use(settings)
    if path is None:
        raise Failure(
            "There is no key file to add a key to: set SOJOURN_KEY_FILE. Keys in SOJOURN_KEYS are rotated "
            "where that is set: put a new id:key in front and keep the old ones.",
            ExitCode.USAGE,
        )
    made = add_primary_key(path, key_service(settings), key_id=key_id)
    if as_json:
        print_json(
            {"file": str(path), "primary": made.primary, "others": [each.id for each in made.keys[:-1]]}
        )
        return
    say(
        f"{made.primary} is now the primary key of {path}. Start the workers again, then run "
        "`sojourn keys rewrap`."
    )


def rewrap(as_json: AsJson = False) -> None:
    """Wrap every person's key under the primary key. No event is touched, and nobody need stop working.

    Needs the role that owns the schema: SOJOURN_OWNER_DATABASE_URL. Whoever may write another wrapping in a
    key's place could destroy it so, past any legal hold.
    """

    async def work(container: Container) -> tuple[str, int]:
        ring = _ring(container)
        return ring.primary_id, await SubjectKeys(await container.owner_pool(), ring).rewrap()

    primary, done = run(work)
    if as_json:
        print_json({"primary": primary, "rewrapped": done})
        return
    say(f"{done} {'key is' if done == 1 else 'keys are'} wrapped anew; all are under {primary}.")


def show(as_json: AsJson = False) -> None:
    """List the keys by id and fingerprint, and how many people's keys the database holds under each.

    A key that the database needs and the ring lacks is listed as missing, one that does not open what is
    under its id as wrong; the exit code is then 1.
    """

    async def work(container: Container) -> tuple[KeyRing, Mapping[str, int], WrongKeyError | None]:
        ring = _ring(container)
        subject_keys = SubjectKeys(await container.pool(), ring)
        return ring, await subject_keys.counts(), await _wrong(subject_keys)

    ring, under, wrong = run(work)
    rows = [
        (
            key_id,
            ring.fingerprint(key_id),
            _state(key_id, ring, wrong),
            under.get(key_id, 0),
        )
        for key_id in ring.ids
    ]
    missing = sorted(under.keys() - set(ring.ids))
    if as_json:
        shown: list[JsonValue] = [
            {"id": key_id, "fingerprint": fingerprint, "state": state, "wraps": wraps}
            for key_id, fingerprint, state, wraps in rows
        ]
        print_json(
            [
                *shown,
                *(
                    {"id": key_id, "fingerprint": None, "state": "missing", "wraps": under[key_id]}
                    for key_id in missing
                ),
            ]
        )
    else:
        gone = [(key_id, NOTHING, "missing", under[key_id]) for key_id in missing]
        console().print(table("Key", "Fingerprint", "State", "People's keys", rows=[*rows, *gone]))
    if missing:
        raise Failure(
            f"The database needs {', '.join(missing)}: put the key back from its backup. Nothing was erased."
        )
    if wrong is not None:
        raise Failure(str(wrong))


async def _wrong(subject_keys: SubjectKeys) -> WrongKeyError | None:
    try:
        await subject_keys.check()
    except WrongKeyError as wrong:
        return wrong
    except UnknownKeyError:
        # Listed as missing.
        return None
    return None


def _state(key_id: str, ring: KeyRing, wrong: WrongKeyError | None) -> str:
    if wrong is not None and wrong.key_id == key_id:
        return "wrong"
    return "primary" if key_id == ring.primary_id else "old"


def _ring(container: Container) -> KeyRing:
    ring = key_ring(container.settings)
    if ring is None:
        raise Failure("SOJOURN_WITHOUT_KEYS is set: there are no keys.", ExitCode.USAGE)
    return ring


keys = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Make, rotate and look at the keys that seal what people write. No key is ever shown.",
)

for _name, _command in {"create": create, "rotate": rotate, "rewrap": rewrap, "show": show}.items():
    _lesson = KEYS_LESSONS[_name]
    keys.command(name=_name, short_help=_lesson.in_short, epilog=_lesson.closing)(_command)
