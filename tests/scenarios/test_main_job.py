"""The main job, told in order over HTTP against the running service, as the demo's personas.

People arrive from the HRIS; a manager submits a request; HR assesses it and puts a proposal before
the MT; the MT decides; means are committed and hours reserved; an agreement is drawn up and signed;
attendance is recorded and hours are posted; the employee leaves and the repayment is computed.
"""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.scenarios.conftest import DemoService

EMPLOYEE, MANAGER = "100272", "100150"
COST_CENTS = 289_000 * 121 // 100
CRITERIA = (
    "legal_and_function",
    "organisation_goals",
    "team_and_function",
    "individual_development",
    "efficiency_and_feasibility",
)


class Persona:
    """Somebody of the demo, signed in at the running service."""

    def __init__(self, service: DemoService, username: str) -> None:
        answer = httpx.post(
            f"{service.url}/demo/token",
            data={"grant_type": "password", "username": username, "password": "x"},
            timeout=120,
        )
        token = answer.raise_for_status().json()["access_token"]
        self._client = httpx.Client(
            base_url=f"{service.url}/v1",
            headers={"Authorization": f"Bearer {token}", "Accept-Language": "nl"},
            timeout=120,
        )

    def close(self) -> None:
        self._client.close()

    def get(self, path: str, **parameters: str | int) -> Any:  # noqa: ANN401 - JSON
        answer = self._client.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def bytes_of(self, path: str) -> bytes:
        answer = self._client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.content

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,  # noqa: ANN401 - JSON
        *,
        status: int,
        key: str | None = None,
    ) -> Any:  # noqa: ANN401 - JSON
        """Send a change of the latest version, and return the answer that has this status."""
        headers = {"If-Match": "*", "Idempotency-Key": key or str(uuid4())}
        answer = self._client.request(method, path, json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None


@pytest.fixture
def as_persona(demo_service: DemoService) -> Iterator[Any]:
    """Return a function that signs in as a persona, and keeps who is signed in."""
    signed_in: dict[str, Persona] = {}

    def as_persona(username: str) -> Persona:
        if username not in signed_in:
            signed_in[username] = Persona(demo_service, username)
        return signed_in[username]

    yield as_persona
    as_persona("admin").send("PUT", "/demo-clock", {"nowAt": None}, status=200)
    for persona in signed_in.values():
        persona.close()


def colleague(number: str) -> dict[str, Any]:
    return {
        "personnelNumber": number,
        "givenName": "Sanne",
        "infix": "van der",
        "familyName": "Berg",
        "email": f"sanne.{number}@od-voorbeeld.example",
        "bornOn": "1990-02-28",
        "department": "Toezicht",
        "team": "Toezicht Industrie",
        "function": "Toezichthouder milieu",
        "managerNumber": MANAGER,
        "hiredOn": "2026-11-01",
        "kind": "permanent",
        "contractMinutesPerWeek": 2160,
        "educationLevel": "hbo",
    }


def training(employee_id: str) -> dict[str, Any]:
    return {
        "title": "Coachend leidinggeven voor senior toezichthouders",
        "provider": "Trainingsbureau",
        "kind": "training",
        "startsOn": "2027-09-20",
        "endsOn": "2027-12-13",
        "motivation": "Groeit naar het coordinatorschap in het team.",
        "conversationOn": "2026-11-10",
        "basis": "voluntary",
        "participantIds": [employee_id],
        "sessions": [
            {"heldOn": "2027-09-20", "minutes": 480, "workingTime": True},
            {"heldOn": "2027-12-13", "minutes": 480, "workingTime": True},
            {"heldOn": "2027-12-13", "minutes": 120, "workingTime": False},
        ],
        "costLines": [
            {
                "what": "Cursusgeld",
                "amountCents": 289_000,
                "vatBasisPoints": 2100,
                "perParticipant": True,
            }
        ],
        "grounds": [
            {"criterion": "individual_development", "motivation": "Afgesproken in het jaargesprek."}
        ],
    }


def assessment() -> dict[str, Any]:
    return {
        "ratings": [
            {"criterion": criterion, "rating": 3, "motivation": "Draagt hieraan bij."}
            for criterion in CRITERIA
        ]
    }


@pytest.mark.rule("VIS-6.1")
@pytest.mark.rule("VIS-6.6")
@pytest.mark.rule("VIS-7.3")
@pytest.mark.rule("VIS-7.7")
@pytest.mark.rule("VIS-8.1")
def test_the_main_job_from_the_hris_to_the_repayment(  # noqa: PLR0915 - a story, told in order
    demo_service: DemoService,
    as_persona: Any,  # noqa: ANN401
) -> None:
    hris, manager, hr, mt = (as_persona(name) for name in ("hris", "manager", "hr", "mt"))
    employee = as_persona("employee")

    def today(instant: str) -> None:
        hr.send("PUT", "/demo-clock", {"nowAt": instant}, status=200)

    # People arrive from the HRIS; sent twice, they arrive once.
    today("2026-11-23T09:00:00Z")
    arrived = hris.send("POST", "/employee-imports", [colleague("109901")], status=200)
    again = hris.send("POST", "/employee-imports", [colleague("109901")], status=200)
    assert (arrived["createdCount"], again["createdCount"]) == (1, 0)
    assert again["unchangedCount"] == 1

    # A manager submits a request; it falls in the second tranche of 2027, and the answer says why.
    [person] = [
        one
        for one in manager.get("/employees", limit=100)["items"]
        if one["personnelNumber"] == EMPLOYEE
    ]
    request = manager.send("POST", "/requests", training(person["id"]), status=201)
    submitted = manager.send("POST", f"/requests/{request['id']}/submission", {}, status=200)
    tranche = submitted["tranche"]
    assert (tranche["year"], tranche["number"], tranche["closesOn"]) == (2027, 2, "2027-07-15")
    assert {step["rule"] for step in submitted["steps"]} >= {"VIS-6.1"}

    # HR assesses the tranche on five criteria, and after it has closed puts a proposal to the MT.
    today("2027-07-20T09:00:00Z")
    overview = hr.get(f"/tranches/{tranche['id']}/overview")
    for item in overview["items"]:
        if item["score"] is None:
            hr.send("PUT", f"/requests/{item['requestId']}/assessment", assessment(), status=200)
    proposal = hr.send(
        "POST",
        "/proposals",
        {
            "trancheId": tranche["id"],
            "title": "Voorstel tweede tranche 2027",
            "substantiation": "Noodzaak eerst, daarna naar score.",
        },
        status=201,
    )
    hr.send("POST", f"/proposals/{proposal['id']}/submission", status=200)

    # The MT tries the decision, and takes it; sent again with its key, it is not taken twice.
    decision_body = {
        "items": [
            {
                "requestId": request["id"],
                "outcome": "granted",
                "motivation": "Past in de ontwikkeling van het team.",
            }
        ]
    }
    before = mt.get("/budgets/2027")
    trial = mt.send(
        "POST", f"/proposals/{proposal['id']}/decision-trials", decision_body, status=200
    )
    assert trial["blocked"] is False, trial
    assert mt.get("/budgets/2027") == before
    path = f"/proposals/{proposal['id']}/decisions"
    taken = mt.send("POST", path, decision_body, status=201, key="besluit-2027-2")
    assert mt.send("POST", path, decision_body, status=201, key="besluit-2027-2") == taken
    [decision] = taken["items"]
    assert (decision["amountCents"], decision["repaymentApplies"]) == (COST_CENTS, True)

    # Means are committed, hours reserved, and an agreement is needed.
    after = mt.get("/budgets/2027")
    assert after["committedCents"] - before["committedCents"] == COST_CENTS
    hours = employee.get(f"/employees/{person['id']}/hour-ledgers/2027")
    reserved = hours["reservedMinutes"]
    assert reserved >= 960
    [agreement] = hr.get("/agreements", requestId=request["id"])["items"]

    # The agreement is drawn up, and signed by the employee first and the manager second.
    path = f"/agreements/{agreement['id']}"
    drawn_up = hr.send("POST", f"{path}/drawing-up", {}, status=200)
    assert employee.bytes_of(f"{path}/document").startswith(b"%PDF")
    signature = {"documentSha256": drawn_up["documentSha256"]}
    too_soon = manager.send("POST", f"{path}/signatures", signature, status=409)
    assert too_soon["rule"]["id"] == "VIS-7.3"
    employee.send("POST", f"{path}/signatures", signature, status=201)
    signed = manager.send("POST", f"{path}/signatures", signature, status=201)
    assert signed["status"] == "signed"

    # Attendance is recorded: what was attended is posted, the rest released.
    today("2027-09-21T09:00:00Z")
    first = min(request["sessions"], key=lambda one: one["heldOn"])
    hr.send(
        "POST",
        f"/requests/{request['id']}/sessions/{first['id']}/attendances",
        {"attended": [{"employeeId": person["id"], "attendedMinutes": 420}]},
        status=201,
    )
    attended = employee.get(f"/employees/{person['id']}/hour-ledgers/2027")
    assert attended["spentMinutes"] - hours["spentMinutes"] == 420
    assert reserved - attended["reservedMinutes"] == 480

    # The training is completed; "what would be owed" is known at any date, with its steps.
    today("2027-12-20T09:00:00Z")
    hr.send(
        "POST",
        f"/requests/{request['id']}/completion",
        {
            "completedOn": "2027-12-13",
            "participants": [{"employeeId": person["id"], "completed": True}],
        },
        status=200,
    )
    for leaves_on, cents in (
        ("2028-12-13", COST_CENTS),
        ("2028-12-14", (COST_CENTS + 1) // 2),
        ("2029-12-12", (COST_CENTS + 1) // 2),
        ("2029-12-13", 0),
    ):
        owed = employee.get(f"{path}/repayment", leavesOn=leaves_on)
        assert (leaves_on, owed["amountCents"]) == (leaves_on, cents)
        assert "VIS-7.7" in {step["rule"] for step in owed["steps"]}

    # The employee leaves, and the repayment is claimed with its reasons.
    departure = hr.send(
        "POST",
        f"/employees/{person['id']}/employment-end",
        {"leftOn": "2028-12-14", "reason": "resignation", "initiative": "employee"},
        status=200,
    )
    [claim] = [one for one in departure["claims"] if one["agreementId"] == agreement["id"]]
    assert (claim["amountCents"], claim["status"]) == ((COST_CENTS + 1) // 2, "due")
    assert "VIS-7.8" in {step["rule"] for step in [*claim["steps"], *claim["remarks"]]}

    # Another employer sees nothing of it, and every figure still adds up.
    stranger = as_persona("other-hr")
    stranger.send("GET", f"/requests/{request['id']}", status=404)
    demo_service.verify()
