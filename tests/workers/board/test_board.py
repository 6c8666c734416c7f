"""The operators' board: what it shows, its keys, and a real terminal around it."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import pty
import signal
import struct
import sys
import termios
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pyte
import pytest
from temporalio.client import Client
from textual.widgets import DataTable, Static

from activities.directory.people import Directory
from activities.event_store.event_store import EventStore
from activities.postgres.pool import DatabaseUnavailableError
from application.queries.explain import explain_agreement
from domain.agreement.state import Agreement
from domain.kernel.person import Person
from domain.kernel.vocabulary import Kind, ObligationKind, Phase, Role
from domain.ledger.obligation import Obligation
from domain.views.health import assess, oldest_first
from workers.board.app import WatchApp
from workers.board.frame import summary
from workers.board.rows import Board, BoardRow, Order, State, age, matching, read_board
from workers.terminal.output import words

AT = datetime(2027, 3, 1, 9, tzinfo=UTC)
OPERATOR = "OPS-1"

COMMAND = (sys.executable, "-c", "from workers.cli import main; main()", "watch")
SCREENS = ((80, 24), (120, 40))


def row(agreement_id: str, **changes: Any) -> BoardRow:  # noqa: ANN401  any field
    """A row of the board."""
    usual: dict[str, Any] = {
        "agreement_id": agreement_id,
        "state": State.STALLED,
        "kind": Kind.SECONDMENT,
        "phase": Phase.ACTIVE,
        "why": "milestone overdue",
        "role": Role.MENTOR,
        "person_id": "P-1",
        "since": AT - timedelta(days=4),
        "level": 4,
        "obligation_id": "milestone:map",
        "due_at": AT - timedelta(days=9),
        "next": "On 2027-03-04 (level 5) sponsor and HR are told.",
        "at": AT,
    }
    return BoardRow(**{**usual, **changes})


ROWS = (
    row("a.1", since=AT - timedelta(days=2), level=5),
    row("b.2", role=Role.MENTEE, why="debrief overdue", level=None),
    row(
        "c.3", state=State.OVERDUE, kind=Kind.ROTATION, since=AT - timedelta(days=30), why="check in", level=2
    ),
)


def test_every_typed_word_has_to_occur() -> None:
    """A filter narrows by any cell, in upper or lower case, also by those that a narrow window leaves out."""
    assert [each.agreement_id for each in matching(ROWS, "MENTOR overdue")] == ["a.1", "c.3"]
    assert [each.agreement_id for each in matching(ROWS, "rotation")] == ["c.3"]
    assert matching(ROWS, "nowhere") == []
    assert matching(ROWS, "  ") == list(ROWS)


def test_stalled_comes_before_overdue_unless_told_otherwise() -> None:
    """The board begins with what is stalled longest; choosing a column twice turns it round."""
    order = Order()
    assert [each.agreement_id for each in order.sort(ROWS)] == ["b.2", "a.1", "c.3"]
    by_level = order.then("level")
    assert [each.agreement_id for each in by_level.sort(ROWS)] == ["b.2", "c.3", "a.1"]
    assert [each.agreement_id for each in by_level.then("level").sort(ROWS)] == ["a.1", "c.3", "b.2"]


def test_ages_are_short() -> None:
    """Hours up to two days, then days."""
    ages = [age(AT - timedelta(hours=hours), AT) for hours in (0, 47, 48, 24 * 400)]
    assert ages == ["0h", "47h", "2d", "400d"]


def board_of(*rows: BoardRow) -> Callable[[], Awaitable[Board]]:
    """Reads the same board again and again."""

    async def read() -> Board:
        return Board(rows, AT)

    return read


async def explained(agreement_id: str) -> str:
    """Explains nothing in particular."""
    return f"{agreement_id} is stalled because it is."


def text_of(app: WatchApp, part: str) -> str:
    """What a part of the screen says."""
    return str(app.query_one(f"#{part}", Static).content)


async def settled(app: WatchApp) -> None:
    """Waits until everything that a key set off is over."""
    await app.workers.wait_for_complete()  # pyright: ignore[reportUnknownMemberType]  their worker's result


def nobody(_: Obligation) -> bool:
    """Nobody does what they owe."""
    return False


def signatories(owed: Obligation) -> bool:
    """Everybody signs, and nobody does anything else."""
    return owed.kind in {ObligationKind.SIGNATURE, ObligationKind.ANNEX_SIGNATURE}


def ids(app: WatchApp) -> list[str]:
    """The agreements in the order in which they are shown."""
    return [str(key.value) for key in app.query_one(DataTable[Any]).rows]


@pytest.mark.parametrize("size", SCREENS)
async def test_keys_sort_filter_and_explain(size: tuple[int, int]) -> None:
    """Each key does what the footer says, and the chosen row stays chosen while the order changes."""
    app = WatchApp(board_of(*ROWS), explained, None)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert ids(app) == ["b.2", "a.1", "c.3"]
        assert text_of(app, "summary").startswith("2 stalled, 1 overdue as of 2027-03-01 09:00Z")
        await pilot.press("down")
        assert text_of(app, "what").startswith("a.1: secondment, active, stalled since")
        await pilot.press("5", "5")
        assert ids(app) == ["a.1", "c.3", "b.2"]
        assert text_of(app, "what").startswith("a.1: ")
        await pilot.press("slash", *"rota", "enter")
        assert ids(app) == ["c.3"]
        await pilot.press("e")
        await settled(app)
        assert text_of(app, "what").startswith("c.3 is stalled because it is.")
        await pilot.press("escape", "escape")
        assert ids(app) == ["a.1", "c.3", "b.2"]
        await pilot.press("q")
    assert app.return_code == 0


async def test_a_nudge_goes_to_the_chosen_row_and_says_what_came_of_it() -> None:
    """The sentence of whoever sends it is shown; without a name nothing is sent."""
    nudged: list[str] = []

    async def nudge(chosen: BoardRow) -> str:
        nudged.append(chosen.agreement_id)
        return "Nudge not answered: no worker runs."

    app = WatchApp(board_of(*ROWS), explained, nudge)
    async with app.run_test() as pilot:
        await pilot.pause()
        await pilot.press("down", "n")
        await settled(app)
        assert nudged == ["a.1"]
        assert text_of(app, "said") == "Nudge not answered: no worker runs."
    app = WatchApp(board_of(*ROWS), explained, None)
    async with app.run_test() as pilot:
        await pilot.pause()
        await pilot.press("n")
        await settled(app)
        assert "--as" in text_of(app, "said")


async def test_a_record_that_is_away_leaves_the_board_standing() -> None:
    """What was read last stays, the problem is told, and is gone once the record answers again."""
    away = False

    async def read() -> Board:
        if away:
            raise DatabaseUnavailableError("no route to it")
        return Board(ROWS, AT)

    app = WatchApp(read, explained, None)
    async with app.run_test() as pilot:
        await pilot.pause()
        away = True
        await pilot.press("r")
        await settled(app)
        assert text_of(app, "said") == "The record cannot be read: no route to it"
        assert len(ids(app)) == len(ROWS)
        away = False
        await pilot.press("r")
        await settled(app)
        assert text_of(app, "said") == ""


async def test_the_board_is_what_the_domain_says(
    event_store: EventStore, live: Callable[..., Awaitable[Agreement]]
) -> None:
    """Stalled as assessed; overdue where something is past due; and each row can be explained."""
    agreements = [await live(kind, days=60, answers=signatories) for kind in Kind]
    at = max(agreement.last_activity_at for agreement in agreements) + timedelta(days=20)
    board = await read_board(event_store, at)
    assert {each.agreement_id for each in board.rows if each.state is State.STALLED} == {
        agreement.agreement_id for agreement in agreements if assess(agreement, at).stall is not None
    }
    assert {each.agreement_id for each in board.rows if each.state is State.OVERDUE} == {
        agreement.agreement_id
        for agreement in agreements
        if assess(agreement, at).stall is None
        and any(owed.due_at <= at for owed in agreement.obligations.values())
    }
    assert board.count(State.STALLED) > 1
    assert board.more == frozenset()
    for each in board.rows:
        found = await explain_agreement(event_store, each.agreement_id, at)
        assert found is not None
        assert each.agreement_id in found.paragraph
    short = await read_board(event_store, at, most=1)
    assert short.more == {State.STALLED}
    assert short.rows[0] == min(board.rows, key=lambda each: (each.since, each.agreement_id))
    assert summary(short).startswith("1+ stalled, ")


async def test_something_overdue_and_not_stalled_is_on_the_board(
    event_store: EventStore, live: Callable[..., Awaitable[Agreement]]
) -> None:
    """Between the due day and the stall an agreement is shown as overdue, with what is due for longest."""
    agreement = await live("secondment", days=3, answers=nobody)
    first = oldest_first(agreement)[0]
    [shown] = (await read_board(event_store, first.due_at + timedelta(hours=1))).rows
    assert (shown.state, shown.obligation_id) == (State.OVERDUE, first.obligation_id)
    assert shown.next.startswith("On ")
    [shown] = (await read_board(event_store, first.stalled_at)).rows
    assert shown.state is State.STALLED


class Terminal:
    """A real terminal with `sojourn watch` in it, and the screen that a person would see."""

    def __init__(self, width: int, height: int, environment: Mapping[str, str], *arguments: str) -> None:
        self._screen = pyte.Screen(width, height)
        self._stream = pyte.ByteStream(self._screen)
        self._child, self._master = pty.fork()
        if self._child == 0:
            try:
                os.execve(sys.executable, [*COMMAND, *arguments], dict(environment))  # noqa: S606  our own command
            finally:
                os._exit(127)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        os.set_blocking(self._master, False)

    @property
    def text(self) -> str:
        """The screen."""
        return "\n".join(self._screen.display)

    def resize(self, width: int, height: int) -> None:
        """Gives the window another size, as a person does with the mouse."""
        self._screen.resize(height, width)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def press(self, keys: str) -> None:
        """Types."""
        os.write(self._master, keys.encode())

    def _take(self) -> bool:
        try:
            taken = os.read(self._master, 65536)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._stream.feed(taken)
        return bool(taken)

    async def shows(self, *wanted: str, without: str = "\0", seconds: float = 60) -> str:
        """Waits until everything wanted is on the screen, and something else is not."""
        deadline = time.monotonic() + seconds
        while without in self.text or not all(each in self.text for each in wanted):
            goes_on = self._take()
            assert time.monotonic() < deadline, f"{wanted} not on\n{self.text}"
            assert goes_on, f"it ended with\n{self.text}"
            await asyncio.sleep(0.05)
        return self.text

    def kill(self) -> None:
        """Ends the command at once, where it has not ended yet."""
        with suppress(ChildProcessError):
            ended, _ = os.waitpid(self._child, os.WNOHANG)
            if not ended:
                os.kill(self._child, signal.SIGKILL)
                os.waitpid(self._child, 0)

    async def ends(self, seconds: float = 30) -> int:
        """Waits until the command has ended; its exit status."""
        deadline = time.monotonic() + seconds
        while True:
            self._take()
            ended, status = os.waitpid(self._child, os.WNOHANG)  # noqa: ASYNC222  it does not wait
            if ended:
                os.close(self._master)
                return os.waitstatus_to_exitcode(status)
            assert time.monotonic() < deadline, f"still there:\n{self.text}"
            await asyncio.sleep(0.05)


@asynccontextmanager
async def terminal(
    size: tuple[int, int], database: str, address: str, *arguments: str
) -> AsyncGenerator[Terminal]:
    """Opens a terminal, and ends what is still in it."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("COLUMNS", "LINES"))},
        "SOJOURN_DATABASE_URL": database,
        "TEMPORAL_ADDRESS": address,
        "TERM": "xterm-256color",
    }
    opened = Terminal(*size, environment, *arguments)
    try:
        yield opened
    finally:
        opened.kill()


