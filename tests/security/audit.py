"""What the service is made of, and what is known against it: ``make audit``.

Writes the software bill of materials (CycloneDX) beside the virtual environment, and asks two
sources for known vulnerabilities: OSV, and PyPI where OSV can not be reached. Without either it
says that nothing was checked, and fails only when ``--strict`` asks for an answer.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).parent / "uv"
BILL = Path(sys.prefix) / "sbom.cdx.json"
PIP_AUDIT = "pip-audit==2.10.1"
EXPORT = (UV, "export", "--frozen", "--no-dev", "--quiet")


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own tools
        [str(part) for part in command], cwd=ROOT, capture_output=True, text=True, check=False
    )


def write_bill() -> int:
    """Write the bill of materials; return how many components it names."""
    made = run(*EXPORT, "--format", "cyclonedx1.5")
    made.check_returncode()
    bill = json.loads(made.stdout)
    BILL.write_text(made.stdout)
    return len(bill["components"])


def ask_osv() -> tuple[bool, str]:
    """Return whether OSV finds nothing, and what it says.

    Raises:
        OSError: it can not be reached.
    """
    asked = run(UV, "audit", "--frozen")
    if "api.osv.dev" in asked.stderr and "error" in asked.stderr:
        raise OSError(asked.stderr.strip().splitlines()[-1].strip())
    return asked.returncode == 0, asked.stdout + asked.stderr


def ask_pypi() -> tuple[bool, str]:
    """Return whether PyPI knows of nothing, and what pip-audit says.

    Raises:
        OSError: it, or pip-audit itself, can not be reached.
    """
    with TemporaryDirectory() as folder:
        wanted = Path(folder) / "requirements.txt"
        run(*EXPORT, "--no-emit-project", "--output-file", wanted).check_returncode()
        asked = run(
            *(UV, "tool", "run", "--from", PIP_AUDIT, "pip-audit"),
            *("--requirement", wanted, "--disable-pip", "--strict", "--progress-spinner", "off"),
        )
    said = asked.stdout + asked.stderr
    if asked.returncode and "vulnerabilit" not in said:
        raise OSError(said.strip().splitlines()[-1].strip())
    return asked.returncode == 0, said


def main() -> int:
    """Do both; return 1 for a known vulnerability, 3 when nobody answers and somebody must."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strict", action="store_true", help="fail when nothing can be checked")
    asked = parser.parse_args()
    print(f"{write_bill()} components: {BILL.relative_to(ROOT)}")  # noqa: T201 - a command
    for ask in (ask_osv, ask_pypi):
        try:
            is_clean, said = ask()
        except OSError as error:
            print(f"{ask.__name__}: not reached ({error})")  # noqa: T201
            continue
        print(said.strip())  # noqa: T201
        return 0 if is_clean else 1
    print("NOT CHECKED for known vulnerabilities: neither source can be reached.")  # noqa: T201
    return 3 if asked.strict else 0


if __name__ == "__main__":
    sys.exit(main())
