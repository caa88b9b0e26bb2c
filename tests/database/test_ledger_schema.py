"""What the database refuses by itself, whoever writes to the ledger's tables."""

from collections.abc import AsyncIterator, Iterator
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import errors, sql
from pydantic import SecretStr
from sqlalchemy import text

from app.db.session import Database
from app.db.work import Work
from app.ledger.rules import Account, Transfer
from app.ledger.service import LedgerService
from app.settings import Settings
from tests.support.database import migrated_database
from tests.support.ledger import Book, account, pending, post, posted, uncounted
from tests.support.organisations import Organisation, enter_in_directory

_COLUMNS = (
    "organisation_id, id, kind, debit_account_id, credit_account_id, unit, amount, released,"
    " pending_id, reverses_id, cause_type, cause_id, key, activity_on, recorded_at,"
    " debit_sequence, credit_sequence"
)


@pytest.fixture
def book(database: Database, organisation: Organisation) -> Book:
    return Book(database, organisation.id)


@pytest.fixture
async def norm(book: Book) -> Account:
    [opened] = await book.do(lambda ledger: ledger.open_accounts([account()]))
    return opened


@pytest.fixture
async def source(book: Book) -> Account:
    [opened] = await book.do(lambda ledger: ledger.open_accounts([uncounted()]))
    return opened


@pytest.fixture
async def line(book: Book, norm: Account, source: Account) -> Transfer:
    [made] = await book.do(lambda ledger: ledger.apply([posted(source, norm, 100)]))
    return made


@pytest.fixture
def as_app(settings: Settings, organisation: Organisation) -> Iterator[psycopg.Connection]:
    """Yield a connection of the app role, in a transaction of the organisation."""
    yield from _inside(settings.app_url, organisation.id)


@pytest.fixture
def as_owner(owner_url: str, organisation: Organisation) -> Iterator[psycopg.Connection]:
    """Yield a connection of the owner of the tables, in a transaction of the organisation."""
    yield from _inside(owner_url, organisation.id)


def _inside(url: str, organisation_id: UUID) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url) as connection:
        tenant = sql.SQL("SET LOCAL app.organisation_id = {}").format(str(organisation_id))
        connection.execute(tenant)
        yield connection
        connection.rollback()


@pytest.mark.invariant("L3")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE transfers SET amount = amount + 1 WHERE id = %(id)s",
        "DELETE FROM transfers WHERE id = %(id)s",
        "TRUNCATE transfers CASCADE",
    ],
)
def test_the_app_role_has_no_right_to_change_a_transfer(
    as_app: psycopg.Connection, line: Transfer, statement: str
) -> None:
    with pytest.raises(errors.InsufficientPrivilege, match="permission denied"):
        as_app.execute(statement, {"id": line.id})  # pyright: ignore[reportArgumentType, reportCallIssue]


@pytest.mark.invariant("L3")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE transfers SET amount = amount + 1 WHERE id = %(id)s",
        "DELETE FROM transfers WHERE id = %(id)s",
        "TRUNCATE transfers CASCADE",
    ],
)
def test_a_trigger_refuses_it_to_who_has_the_right(
    as_owner: psycopg.Connection, line: Transfer, statement: str
) -> None:
    with pytest.raises(errors.InsufficientPrivilege, match="only ever added"):
        as_owner.execute(statement, {"id": line.id})  # pyright: ignore[reportArgumentType, reportCallIssue]


@pytest.mark.parametrize(
    "assignment", ["unit = 'cents'", "kind = 'other'", "counted = false", "owner_id = id"]
)
def test_the_app_role_can_not_make_another_account_of_one(
    as_app: psycopg.Connection, norm: Account, assignment: str
) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        as_app.execute(
            sql.SQL("UPDATE accounts SET {} WHERE id = %(id)s").format(sql.SQL(assignment)),  # pyright: ignore[reportArgumentType]
            {"id": norm.id},
        )


