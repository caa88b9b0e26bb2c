"""What the schema found wrong, said in both languages."""

from collections.abc import Mapping
from typing import Any, cast

from app.http.schemas import CanNotBe
from app.kernel.errors import Text
from app.kernel.wording import Language

# By the validator's own code. ``{name}`` stands for a member of its context.
_TOLD = {
    "unknown_parameter": Text(en="is no parameter of this", nl="is hier geen parameter van"),
    "repeated_parameter": Text(en="is given more than once", nl="is meer dan eenmaal opgegeven"),
    "json_not_utf8": Text(en="the body is not UTF-8", nl="de inhoud is geen UTF-8"),
    "json_invalid": Text(en="this is not JSON", nl="dit is geen JSON"),
    "json_broken": Text(
        en="this is not JSON: it breaks off at character {at}",
        nl="dit is geen JSON: het loopt vast bij teken {at}",
    ),
    "json_too_deep": Text(en="more than {most} levels deep", nl="meer dan {most} niveaus diep"),
    "json_too_wide": Text(
        en="more than {most} names in one object", nl="meer dan {most} namen in één object"
    ),
    "json_number": Text(
        en="a number that no computer can hold exactly", nl="een getal dat te groot is"
    ),
    "json_duplicate_name": Text(
        en="a name stands twice in one object", nl="een naam staat twee keer in één object"
    ),
    "text_with_nul": Text(
        en="text can not hold the character NUL", nl="tekst kan geen NUL-teken bevatten"
    ),
    "text_not_unicode": Text(
        en="half a surrogate pair is not text", nl="een half surrogaatpaar is geen tekst"
    ),
    "missing": Text(en="is required", nl="is verplicht"),
    "extra_forbidden": Text(en="is not known here", nl="is hier niet bekend"),
    "string_type": Text(en="must be text", nl="moet tekst zijn"),
    "string_unicode": Text(en="must be Unicode text", nl="moet Unicode-tekst zijn"),
    "string_too_short": Text(
        en="must have at least {min_length} character(s)",
        nl="moet ten minste {min_length} teken(s) hebben",
    ),
    "string_too_long": Text(
        en="must have at most {max_length} character(s)",
        nl="mag ten hoogste {max_length} teken(s) hebben",
    ),
    "string_pattern_mismatch": Text(
        en="must have the form {pattern}", nl="moet de vorm {pattern} hebben"
    ),
    "no_address": Text(
        en="must be an e-mail address: a name, @ and a domain",
        nl="moet een e-mailadres zijn: een naam, @ en een domein",
    ),
    "int_type": Text(en="must be a whole number", nl="moet een geheel getal zijn"),
    "int_parsing": Text(en="must be a whole number", nl="moet een geheel getal zijn"),
    "int_from_float": Text(en="must be a whole number", nl="moet een geheel getal zijn"),
    "int_parsing_size": Text(en="is too large", nl="is te groot"),
    "finite_number": Text(en="must be a finite number", nl="moet een eindig getal zijn"),
    "whole_number": Text(en="must be a whole number", nl="moet een geheel getal zijn"),
    "greater_than": Text(en="must be more than {gt}", nl="moet meer dan {gt} zijn"),
    "greater_than_equal": Text(en="must be at least {ge}", nl="moet ten minste {ge} zijn"),
    "less_than": Text(en="must be less than {lt}", nl="moet minder dan {lt} zijn"),
    "less_than_equal": Text(en="must be at most {le}", nl="mag ten hoogste {le} zijn"),
    "bool_type": Text(en="must be true or false", nl="moet true of false zijn"),
    "bool_parsing": Text(en="must be true or false", nl="moet true of false zijn"),
    "enum": Text(en="must be {expected}", nl="moet {expected} zijn"),
    "literal_error": Text(en="must be {expected}", nl="moet {expected} zijn"),
    "uuid_type": Text(en="must be a UUID", nl="moet een UUID zijn"),
    "uuid_parsing": Text(en="must be a UUID", nl="moet een UUID zijn"),
    "reversed": Text(en="lies before {first}", nl="ligt voor {first}"),
    "date_form": Text(
        en="must be a date such as 2027-03-31", nl="moet een datum zijn zoals 2027-03-31"
    ),
    "moment_form": Text(
        en="must be a moment with its offset, such as 2027-03-31T09:00:00Z",
        nl="moet een moment met tijdzone zijn, zoals 2027-03-31T09:00:00Z",
    ),
    "out_of_reach": Text(
        en="must lie in the years 1900 to 2199", nl="moet in de jaren 1900 tot en met 2199 liggen"
    ),
    "date_from_datetime_parsing": Text(en="is not a date", nl="is geen datum"),
    "date_parsing": Text(en="is not a date", nl="is geen datum"),
    "datetime_parsing": Text(en="is not a moment", nl="is geen moment"),
    "datetime_from_date_parsing": Text(en="is not a moment", nl="is geen moment"),
    "list_type": Text(en="must be a list", nl="moet een lijst zijn"),
    "too_short": Text(
        en="must have at least {min_length} item(s)", nl="moet ten minste {min_length} deel hebben"
    ),
    "too_long": Text(
        en="must have at most {max_length} item(s)", nl="mag ten hoogste {max_length} delen hebben"
    ),
    "dict_type": Text(en="must be an object", nl="moet een object zijn"),
    "model_type": Text(en="must be an object", nl="moet een object zijn"),
    "model_attributes_type": Text(en="must be an object", nl="moet een object zijn"),
    "union_tag_not_found": Text(en="must name {discriminator}", nl="moet {discriminator} noemen"),
    "union_tag_invalid": Text(
        en="must be one of {expected_tags}", nl="moet een van {expected_tags} zijn"
    ),
}


def message_of(item: Mapping[str, Any], language: Language) -> str:
    """Return what one finding says, in ``language``.

    What a schema's own validator found (``CanNotBe``) brings its own words.
    """
    context = cast("Mapping[str, object]", item.get("ctx") or {})
    error = context.get("error")
    told = error.text if isinstance(error, CanNotBe) else _TOLD.get(str(item["type"]))
    if told is None:
        return str(item["msg"])
    if language is Language.EN:
        return told.en.format_map(context)
    if "expected" in context:
        # The validator's own list of choices, with its own conjunction.
        context = {**context, "expected": str(context["expected"]).replace("' or '", "' of '")}
    return told.nl.format_map(context)
