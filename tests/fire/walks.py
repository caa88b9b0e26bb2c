"""Walks through lists by their cursors while others write, and reads of all of a ledger."""

from urllib.parse import parse_qs, urlsplit

from tests.fire.board import Board
from tests.fire.client import Call, Client
from tests.fire.scene import YEAR
from tests.fire.workload import hours_of

_PAGES = 40
_KINDS = ("requests", "commitments", "decisions", "agreements", "entries")


async def walk(client: Client, board: Board, kind: str = "") -> None:
    """Go through a list, any or of this kind, or leave it when a page does not come."""
    employee = client.rng.choice(board.scene.employees)
    kind = kind or client.rng.choice(_KINDS)
    about = (f"walk:{kind}:{client.new_key()}", hours_of(employee))
    path = f"/{kind}"
    if kind == "entries":
        path = f"/employees/{employee}/hour-ledgers/{YEAR}/entries"
    cursor: str | None = None
    for _ in range(_PAGES):
        query = "?limit=50" + (f"&cursor={cursor}" if cursor else "")
        sent = await client.send(
            Call(name="walk", who="hr-1", method="GET", path=path + query, about=about)
        )
        if not sent.done:
            return
        page = sent.json
        _note(board, kind, employee, page["items"])
        cursor = page["nextCursor"]
        if cursor is None:
            return


def _note(board: Board, kind: str, employee: str, items: list[dict[str, object]]) -> None:
    """Put on the board what there is to be done: a list shows what lost answers did not."""
    match kind:
        case "commitments":
            for one in items:
                if one["status"] == "open" and one["id"] not in board.commitments:
                    board.commitments.append(str(one["id"]))
        case "agreements":
            for one in items:
                if one["status"] in ("required", "drawn_up"):
                    board.agreements.append(str(one["id"]))
        case "entries" if items:
            board.as_of.append((employee, str(items[-1]["recordedAt"])))
        case _:
            pass


def cursor_of(path: str) -> str | None:
    """Return the cursor that a page was asked for with, None for the first."""
    found = parse_qs(urlsplit(path).query).get("cursor")
    return found[0] if found else None
