"""What an import of employees refuses as a whole."""

from app.kernel.errors import Kind, Refusal, Text


class ColumnsMissing(Refusal):
    slug = "columns-missing"
    kind = Kind.INVALID
    title = Text(en="Columns are missing", nl="Er ontbreken kolommen")
    detail = Text(
        en="The first line lacks, or has twice: {missing_columns}.",
        nl="De eerste regel mist, of heeft twee keer: {missing_columns}.",
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
