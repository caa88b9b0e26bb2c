"""What an import of a sheet refuses as a whole, whatever its rows are about."""

from app.kernel.errors import Kind, Refusal, Text


class FileUnreadable(Refusal):
    slug = "file-unreadable"
    kind = Kind.INVALID
    title = Text(en="The file can not be read", nl="Het bestand is niet te lezen")
    detail = Text(
        en="The file is no text in UTF-8 or Windows-1252, or no CSV.",
        nl="Het bestand is geen tekst in UTF-8 of Windows-1252, of geen CSV.",
    )
    remedy = Text(
        en="Export it again as CSV, with semicolons or commas.",
        nl="Exporteer het opnieuw als CSV, met puntkomma's of komma's.",
    )


class ImportRefused(Refusal):
    slug = "import-refused"
    kind = Kind.INVALID
    title = Text(en="The import has faults", nl="De import bevat fouten")
    detail = Text(
        en="{faulty_row_count} of {row_count} rows have a fault, so none was taken.",
        nl="{faulty_row_count} van {row_count} regels bevatten een fout; er is niets overgenomen.",
    )
    remedy = Text(
        en="Correct the rows that `facts.errors` names, or send mode=partial to take the others.",
        nl="Verbeter de regels in `facts.errors`, of stuur mode=partial om de andere te nemen.",
    )
