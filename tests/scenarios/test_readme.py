"""The README's walk, run as it stands: each command, and each answer it says it gave."""

import re
import subprocess
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.scenarios.conftest import DemoService

README = Path(__file__).parents[2] / "README.md"
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SAID = "#> "


def walk() -> tuple[str, list[str]]:
    """Return the commands of the README's walk, and the lines it says they print."""
    lines = "".join(_BLOCK.findall(README.read_text(encoding="utf-8"))).splitlines()
    said = [line.removeprefix(_SAID) for line in lines if line.startswith(_SAID)]
    return "\n".join(line for line in lines if not line.startswith(_SAID)), said


@pytest.mark.slow
def test_the_walk_of_the_readme_answers_what_it_says(
    demo_service: DemoService, tmp_path: Path
) -> None:
    commands, said = walk()
    script = commands.replace("http://127.0.0.1:8000", demo_service.url)

    walked = subprocess.run(
        ["bash", "-euo", "pipefail"],  # noqa: S607 - whichever bash is there
        input=script,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )

    printed = walked.stdout.splitlines()
    assert walked.returncode == 0, walked.stderr
    differing = [
        (expected, line)
        for expected, line in zip(said, printed, strict=False)
        if not fnmatchcase(line, expected)
    ]
    assert (differing, len(printed)) == ([], len(said)), walked.stdout
    assert (tmp_path / "agreement.pdf").read_bytes().startswith(b"%PDF")
