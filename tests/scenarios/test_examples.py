"""The contract's examples on the demo: each works as it stands, and is replaced once it is used."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.http.examples import PERSONA
from app.http.idempotency import HEADER as KEY
from tests.scenarios.conftest import DemoService

pytestmark = pytest.mark.slow

# After all that the demo tells; by the machine's own clock its days would lie ever further back.
NOW = "2026-11-23T09:00:00Z"
# Operations after which the same call has no ground any more.
USED_UP = {
    "activatePolicyVersion",
    "cancelRequest",
    "completeRequest",
    "confirmRepaymentClaim",
    "consentToRequest",
    "decide",
    "drawUpAgreement",
    "endEmployment",
    "endorseRequest",
    "exportRepaymentClaim",
    "recordAttendances",
    "refuseRequest",
    "rehireEmployee",
    "reviseDecision",
    "signAgreement",
    "submitProposal",
    "submitRequest",
    "waiveRepaymentClaim",
    "withdrawEmploymentEnd",
    "withdrawRequest",
}


@dataclass(frozen=True, slots=True)
class Call:
    """An operation, called with what its document bears as examples."""

    operation: str
    persona: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    content: bytes | None


class Visitor:
    """Somebody who tries the API by its document, as whichever persona it says."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._tokens: dict[str, str] = {}

    def document(self) -> dict[str, Any]:
        return self._client.get("/v1/openapi.json").raise_for_status().json()

    def signed_in(self, persona: str) -> dict[str, str]:
        if persona not in self._tokens:
            form = {"username": persona, "password": "demo"}
            answer = self._client.post("/demo/token", data=form).raise_for_status()
            self._tokens[persona] = answer.json()["access_token"]
        return {"Authorization": f"Bearer {self._tokens[persona]}"}

    def send(self, call: Call) -> httpx.Response:
        return self._client.request(
            call.method,
            f"/v1{call.path}",
            params=call.query,
            headers={**self.signed_in(call.persona), **call.headers},
            content=call.content,
        )


@pytest.fixture(scope="module")
def visitor(demo_service: DemoService) -> Iterator[Visitor]:
    with httpx.Client(base_url=demo_service.url, timeout=120) as client:
        visitor = Visitor(client)
        body = json.dumps({"nowAt": NOW}).encode()
        json_type = {"Content-Type": "application/json"}
        put = Call("setDemoClock", "hr", "PUT", "/demo-clock", {}, json_type, body)
        assert visitor.send(put).status_code == 200
        yield visitor


def ready(document: Mapping[str, Any]) -> dict[str, bool]:
    """Return of each operation whether the demo has something ready for it."""
    return {
        told["operationId"]: PERSONA in told
        for item in document["paths"].values()
        for told in item.values()
    }


def calls(document: Mapping[str, Any]) -> Iterator[Call]:
    """Yield the calls that a document's examples make, in its order, one for each sort of body."""
    for path, item in document["paths"].items():
        for method, told in item.items():
            if PERSONA not in told:
                continue
            content = told.get("requestBody", {}).get("content", {None: {}})
            for kind, declared in content.items():
                call = _call(path, method, told, kind, declared.get("example"))
                if len(content) > 1:
                    # Another body is another request, by a key of its own.
                    call = replace(call, headers={**call.headers, KEY: str(uuid4())})
                yield call


def _call(path: str, method: str, told: Mapping[str, Any], kind: str | None, body: object) -> Call:
    given: dict[str, dict[str, str]] = {"path": {}, "query": {}, "header": {}}
    for one in told.get("parameters", ()):
        if "example" in one:
            given[one["in"]][one["name"]] = str(one["example"])
        else:
            assert not one["required"], f"{told['operationId']} has no example of {one['name']}"
    if kind is not None:
        given["header"]["Content-Type"] = kind
    as_text = body if isinstance(body, str) else json.dumps(body)
    return Call(
        operation=told["operationId"],
        persona=told[PERSONA],
        method=method.upper(),
        path=path.format_map(given["path"]),
        query=given["query"],
        headers=given["header"],
        content=None if kind is None else as_text.encode(),
    )


def refused(visitor: Visitor, document: Mapping[str, Any]) -> list[str]:
    """Make a document's calls, and return what was refused of them."""
    return [
        f"{call.operation} as {call.persona}: {answer.status_code} {answer.text[:300]}"
        for call, answer in ((call, visitor.send(call)) for call in calls(document))
        if not answer.is_success
    ]


def test_each_operation_works_with_its_example_and_then_with_the_next_one(
    visitor: Visitor,
) -> None:
    document = visitor.document()
    assert all(ready(document).values())
    assert refused(visitor, document) == []
    used_up = {call.operation: call for call in calls(document) if call.operation in USED_UP}
    # What was made is kept for a second.
    time.sleep(1.1)
    document = visitor.document()
    nothing_left = {name for name, is_ready in ready(document).items() if not is_ready}
    # Nobody else's claim awaits a named person's judgement.
    assert nothing_left == {"confirmRepaymentClaim"}
    offered = {call.operation: call for call in calls(document)}
    again = {name for name, call in used_up.items() if name in offered and offered[name] == call}
    assert used_up.keys() == USED_UP
    assert again == set()
    assert refused(visitor, document) == []
