"""What an endpoint declares about itself: who may call it, its name, what it may refuse."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from app.http.problems import PROBLEM_PAGES, Problem, status_of
from app.kernel.actors import Role
from app.kernel.errors import Refusal

ANY_ROLE = tuple(Role)
BASE_PATH = "/v1"

# The members of an operation in the OpenAPI document that TransactionalRoute reads back, so that
# what is declared and what is enforced are one thing.
ROLES = "x-roles"
ROLE_RULE = "x-role-rule"
REFUSALS = "x-refusals"
TERM = "x-term"
KEY = "x-idempotency-key"
PRECONDITION = "x-precondition"
ACCEPTS = "x-accepts"
BULK = "x-bulk"
# Schemas by their names, of a body that FastAPI can not read from a type.
SCHEMAS = "x-schemas"


def operation(
    *,
    summary: str,
    roles: Sequence[Role],
    term: str,
    status: int = 200,
    refusals: Sequence[type[Refusal]] = (),
    key: Literal["required", "optional"] = "optional",
    precondition: bool = False,
    accepts: Sequence[str] = ("application/json",),
    bulk: bool = False,
    responses: Mapping[int, Mapping[str, Any]] | None = None,
    role_rule: str | None = None,
) -> dict[str, Any]:
    """Return the arguments of a route decorator for one operation.

    ``term`` is what the operation is called in Dutch. ``key`` says whether a POST must carry an
    Idempotency-Key, ``precondition`` that the operation needs If-Match (take ``ExpectedVersions``).
    ``accepts`` are the media types of the body, ``bulk`` takes a body up to the import limit,
    ``responses`` is for answers that are not JSON.
    ``role_rule`` is the rule that keeps it to these roles: the refusal of another role names it.

    Raises:
        ValueError: no role is named; an operation for everybody says ANY_ROLE.
    """
    if not roles:
        message = f"'{summary}' is for nobody: name its roles."
        raise ValueError(message)
    declared: dict[int | str, dict[str, Any]] = {
        code: dict(answer) for code, answer in (responses or {}).items()
    }
    for code, told in _by_status(refusals).items():
        declared[code] = {
            "description": "\n".join(line_of(refusal) for refusal in told),
            "model": Problem,
        }
    return {
        "summary": summary,
        "status_code": status,
        "responses": declared,
        "openapi_extra": {
            ROLE_RULE: role_rule,
            ROLES: [role.value for role in Role if role in roles],
            TERM: term,
            REFUSALS: sorted({refusal.slug for refusal in refusals}),
            KEY: key,
            PRECONDITION: precondition,
            ACCEPTS: list(accepts),
            BULK: bulk,
        },
    }


def line_of(refusal: type[Refusal]) -> str:
    """Return how an operation tells of a refusal: its name, leading to its page, and its title."""
    return f"- [`{refusal.slug}`]({PROBLEM_PAGES}{refusal.slug}): {refusal.title.en}"


def _by_status(refusals: Sequence[type[Refusal]]) -> dict[int, list[type[Refusal]]]:
    found: dict[int, list[type[Refusal]]] = {}
    for refusal in sorted(set(refusals), key=lambda refusal: refusal.slug):
        found.setdefault(status_of(refusal), []).append(refusal)
    return dict(sorted(found.items()))