@pytest.mark.parametrize("size", SCREENS)
async def test_the_board_is_readable_in_a_real_terminal(
    size: tuple[int, int],
    database: str,
    directory: Directory,
    people: Mapping[str, Person],
    live: Callable[..., Awaitable[Agreement]],
) -> None:
    """Ids are whole, keys are named, e explains, a nudge that cannot be sent says so, and q ends it."""
    anybody = next(iter(people.values()))
    await directory.upsert([anybody.model_copy(update={"person_id": OPERATOR, "is_operator": True})])
    agreement = await live("secondment", days=40, answers=nobody)
    until = agreement.last_activity_at + timedelta(days=30)
    arguments = ("--as", OPERATOR, "--as-of", until.isoformat())
    nobody_there = "127.0.0.1:1"
    async with terminal(size, database, nobody_there, *arguments) as screen:
        seen = await screen.shows("1 stalled, 0 overdue", agreement.agreement_id, "Waits on", "Quit", "Next:")
        stall = assess(agreement, until).stall
        assert stall is not None
        assert f"● {agreement.agreement_id} " in seen
        assert words(stall.reason) in seen
        assert ("Date" in seen) == (size[0] >= 110)
        screen.press("e")
        await screen.shows(f"{agreement.agreement_id} is stalled since", "Policy set default version 1")
        screen.press("\x1b")
        await screen.shows("secondment, agreement, stalled since", without="Policy set")
        screen.press("/nowhere\r")
        await screen.shows("filter: nowhere (0 shown)", "Nothing is stalled or overdue.")
        screen.press("\x1b")
        await screen.shows(agreement.agreement_id)
        screen.press("n")
        await screen.shows("Nudge not sent: Temporal does not answer at 127.0.0.1:1.")
        screen.press("q")
        assert await screen.ends() == 0


