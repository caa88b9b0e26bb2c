"""What an import of training requests refuses as a whole."""

from app.kernel.errors import Kind, Refusal, Text


class RequestColumnsMissing(Refusal):
    slug = "request-columns-missing"
    kind = Kind.INVALID
    title = Text(en="Columns are missing", nl="Er ontbreken kolommen")
    detail = Text(
        en="The first line lacks, or has twice: {missing_columns}.",
        nl="De eerste regel mist, of heeft twee keer: {missing_columns}.",
    )
    remedy = Text(
        en="Let the first line name the columns of the tranche's list, each once.",
        nl="Laat de eerste regel de kolommen van de tranchelijst noemen, elk eenmaal.",
    )


class TooManyRequestRows(Refusal):
    slug = "too-many-request-rows"
    kind = Kind.INVALID
    title = Text(en="Too many requests at once", nl="Te veel aanvragen ineens")
    detail = Text(
        en="There are {row_count} rows; one import takes at most {row_limit}.",
        nl="Er zijn {row_count} regels; een import neemt er ten hoogste {row_limit}.",
    )
    remedy = Text(en="Send them in parts.", nl="Stuur ze in delen.")