@pytest.mark.invariant("L6")
@pytest.mark.parametrize(
    ("assignment", "constraint"),
    [
        ("debits_posted = credits_posted + 1", "ck_accounts_limit"),
        ("debits_posted = 60, debits_pending = 41", "ck_accounts_limit"),
        ("credits_posted = -1, limited = false", "ck_accounts_counters"),
        ("debits_pending = -1", "ck_accounts_counters"),
        ("sequence = -1", "ck_accounts_counters"),
    ],
)
@pytest.mark.usefixtures("line")
def test_a_counter_that_breaks_the_account_is_refused(
    as_app: psycopg.Connection, norm: Account, assignment: str, constraint: str
) -> None:
    with pytest.raises(errors.CheckViolation) as refused:
        as_app.execute(
            sql.SQL("UPDATE accounts SET {} WHERE id = %(id)s").format(sql.SQL(assignment)),  # pyright: ignore[reportArgumentType]
            {"id": norm.id},
        )
    assert refused.value.diag.constraint_name == constraint


@pytest.mark.parametrize(
    ("assignment", "constraint"),
    [
        ("credits_posted = 1", "ck_accounts_uncounted_at_zero"),
        ("limited = true", "ck_accounts_limited_is_counted"),
    ],
)
def test_an_uncounted_account_keeps_zeros_and_has_no_limit(
    as_app: psycopg.Connection, source: Account, assignment: str, constraint: str
) -> None:
    with pytest.raises(errors.CheckViolation) as refused:
        as_app.execute(
            sql.SQL("UPDATE accounts SET {} WHERE id = %(id)s").format(sql.SQL(assignment)),  # pyright: ignore[reportArgumentType]
            {"id": source.id},
        )
    assert refused.value.diag.constraint_name == constraint


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"amount": 0}, "ck_transfers_amount"),
        ({"kind": "gift"}, "ck_transfers_kind"),
        ({"unit": "cents"}, "fk_transfers_organisation_id_debit_account_id_unit"),
        ({"released": 1}, "ck_transfers_released"),
        ({"released": -1}, "ck_transfers_released"),
        ({"kind": "post"}, "ck_transfers_pending"),
        ({"kind": "reversal"}, "ck_transfers_reverses"),
        ({"key": ""}, "ck_transfers_key"),
        ({"key": "x" * 201}, "ck_transfers_key"),
        ({"credit_sequence": 1}, "uq_transfers_organisation_id_credit_account_id_credit_sequence"),
        ({"credit_sequence": 0}, "ck_transfers_sequences"),
    ],
)
@pytest.mark.usefixtures("line")
def test_a_row_that_is_no_transfer_is_refused(
    as_app: psycopg.Connection,
    organisation: Organisation,
    *,
    norm: Account,
    source: Account,
    changes: dict[str, object],
    constraint: str,
) -> None:
    with pytest.raises(errors.IntegrityError) as refused:
        _insert(as_app, organisation, debit=source, credit=norm, **changes)
    assert refused.value.diag.constraint_name == constraint


def test_a_transfer_has_two_sides(
    as_app: psycopg.Connection, source: Account, organisation: Organisation
) -> None:
    with pytest.raises(errors.CheckViolation) as refused:
        _insert(as_app, organisation, debit=source, credit=source)
    assert refused.value.diag.constraint_name == "ck_transfers_sides"


@pytest.mark.invariant("L4")
async def test_a_second_resolution_of_one_reservation_can_not_be_stored(
    book: Book,
    as_app: psycopg.Connection,
    organisation: Organisation,
    *,
    norm: Account,
    source: Account,
    line: Transfer,
) -> None:
    [held] = await book.do(lambda ledger: ledger.apply([pending(norm, source, line.amount)]))
    await book.do(lambda ledger: ledger.apply([post(held.id)]))
    with pytest.raises(errors.UniqueViolation) as refused:
        _insert(as_app, organisation, debit=norm, credit=source, kind="void", pending_id=held.id)
    assert refused.value.diag.constraint_name == "uq_transfers_organisation_id_pending_id"