async def test_a_nudge_without_a_worker_says_so(
    database: str,
    client: Client,
    directory: Directory,
    people: Mapping[str, Person],
    live: Callable[..., Awaitable[Agreement]],
) -> None:
    """Temporal is there, the agreement does not run there: the board says it and goes on."""
    anybody = next(iter(people.values()))
    await directory.upsert([anybody.model_copy(update={"person_id": OPERATOR, "is_operator": True})])
    agreement = await live("secondment", days=40, answers=nobody)
    until = agreement.last_activity_at + timedelta(days=30)
    address = client.service_client.config.target_host
    arguments = ("--as", OPERATOR, "--as-of", until.isoformat())
    async with terminal((80, 24), database, address, *arguments) as screen:
        await screen.shows("1 stalled", agreement.agreement_id)
        screen.press("n")
        await screen.shows("Nudge not sent: No workflow")
        screen.press("q")
        assert await screen.ends() == 0


@pytest.mark.usefixtures("worker", "known")
async def test_a_nudge_from_the_board_is_in_the_record(
    database: str,
    sojourn: Callable[..., Awaitable[Any]],
    request_of: Callable[..., dict[str, Any]],
    event_store: EventStore,
    client: Client,
) -> None:
    """On the real servers: n reminds the owner of what is overdue for longest, in the operator's name."""
    placed = await sojourn("place", "-", "--json", given=json.dumps(request_of("secondment")))
    [agreement_id] = [each["agreement_id"] for each in json.loads(placed.stdout)["placements"]]
    owed = sorted(await event_store.read_models.open_obligations(agreement_id), key=lambda held: held.due_at)
    until = owed[-1].due_at + timedelta(hours=1)
    address = client.service_client.config.target_host
    arguments = ("--as", "P-9001", "--as-of", until.isoformat())
    async with terminal((80, 24), database, address, *arguments) as screen:
        await screen.shows(agreement_id, "Waits on")
        screen.press("n")
        await screen.shows("Nudged about signature:")
        screen.press("q")
        assert await screen.ends() == 0
    nudge = (await event_store.stream(agreement_id))[-1]
    assert (nudge.type, nudge.actor_id, str(nudge.actor_role)) == ("obligation.nudged", "P-9001", "operator")
    oldest = min(owed, key=lambda held: (held.due_at, held.obligation_id))
    assert nudge.data["obligation_id"] == oldest.obligation_id


