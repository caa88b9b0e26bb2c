"""The guide for operating it names what there is, all of it and nothing else."""

import re
from pathlib import Path

from app.settings import Settings
from tests.support.process import leerruimte

GUIDE = (Path(__file__).parents[2] / "docs" / "operating.md").read_text(encoding="utf-8")


def test_the_table_of_settings_holds_every_setting_and_no_other() -> None:
    section = GUIDE.partition("\n## Settings\n")[2].partition("\n## ")[0]
    rows = [row.split("|")[1] for row in section.splitlines() if row.startswith("| `")]
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(named) == sorted(name.upper() for name in Settings.model_fields)


def test_the_defaults_in_it_are_those_of_the_settings() -> None:
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, int | float | str) and field.default != "":
            [row] = re.findall(rf"^\| .*`{name.upper()}`.*$", GUIDE, re.MULTILINE)
            default = row.split("|")[2]
            told = str(field.default).lower().removesuffix(".0")
            assert told in default.replace(",", "") or name == "demo", row


def test_every_command_that_the_guide_names_is_one() -> None:
    named = set(re.findall(r"`leerruimte (\w+)", GUIDE))
    commands = set(re.findall(r"^    (\w+) ", leerruimte("--help").stdout, re.MULTILINE))
    assert named <= commands
    assert {"serve", "worker", "migrate", "backup", "verify"} <= named
