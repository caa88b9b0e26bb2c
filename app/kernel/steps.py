"""Steps: how a computed answer came about, one sentence with its figures and its rule at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from app.kernel.errors import Fact, Text


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a computation, told by ``wording.say(step.text, step.facts, language)``.

    ``facts`` carry their unit in their name, as in a refusal. ``rule`` is the id of the rule book
    that the step applies; a step that only does arithmetic has none.
    """

    text: Text
    facts: Mapping[str, Fact]
    rule: str | None = None


def restored(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    """Return facts that were kept as JSON as they were computed: ``_on`` names a day again."""
    return {
        name: date.fromisoformat(fact) if name.endswith("_on") and isinstance(fact, str) else fact
        for name, fact in facts.items()
    }