@pytest.mark.invariant("T6")
async def test_an_account_of_another_organisation_can_not_be_stored_as_a_side(
    as_owner: psycopg.Connection,
    source: Account,
    organisation: Organisation,
    database: Database,
    other_organisation: Organisation,
) -> None:
    other = Book(database, other_organisation.id)
    [theirs] = await other.do(lambda ledger: ledger.open_accounts([uncounted("spent")]))
    with pytest.raises(errors.ForeignKeyViolation):
        _insert(as_owner, organisation, debit=source, credit=theirs)


@pytest.mark.invariant("T5")
@pytest.mark.usefixtures("line")
@pytest.mark.parametrize("table", ["accounts", "transfers"])
def test_without_a_tenant_the_app_role_sees_nothing(settings: Settings, table: str) -> None:
    with psycopg.connect(settings.app_url) as connection:
        rows = connection.execute(sql.SQL("SELECT 1 FROM {}").format(sql.Identifier(table)))
        assert rows.fetchall() == []


@pytest.fixture
async def new_book(settings: Settings, server_url: str) -> AsyncIterator[Book]:
    """Yield a ledger in a database of its own, in which nobody has taken statistics."""
    with migrated_database(server_url) as url:
        own = settings.model_copy(update={"database_url": SecretStr(url)})
        database = Database(own)
        yield Book(database, (await enter_in_directory(database)).id)
        await database.close()


async def test_a_transfer_reads_as_few_rows_among_many_accounts_as_among_two(
    new_book: Book,
) -> None:
    """A plan that scans or hashes would read them all; a table just filled has no statistics.

    All on one connection: it plans among two accounts, and keeps the plan when there are many. The
    planner itself looks at rows too, so what is counted is a call that has its plan.
    """
    async with new_book.work() as work:
        ledger = LedgerService(work)
        source, first = await ledger.open_accounts([uncounted(), account()])
        await ledger.apply([posted(source, first, 10)])
        await ledger.apply([pending(first, source, 1)])
        norms = await ledger.open_accounts([account() for _ in range(500)])
        await ledger.apply([posted(source, norm, 10) for norm in norms])
        before = await _fetched(work)
        await ledger.apply([pending(norms[0], source, 1)])
        after = await _fetched(work)
    # A batch reads its own accounts and no others: if it read all, it would be 500 times as many.
    assert before["accounts"] < 500 * 20
    assert 0 < after["accounts"] - before["accounts"] < 20
    assert 0 <= after["transfers"] - before["transfers"] < 5


async def _fetched(work: Work) -> dict[str, int]:
    """Return how many rows of the ledger's tables this connection has read, however it did."""
    rows = await work.session.execute(
        text(
            "SELECT relname, seq_tup_read + idx_tup_fetch AS read FROM pg_stat_xact_user_tables"
            " WHERE relname IN ('accounts', 'transfers')"
        )
    )
    return {str(row.relname): int(row.read) for row in rows}


def _insert(
    connection: psycopg.Connection,
    organisation: Organisation,
    *,
    debit: Account,
    credit: Account,
    **changes: object,
) -> None:
    """Insert a row that would do, but for ``changes``."""
    row: dict[str, object] = {
        "organisation_id": organisation.id,
        "id": uuid4(),
        "kind": "posted",
        "debit_account_id": debit.id,
        "credit_account_id": credit.id,
        "unit": "minutes",
        "amount": 1,
        "released": 0,
        "pending_id": None,
        "reverses_id": None,
        "cause_type": "test",
        "cause_id": uuid4(),
        "key": str(uuid4()),
        "activity_on": "2027-03-01",
        "recorded_at": "2027-03-01T00:00Z",
        "debit_sequence": None,
        "credit_sequence": None,
    } | changes
    names = [name.strip() for name in _COLUMNS.split(",")]
    values = sql.SQL(", ").join(sql.Placeholder(name) for name in names)
    statement = sql.SQL("INSERT INTO transfers ({}) VALUES ({})").format(
        sql.SQL(", ").join(map(sql.Identifier, names)), values
    )
    connection.execute(statement, row)
