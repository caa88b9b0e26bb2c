"""What a schema's own validator found is told in both languages."""

import ast
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel, ValidationError

from app.budgets.schemas import ActualIn
from app.decisions.schemas import DecisionsIn, ExistingCommitmentIn, ProposalIn
from app.hours.schemas import AttendancesIn
from app.http.findings import message_of
from app.kernel.wording import Language
from app.policy.schemas import CriteriaWeights, PolicySettings, StaircaseSchedule, TrancheDates

SCHEMAS = sorted(Path("app").rglob("schemas.py"))
SOMEBODY = str(UUID(int=1))
DATES = {
    "number": 1,
    "closesMonth": 11,
    "closesDay": 15,
    "decisionByMonth": 1,
    "decisionByDay": 31,
    "decisionYearOffset": 1,
}
WEIGHTLESS = {
    "legalAndFunction": 0,
    "organisationGoals": 0,
    "teamAndFunction": 0,
    "individualDevelopment": 0,
    "efficiencyAndFeasibility": 0,
}
COMMITMENT = {
    "reference": "2025-114",
    "title": "Master Omgevingsrecht",
    "provider": "Hogeschool Voorbeeld",
    "personnelNumbers": ["200001"],
    "startsOn": "2027-02-01",
    "endsOn": "2027-06-30",
    "amountCents": 480_000,
    "minutesPerParticipant": 4800,
    "basis": "voluntary",
    "source": "Brief van 12 mei 2025.",
}
STEPS = [{"untilMonths": 12, "percent": 50}, {"untilMonths": 24, "percent": 50}]


def a_policy(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return the policy of the contract's example, changed."""
    extra: Any = PolicySettings.model_config.get("json_schema_extra")
    [example] = extra["examples"]
    return {**example, **changes}


@pytest.mark.parametrize(
    ("model", "told", "dutch"),
    [
        (TrancheDates, DATES | {"closesDay": 31}, "maand 11 heeft niet elk jaar een dag 31"),
        (
            TrancheDates,
            DATES | {"decisionYearOffset": 0},
            "het besluit moet na de sluitingsdag komen",
        ),
        (CriteriaWeights, WEIGHTLESS, "ten minste één criterium moet gewicht hebben"),
        (
            StaircaseSchedule,
            {"kind": "staircase", "steps": STEPS},
            "elke trede moet later eindigen en minder vragen dan die ervoor",
        ),
        (
            PolicySettings,
            a_policy(tranches=[DATES, DATES]),
            "elke tranche moet een eigen nummer en een eigen sluitingsdag hebben",
        ),
        (
            PolicySettings,
            a_policy(ratingLabels=["geen", "geen", "enig", "veel", "zeer veel"]),
            "elke waardering moet een eigen naam hebben",
        ),
        (
            AttendancesIn,
            {"attended": [{"employeeId": SOMEBODY, "attendedMinutes": 0}]},
            "bij afwezigheid (nul minuten) hoort een reden, in absenceReason",
        ),
        (
            AttendancesIn,
            {"attended": [{"employeeId": SOMEBODY, "attendedMinutes": 60}] * 2},
            "elke medewerker staat er één keer in",
        ),
        (
            ActualIn,
            {
                "amountCents": 0,
                "invoiceReference": "F-1",
                "invoicedOn": "2027-10-04",
                "final": False,
            },
            "een factuur van niets kan de verplichting alleen sluiten (final)",
        ),
        (
            ProposalIn,
            {"title": "Voorstel", "substantiation": "Naar score."},
            "noem een tranche, of de tussentijdse aanvragen, en niet beide",
        ),
        (DecisionsIn, {"items": []}, "noem onderdelen, of neem de rest van het voorstel over"),
        (
            ExistingCommitmentIn,
            COMMITMENT | {"endsOn": "2027-01-31"},
            "endsOn ligt voor startsOn",
        ),
        (
            ExistingCommitmentIn,
            COMMITMENT | {"personnelNumbers": ["200001", "200001"]},
            "elk personeelsnummer staat er één keer in",
        ),
    ],
)
def test_what_can_not_be_is_told_in_both_languages(
    model: type[BaseModel], told: dict[str, Any], dutch: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        model.model_validate(told)
    [finding] = refused.value.errors()
    assert message_of(finding, Language.NL) == dutch
    english = message_of(finding, Language.EN)
    assert str(finding["msg"]) == f"Value error, {english}"
    assert english != dutch


def test_a_choice_is_told_in_both_languages() -> None:
    with pytest.raises(ValidationError) as refused:
        StaircaseSchedule.model_validate({"kind": "slide", "steps": STEPS[:1]})
    [literal] = refused.value.errors()
    assert message_of(literal, Language.NL) == "moet 'staircase' zijn"
    with pytest.raises(ValidationError) as refused:
        ExistingCommitmentIn.model_validate(COMMITMENT | {"basis": "whim"})
    [choice] = refused.value.errors()
    assert message_of(choice, Language.NL).endswith("'voluntary' of 'unknown' zijn")
    assert message_of(choice, Language.EN).endswith("'voluntary' or 'unknown'")


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.parent.name)
def test_no_schema_finds_what_only_english_has_words_for(path: Path) -> None:
    raised = {
        ast.unparse(node.exc).partition("(")[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Raise) and node.exc is not None
    }
    assert "ValueError" not in raised
