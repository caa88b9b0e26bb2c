"""What Schemathesis loads beside its own: it runs where nothing of the service is installed."""

from importlib import import_module
from typing import Any
from uuid import uuid4

schemathesis: Any = import_module("schemathesis")


@schemathesis.hook
def before_call(_context: object, case: Any, _kwargs: object) -> None:  # noqa: ANN401
    """Give each request a key of its own: one that was used rightly gets its first answer again."""
    headers: dict[str, str] = case.headers or {}
    for name in [*headers]:
        if name.lower() == "idempotency-key" and headers[name]:
            headers[name] = str(uuid4())
