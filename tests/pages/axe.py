"""axe-core, run on a page by the debugger, so that the page's own policy does not stop it."""

import json
from pathlib import Path

from tests.support.browser import Page

AXE = Path(__file__).parent / "axe"

_GRAVE = {"serious", "critical"}
_RUN = """
axe.run({within}).then((told) => told.violations.map(({{ id, impact, nodes }}) => (
  {{ id, impact, where: nodes.map((node) => node.html.slice(0, 200)) }}
)))
"""


class Axe:
    """The checker, as the script it is."""

    def __init__(self, script: str) -> None:
        self._script = script

    def grave_findings(self, page: Page, *, within: str = "html") -> list[str]:
        """Return what is serious or critical on a page, within what a selector names."""
        # The script is an expression of its own, and its value is of no use.
        page.run(f"{self._script};0")
        found = page.run(_RUN.format(within=json.dumps(within)))
        return [
            f"{one['impact']} {one['id']}: {one['where'][:3]}"
            for one in found
            if one["impact"] in _GRAVE
        ]
