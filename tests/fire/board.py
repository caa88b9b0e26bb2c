"""What the clients of one organisation know of it together, from the answers they got.

It is what makes them meet: they take their next work from the same lists, so that several decide
on the same proposal, correct the same attendance and book on the same commitment.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from tests.fire.scene import Scene

# Old things drop out of a list, and the clients crowd around the newest of it.
_REMEMBERED = 400
NEWEST = 12


def _recent() -> deque[Any]:
    return deque(maxlen=_REMEMBERED)


@dataclass(slots=True)
class Board:
    scene: Scene
    requests: dict[str, Any] = field(default_factory=dict[str, Any])
    drafts: deque[str] = field(default_factory=_recent)
    interim: deque[str] = field(default_factory=_recent)
    consented: deque[str] = field(default_factory=_recent)
    assessed: deque[str] = field(default_factory=_recent)
    proposals: deque[Any] = field(default_factory=_recent)
    before_mt: deque[Any] = field(default_factory=_recent)
    decisions: deque[Any] = field(default_factory=_recent)
    granted: deque[str] = field(default_factory=_recent)
    sessions: deque[tuple[str, str, str, int]] = field(default_factory=_recent)
    attendances: deque[Any] = field(default_factory=_recent)
    commitments: deque[str] = field(default_factory=_recent)
    agreements: deque[str] = field(default_factory=_recent)
    drawn_up: deque[Any] = field(default_factory=_recent)
    employees: dict[str, str] = field(default_factory=dict[str, str])
    keys: deque[Any] = field(default_factory=_recent)
    as_of: deque[Any] = field(default_factory=_recent)

    def __post_init__(self) -> None:
        """Begin with what was granted before."""
        self.sessions.extend(self.scene.sessions)
        self.commitments.extend(self.scene.commitments)

    def forget(self, request_id: str) -> None:
        """Take a request out of every list of what can be done with it."""
        for waiting in (self.drafts, self.interim, self.consented, self.assessed, self.granted):
            if request_id in waiting:
                waiting.remove(request_id)
