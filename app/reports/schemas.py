"""What reports show: the audit trail and the end of its chain."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from app.http.schemas import Code, Line, Moment, Out, PageSchema, Prose, Subject, at_most
from app.kernel.actors import Role

Position = Annotated[int, Field(ge=0, le=2**53 - 1)]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$", min_length=64, max_length=64)]
Written = Annotated[str, StringConstraints(max_length=100_000)]


class AuditChange(Out):
    """One field that a change set: its values before and after, written as JSON."""

    field: Line
    before: Written | None = Field(description="JSON; null when there was no value.")
    after: Written | None = Field(description="JSON; null when there is no value any more.")


class AuditEntryOut(Out):
    """One line of the audit trail (logregel): who changed what, when, from where and why."""

    id: UUID
    recorded_at: Moment = Field(description="By the database's clock.")
    position: Position | None = Field(
        description="Place in the chain that seals the trail; null until it is sealed."
    )
    subject: Subject = Field(description="Who acted, as the token names them.")
    person_id: UUID | None = Field(description="The employee who acted; null for a service.")
    roles: Annotated[list[Role], at_most(20)] = Field(description="What they acted as.")
    origin: Line | None = Field(description="Where it came in from: an address, or a command.")
    action: Code
    object_type: Code
    object_id: UUID
    changes: Annotated[list[AuditChange], at_most(200)]
    reason: Prose | None
    rule_ids: Annotated[list[Code], at_most(50)]
    policy_version_id: UUID | None
    correlation_id: Line = Field(description="The id of the HTTP request, as in the log.")


class AuditEntryPage(PageSchema):
    """A page of the audit trail, the newest first."""

    items: Annotated[list[AuditEntryOut], at_most(100)]


class AuditHeadOut(Out):
    """The end of the chain that seals the trail, to be kept elsewhere.

    Against a head that was kept, ``leerruimte verify`` shows that nothing before it was changed,
    rewritten or cut off.
    """

    position: Position = Field(description="How many entries the chain holds.")
    digest: Digest = Field(description="SHA-256, in hexadecimal, that stands for all of them.")
