"""The bugs: what each does to the code, and which tests tell it.

A change replaces one place of a file: the text must stand there exactly once, so that a bug that no
longer fits the code is told at once and not counted as caught.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Change:
    """One place in a file of the tree, and what is put there."""

    file: str
    old: str
    new: str

    def places_in(self, tree: Path) -> int:
        """Return how often the place is found in a tree: once, or the change does not fit."""
        return (tree / self.file).read_text(encoding="utf-8").count(self.old)

    def apply(self, tree: Path) -> None:
        """Put the bug in a tree."""
        path = tree / self.file
        path.write_text(
            path.read_text(encoding="utf-8").replace(self.old, self.new), encoding="utf-8"
        )


@dataclass(frozen=True, slots=True)
class Bug:
    """A fault somebody could well make, and the tests that catch it (paths, or node ids).

    ``by_fixture`` is for one that no test tells but a fixture that looks on: pytest's ERROR.
    """

    name: str
    says: str
    changes: Sequence[Change]
    tests: Sequence[str]
    by_fixture: bool = False


BUGS: Sequence[Bug] = (
    Bug(
        "no-row-lock",
        "a proposal is not locked by who decides it",
        [
            Change(
                "app/decisions/repository.py",
                """            .with_for_update(of=Proposal)
            .execution_options(populate_existing=True)
""",
                """            .execution_options(populate_existing=True)
""",
            ),
        ],
        ["tests/api/test_decisions.py"],
    ),
    Bug(
        "key-without-its-body",
        "an idempotency key is stored and found without comparing the body",
        [
            Change(
                "app/http/idempotency.py",
                "    if found.fingerprint != claim.fingerprint:\n        raise KeyReused\n",
                "",
            ),
        ],
        ["tests/api/test_idempotency.py"],
    ),
    Bug(
        "key-after-commit",
        "the key and its answer are stored after the commit of the work",
        [
            Change(
                "app/http/routing.py",
                "from dataclasses import dataclass, field\n",
                "from dataclasses import dataclass, field, replace\n",
            ),
            Change(
                "app/http/routing.py",
                "from sqlalchemy.exc import SQLAlchemyError\n",
                "from sqlalchemy import text\nfrom sqlalchemy.exc import SQLAlchemyError\n",
            ),
            Change(
                "app/http/routing.py",
                """        if claim is not None:
            keep_answer(work, claim, answer)
    return answer
""",
                """        if claim is not None:
            await session.execute(
                text("DELETE FROM idempotency_keys WHERE organisation_id = :own AND key = :key"),
                {"own": identity.organisation_id, "key": claim.key},
            )
    if claim is not None:
        async with edge.database.transaction(identity.organisation_id) as session:
            late = replace(work, session=session)
            if await claim_key(late, claim) is None:
                keep_answer(late, claim, answer)
    return answer
""",
            ),
        ],
        ["tests/api/test_idempotency.py"],
    ),
    Bug(
        "answer-before-commit",
        "the answer leaves while the commit is still to come",
        [
            Change(
                "app/db/session.py",
                "        await _to_the_end(_commit(session, held))\n",
                "        _BEGUN.append(asyncio.create_task(_commit(session, held)))\n",
            ),
            Change(
                "app/db/session.py",
                "\n\ndef create_engine(\n",
                "\n\n_BEGUN: list[Any] = []\n\n\ndef create_engine(\n",
            ),
        ],
        ["tests/api/test_edge_transactions.py"],
    ),
    Bug(
        "asynchronous-commit",
        "a transaction does not wait for the disk when it commits",
        [
            Change(
                "app/db/session.py",
                'f"BEGIN; SET LOCAL app',
                'f"BEGIN; SET LOCAL synchronous_commit = off; SET LOCAL app',
            ),
        ],
        ["tests/database/test_session.py"],
    ),
    Bug(
        "stale-balance",
        "the figures of a year are remembered after the first reading",
        [
            Change(
                "app/hours/repository.py",
                '''come from one statement: one moment (L2).
        """
''',
                '''come from one statement: one moment (L2).
        """
        asked = self._organisation_id, frozenset(employee_ids), frozenset(years)
        if asked in _FIGURES:
            return _FIGURES[asked]
''',
            ),
            Change(
                "app/hours/repository.py",
                "        return {pair: _figures(by_kind) for pair, by_kind in accounts.items()}\n",
                """        read = {pair: _figures(by_kind) for pair, by_kind in accounts.items()}
        if read:
            _FIGURES[asked] = read
        return read
