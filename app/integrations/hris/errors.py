"""What an import of employees refuses as a whole."""

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


class ColumnsMissing(Refusal):
    slug = "columns-missing"
    kind = Kind.INVALID
    title = Text(en="Columns are missing", nl="Er ontbreken kolommen")
    detail = Text(
        en="The first line has no column {missing_columns}.",
        nl="De eerste regel heeft geen kolom {missing_columns}.",
    )
    remedy = Text(
        en="Let the first line name the columns as the HRIS export does, each once.",
        nl="Laat de eerste regel de kolommen noemen zoals de HRIS-export, elk eenmaal.",
    )


class TooManyRows(Refusal):
    slug = "too-many-rows"
    kind = Kind.INVALID
    title = Text(en="Too many rows at once", nl="Te veel regels ineens")
    detail = Text(
        en="There are {row_count} rows; one import takes at most {row_limit}.",
        nl="Er zijn {row_count} regels; een import neemt er ten hoogste {row_limit}.",
    )
    remedy = Text(
        en="Send the managers first, then the others in parts, with mode=partial or apart.",
        nl="Stuur eerst de leidinggevenden, daarna de anderen in delen.",
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
