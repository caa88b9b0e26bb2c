"""Codes in sentences: each reads as words in both languages, and stays a code in the facts."""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum

import pytest

from app.agreements.rules import AgreementAction, AgreementStatus, ClaimAction, ClaimStatus
from app.budgets.rules import CommitmentStatus
from app.decisions.rules import Outcome, ProposalStatus
from app.http.problems import known_refusals
from app.kernel.actors import Role
from app.kernel.errors import RoleRefused
from app.kernel.vocabulary import WORDS
from app.kernel.wording import Language, phrase, say
from app.ledger.rules import TransferKind, Unit
from app.people.rules import LeavingReason
from app.policy.rules import Criterion
from app.requests.errors import ActionNotAllowed
from app.requests.rules import OutcomeKind, RequestAction, RequestStatus, TrainingBasis

# What the facts of these names are taken from.
SOURCES: Mapping[str, tuple[type[StrEnum], ...]] = {
    "action": (RequestAction, AgreementAction, ClaimAction),
    "allowed_roles": (Role,),
    "basis": (TrainingBasis,),
    "credit_unit": (Unit,),
    "criterion": (Criterion,),
    "debit_unit": (Unit,),
    "missing_criteria": (Criterion,),
    "outcome": (Outcome, OutcomeKind),
    "reason": (LeavingReason,),
    "roles": (Role,),
    "status": (RequestStatus, AgreementStatus, ClaimStatus, ProposalStatus, CommitmentStatus),
    "transfer_kind": (TransferKind,),
    "unit": (Unit,),
    "values": (Criterion,),
}


def codes() -> Iterator[tuple[str, str]]:
    for name, sources in SOURCES.items():
        yield from ((name, code.value) for source in sources for code in source)


@pytest.mark.parametrize(("name", "code"), sorted(set(codes())))
def test_a_code_reads_as_words_in_both_languages(name: str, code: str) -> None:
    for language in Language:
        words = phrase(name, code, language)
        assert words == words.strip()
        assert words
        assert "_" not in words


def test_no_word_stands_for_a_code_that_there_is_not() -> None:
    told = {(name, code) for name, words in WORDS.items() for code in words if name != "who"}
    assert told == set(codes())


def test_every_name_in_the_vocabulary_stands_in_a_sentence() -> None:
    named = {
        name
        for refusal in known_refusals().values()
        for text in (refusal.detail, refusal.remedy)
        for name in re.findall(r"\{(\w+)\}", text.en)
    }
    assert WORDS.keys() - {"reason"} <= named


def test_a_sentence_tells_in_words_what_the_facts_hold_in_code() -> None:
    refusal = ActionNotAllowed(status="under_assessment", action="grant_partly")
    assert say(refusal.detail, refusal.facts, Language.NL) == (
        "Een aanvraag met status in beoordeling kan de stap 'deels toekennen' niet maken."
    )
    assert say(refusal.detail, refusal.facts, Language.EN) == (
        "A request that is under assessment can not take the step 'grant partly'."
    )
    assert refusal.facts == {"status": "under_assessment", "action": "grant_partly"}


def test_a_list_of_codes_reads_as_an_enumeration() -> None:
    refusal = RoleRefused(allowed_roles=["hr", "knowledge_broker", "mt"], roles=["employee"])
    assert say(refusal.detail, refusal.facts, Language.NL) == (
        "Dit is voor HR, kennismakelaar en het MT; uw rol: medewerker."
    )


def test_a_text_that_is_no_code_stays_as_it_is() -> None:
    for language in Language:
        assert phrase("reason", "Eigen verzoek.", language) == "Eigen verzoek."
        assert phrase("title", "draft", language) == "draft"
