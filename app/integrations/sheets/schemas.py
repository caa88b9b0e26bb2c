"""The faults of a sheet on the wire, and those that a schema finds in a list of records."""

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, cast

from pydantic import Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from app.http.findings import message_of
from app.http.schemas import Name, Out
from app.kernel.errors import Text
from app.kernel.faults import At, Fault, RowFault
from app.kernel.wording import Language


class RowErrorOut(Out):
    """One fault of one row: where it stands and what is wrong with it."""

    line: Annotated[int, Field(ge=1, le=10**7)] = Field(
        description="Line of the file, or place in the list; the first is 1."
    )
    column: Name = Field(description="Header of the column, or name of the property.")
    code: Annotated[str, StringConstraints(max_length=100)]
    message: Annotated[str, StringConstraints(max_length=1000)]
    value: Annotated[str, StringConstraints(max_length=200)] = Field(
        description="What was sent, shortened; unseen characters are replaced."
    )


def sent_in(record: object, fields: Iterable[At]) -> dict[At, str]:
    """Return what a record holds of these fields, to quote from: what is no text as JSON."""
    if not isinstance(record, Mapping):
        return {}
    members = cast("Mapping[object, object]", record)
    found = {at: members.get(to_camel(at.value)) for at in fields}
    return {
        at: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for at, value in found.items()
        if value is not None
    }


def faults_in(
    line: int, invalid: ValidationError, fields: Iterable[At], *, key: At
) -> list[RowFault[At]]:
    """Return what the schema found; what is about no known property stands with ``key``."""
    known = {to_camel(at.value): at for at in fields}
    found = (cast("Mapping[str, Any]", item) for item in invalid.errors())
    return [_fault(line, item, known, key) for item in found]


def _fault(line: int, item: Mapping[str, Any], known: Mapping[str, At], key: At) -> RowFault[At]:
    place = cast("tuple[str | int, ...]", item["loc"])
    name = str(place[0]) if place else ""
    told = {language: message_of(item, language) for language in Language}
    text = Text(en=_literally(told[Language.EN]), nl=_literally(told[Language.NL]))
    if name in known:
        return RowFault(line, known[name], Fault(str(item["type"]), text))
    named = Text(en=f"{{property}}: {text.en}", nl=f"{{property}}: {text.nl}")
    return RowFault(line, key, Fault(str(item["type"]), named), {"property": name[:100]})


def _literally(text: str) -> str:
    """Return a text as a template that holds no facts."""
    return text.replace("{", "{{").replace("}", "}}")