""",
            ),
            Change(
                "app/hours/repository.py",
                "\n\nclass HourRepository",
                "\n\n_FIGURES: dict[Any, Any] = {}\n\n\nclass HourRepository",
            ),
        ],
        ["tests/database/test_hours_concurrency.py"],
    ),
    Bug(
        "two-snapshots",
        "what was put in and what was taken out are read by two statements",
        [
            Change(
                "app/hours/repository.py",
                """        rows = await self._session.execute(
            select(
                AccountRow.kind,
                AccountRow.owner_id,
""",
                """        statement = (
            select(
                AccountRow.kind,
                AccountRow.owner_id,
""",
            ),
            Change(
                "app/hours/repository.py",
                """        accounts: dict[Pair, dict[str, AnyRow]] = {}
        for row in rows:
            accounts""",
                """        accounts: dict[Pair, dict[str, AnyRow]] = {}
        first = {
            (one.kind, one.owner_id, one.period_from): one.credits_posted
            for one in await self._session.execute(statement)
        }
        for later in await self._session.execute(statement):
            known = first.get((later.kind, later.owner_id, later.period_from), 0)
            row = SimpleNamespace(**{**later._asdict(), "credits_posted": known})
            accounts""",
            ),
            Change(
                "app/hours/repository.py",
                "from typing import ",
                "from types import SimpleNamespace\nfrom typing import ",
            ),
        ],
        ["tests/database/test_hours_concurrency.py"],
    ),
    Bug(
        "without-its-organisation",
        "one query does not name the organisation",
        [
            Change(
                "app/decisions/repository.py",
                """                Proposal.organisation_id == self._organisation_id,
                Proposal.id == proposal_id,
            )
            .with_for_update""",
                """                Proposal.id == proposal_id,
            )
            .with_for_update""",
            ),
        ],
        ["tests/api/test_decisions.py"],
        by_fixture=True,
    ),
    Bug(
        "forbidden-for-absent",
        "what is not there for somebody is forbidden instead of not found",
        [
            Change(
                "app/requests/errors.py",
                'class RequestNotFound(NotFound):\n    slug = "request-not-found"\n',
                'class RequestNotFound(NotFound):\n    slug = "request-not-found"\n'
                "    kind = Kind.FORBIDDEN\n",
            ),
        ],
        ["tests/api/test_requests.py"],
    ),
    Bug(
        "effect-inside",
        "somebody outside is told before the transaction has committed",
        [
            Change(
                "app/decisions/repository.py",
                "from uuid import UUID\n",
                "from uuid import UUID\n\nfrom contextlib import suppress\nimport httpx\n",
            ),
            Change(
                "app/decisions/repository.py",
                'the first lock of whoever changes or decides it."""\n',
                'the first lock of whoever changes or decides it."""\n'
                "        with suppress(httpx.HTTPError):\n"
                '            httpx.post("http://127.0.0.1:9/hook", content=str(proposal_id))\n',
            ),
        ],
        ["tests/api/test_outside_effects.py", "tests/architecture/test_layers.py"],
    ),
    Bug(
        "audit-row-left-out",
        "a proposal is drafted without a row in the audit trail",
        [
            Change(
                "app/decisions/service.py",
                """        await self._audit.record(
            action="proposal.drafted",
            object_type="proposal",
            object_id=proposal.id,
            after={"tranche_id": tranche_id, "items": len(waiting)},
            rule_ids=("VIS-6.3",),
            policy_version_id=policy.id,
        )
""",
                "",
            ),
        ],
        ["tests/api/test_audit_of_changes.py"],
    ),
    Bug(
        "band-off-by-a-day",
        "the last day of a band of the staircase falls in the next band",
        [
            Change(
                "app/agreements/rules.py",
                "if leaves_on < until or (leaves_on == until and months != last_months):",
                "if leaves_on < until:",
            ),
        ],
        ["tests/rules/test_repayment_amounts.py"],
    ),
    Bug(
        "day-of-utc",
        "the civil day is taken from UTC",
        [
            Change(
                "app/kernel/calendar.py",
                "    return instant.astimezone(AMSTERDAM).date()\n",
                "    return instant.astimezone(UTC).date()\n",
            ),
            Change(
                "app/kernel/calendar.py",
                "\n\ndef amsterdam_day(",
                '\n\nUTC = ZoneInfo("UTC")\n\n\ndef amsterdam_day(',
            ),
        ],
        ["tests/rules/test_calendar.py"],
    ),
    Bug(
        "half-a-cent-down",
        "half a cent is rounded down",
        [
            Change(
                "app/kernel/quantities.py",
                "(2 * whole * numerator + denominator) // (2 * denominator)",
                "(2 * whole * numerator + denominator - 1) // (2 * denominator)",
            ),
        ],
        ["tests/rules/test_quantities.py"],
    ),
    Bug(
        "policy-of-today",
        "an agreement is drawn up by the policy of today, not of its decision",
        [
            Change(
                "app/agreements/service.py",
                "self._policies.live_version(agreement.policy_version_id)\n        policy",
                "self._policies.policy_on(self._work.today)\n        policy",
            ),
        ],
        ["tests/api/test_agreements.py"],
    ),
)
