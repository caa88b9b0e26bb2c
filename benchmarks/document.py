"""How long the PDF of an agreement takes: the first, and those after it."""

import asyncio
import time
from dataclasses import dataclass
from statistics import median
from typing import Any

from app.agreements.schemas import AgreementTerms
from app.agreements.service import typeset

_DOCUMENTS = 30
_TERMS: dict[str, Any] = {
    "reference": "A27-1-0001",
    "organisation": "Meetdienst",
    "employee": {"name": "Noor Meulen", "personnelNumber": "P1", "function": "Adviseur"},
    "manager": {"name": "Noor Meulen", "personnelNumber": "P1001", "function": "Adviseur"},
    "title": "Leergang omgevingsrecht",
    "provider": "Geluidsacademie",
    "kind": "education",
    "basis": "voluntary",
    "startsOn": "2027-09-01",
    "endsOn": "2028-02-28",
    "sessions": 3,
    "workingMinutes": 930,
    "ownMinutes": 120,
    "costCents": 427_950,
    "subsidiesCents": 0,
    "ownCostCents": 427_950,
    "investmentCents": 427_950,
    "thresholdCents": 200_000,
    "participation": "De medewerker neemt deel aan alle bijeenkomsten.",
    "execution": "De leidinggevende maakt de afgesproken werktijd vrij.",
    "completion": "De medewerker levert het bewijs binnen twee weken in bij HR.",
    "furtherConditions": None,
    "repaymentSchedule": {
        "kind": "staircase",
        "steps": [{"untilMonths": 12, "percent": 100}, {"untilMonths": 24, "percent": 50}],
    },
    "policyValidFrom": "2027-01-01",
    "drawnUpOn": "2027-08-02",
}


@dataclass(frozen=True, slots=True)
class Documents:
    """Milliseconds of the first document, and of the median and the slowest of those after it."""

    first_ms: float
    median_ms: float
    slowest_ms: float


async def set_documents() -> Documents:
    """Set documents that all differ, as the service does it."""
    terms = AgreementTerms.model_validate(_TERMS)
    times: list[float] = []
    for number in range(_DOCUMENTS):
        one = terms.model_copy(update={"reference": f"A27-1-{number:04}"})
        began = time.perf_counter()
        await typeset(one)
        times.append((time.perf_counter() - began) * 1000)
    return Documents(times[0], median(times[1:]), max(times[1:]))


if __name__ == "__main__":
    print(asyncio.run(set_documents()))  # noqa: T201 - a look by hand