async def test_a_window_that_shrinks_keeps_the_board_readable(
    database: str, live: Callable[..., Awaitable[Agreement]]
) -> None:
    """From 120 columns to 80: the wide columns go, the id stays whole; and an empty board says so."""
    agreement = await live("secondment", days=40, answers=nobody)
    until = agreement.last_activity_at + timedelta(days=30)
    async with terminal((120, 40), database, "127.0.0.1:1", "--as-of", until.isoformat()) as screen:
        await screen.shows(agreement.agreement_id, "Date", "Person")
        screen.resize(80, 24)
        seen = await screen.shows(agreement.agreement_id, "Waits on", "Quit", without="Date")
        assert f"● {agreement.agreement_id} " in seen
        screen.press("q")
        assert await screen.ends() == 0
    before = agreement.last_activity_at - timedelta(days=300)
    async with terminal((80, 24), database, "127.0.0.1:1", "--as-of", before.isoformat()) as screen:
        await screen.shows("0 stalled, 0 overdue", "Nothing is stalled or overdue.")
        screen.press("e")
        screen.press("n")
        screen.press("q")
        assert await screen.ends() == 0


async def test_one_frame_is_printed_where_there_is_no_terminal(
    sojourn: Callable[..., Awaitable[Any]], live: Callable[..., Awaitable[Agreement]]
) -> None:
    """A pipe gets one frame with every id whole; a filter narrows it; nothing to show is said."""
    agreement = await live("rotation", days=60, answers=nobody)
    until = (agreement.last_activity_at + timedelta(days=60)).isoformat()
    frame = await sojourn("watch", "--as-of", until)
    assert frame.exit_code == 0, frame.output
    assert "1 stalled, 0 overdue as of" in frame.stdout
    assert agreement.agreement_id in frame.stdout
    narrowed = await sojourn("watch", "--once", "--as-of", until, "--filter", "secondment")
    assert agreement.agreement_id not in narrowed.stdout


async def test_only_operators_nudge(sojourn: Callable[..., Awaitable[Any]]) -> None:
    """Whoever is no operator is told before the board opens."""
    refused = await sojourn("watch", "--once", "--as", "P-nobody")
    assert refused.exit_code == 1
    assert "is no operator" in refused.stderr
