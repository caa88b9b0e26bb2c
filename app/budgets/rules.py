"""The means (middelen) of a calendar year: what is set, committed, spent, and left."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from app.kernel.quantities import Cents


class CommitmentStatus(StrEnum):
    """A commitment (verplichting) is open until its last invoice, or until it is released."""

    OPEN = "open"
    SETTLED = "settled"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class MeansRoom:
    """The means of one year in whole cents; ``means_cents`` is what the MT has set (VIS-5.1)."""

    year: int
    means_cents: Cents
    committed_cents: Cents
    spent_cents: Cents

    @property
    def used_cents(self) -> Cents:
        return Cents(self.committed_cents + self.spent_cents)

    @property
    def room_cents(self) -> Cents:
        """What may still be committed; the means themselves may be reached, not passed."""
        return Cents(self.means_cents - self.used_cents)


@dataclass(frozen=True, slots=True)
class Settlement:
    """How one invoice is booked: from what was committed, beyond it, and what stays committed."""

    from_commitment_cents: Cents
    beyond_cents: Cents
    still_committed_cents: Cents


def settle(*, committed_cents: Cents, invoice_cents: Cents, final: bool) -> Settlement:
    """Divide an invoice over its commitment, in whole cents.

    The commitment pays first; what it can not pay is taken from the year's room. What remains of
    it stays committed for a next invoice, unless this is the final one.
    """
    covered = min(committed_cents, invoice_cents)
    return Settlement(
        from_commitment_cents=Cents(covered),
        beyond_cents=Cents(invoice_cents - covered),
        still_committed_cents=Cents(0 if final else committed_cents - covered),
    )


def year_of_means(tranche_year: int | None, *, decided_on: date) -> int:
    """Return the calendar year whose means a grant takes.

    That of its tranche (VIS-6.1: the tranches of a year divide its means); an interim grant
    (VIS-6.4) takes the year of the decision.
    """
    return decided_on.year if tranche_year is None else tranche_year
