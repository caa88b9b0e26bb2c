"""Steps: how a computed answer came about, one sentence with its figures and its rule at a time."""

from collections.abc import Mapping
from dataclasses import dataclass

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
