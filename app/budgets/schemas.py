"""The means on the wire."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from app.budgets.rules import CommitmentStatus
from app.http.schemas import (
    AmountCents,
    CanNotBe,
    Day,
    Flag,
    In,
    Line,
    Moment,
    Out,
    PageSchema,
    Prose,
    SignedCents,
    Subject,
    Version,
    Year,
    at_most,
)


class MeansIn(In):
    """The means of a year, as the management team sets them: the new total, not a difference."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "amountCents": 45_000_000,
                    "motivation": "Begroting 2027, post leren en ontwikkelen.",
                }
            ]
        }
    )

    amount_cents: AmountCents = Field(description="The new total of the year, in whole cents.")
    motivation: Prose


class BudgetOut(Out):
    """The means of one calendar year, in whole cents."""

    budget_year: Year
    means_cents: AmountCents = Field(description="What the management team has set.")
    committed_cents: AmountCents = Field(description="Granted and not invoiced yet.")
    spent_cents: AmountCents = Field(description="Invoiced.")
    room_cents: SignedCents = Field(description="What may still be committed.")


class BudgetList(Out):
    """The means of each year for which they are set, the latest first."""

    items: Annotated[list[BudgetOut], at_most(100)]


class MeansSettingOut(Out):
    """One decision of the management team on the means of a year."""

    id: UUID
    budget_year: Year
    amount_cents: AmountCents
    previous_cents: AmountCents
    motivation: Prose
    set_by: Subject
    set_at: Moment


class MeansSettingPage(PageSchema):
    """The decisions on the means of a year, oldest first."""

    items: Annotated[list[MeansSettingOut], at_most(100)]


class CommitmentOut(Out):
    """What one grant binds of the means."""

    id: UUID
    version: Version
    budget_year: Year
    request_id: UUID
    decision_id: UUID
    amount_cents: AmountCents = Field(description="What the decision granted.")
    open_cents: AmountCents = Field(description="What is still committed.")
    spent_cents: AmountCents = Field(description="What was invoiced, also beyond the commitment.")
    status: CommitmentStatus
    created_at: Moment


class CommitmentPage(PageSchema):
    """A page of commitments, oldest first."""

    items: Annotated[list[CommitmentOut], at_most(100)]


class ActualIn(In):
    """An invoice on a commitment; the final one frees what is left."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "amountCents": 241_395,
                    "invoiceReference": "F2027-0117",
                    "invoicedOn": "2027-10-04",
                    "final": True,
                }
            ]
        }
    )

    amount_cents: AmountCents = Field(
        description="VAT that the organisation can not deduct included. Zero only when final."
    )
    invoice_reference: Line
    invoiced_on: Day
    final: Flag = Field(description="Whether it is the last one: the rest is released.")

    @model_validator(mode="after")
    def _nothing_only_to_close(self) -> "ActualIn":
        if self.amount_cents == 0 and not self.final:
            raise CanNotBe(
                en="an invoice of nothing can only close the commitment (final)",
                nl="een factuur van niets kan de verplichting alleen sluiten (final)",
            )
        return self


class ActualOut(Out):
    """An invoice booked on a commitment."""

    id: UUID
    commitment_id: UUID
    amount_cents: AmountCents
    invoice_reference: Line
    invoiced_on: date
    final: bool
    recorded_by: Subject
    recorded_at: Moment


class ActualPage(PageSchema):
    """The invoices booked on a commitment, oldest first."""

    items: Annotated[list[ActualOut], at_most(100)]
