"""Who may do what, as a table: ``python -m tests.support.role_matrix`` writes it anew.

It is written down so that a change of roles is read where it is reviewed; the tests hold both the
contract and every answer to what is written.
"""

import csv
from collections.abc import Mapping
from pathlib import Path

from app.kernel.actors import Role
from tests.support.contract import operations

_TABLE = Path(__file__).parents[1] / "api" / "roles.csv"
_MAY = "x"


def written() -> dict[str, set[str]]:
    """Return the roles of each operation as they are written down."""
    with _TABLE.open(newline="") as file:
        return {
            row.pop("operation"): {role for role, may in row.items() if may == _MAY}
            for row in csv.DictReader(file)
        }


def told() -> Mapping[str, set[str]]:
    """Return the roles of each operation as the OpenAPI document tells them."""
    return {one.id: {role.value for role in one.roles} for one in operations().values()}


def _write() -> None:
    with _TABLE.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["operation", *(role.value for role in Role)])
        for operation, roles in told().items():
            rows.writerow([operation, *(_MAY if role.value in roles else "" for role in Role)])


if __name__ == "__main__":
    _write()
