"""E-mail addresses: which text is one, wherever it comes in."""

import re

MOST_OF_AN_ADDRESS = 254
_MOST_BEFORE_THE_AT = 64

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# Atoms with dots between them, and a domain of two labels or more (RFC 5321, section 4.1.2).
ADDRESS_FORM = rf"^{_ATOM}(\.{_ATOM})*@{_LABEL}(\.{_LABEL})+$"

_FORM = re.compile(ADDRESS_FORM)


def is_address(text: str) -> bool:
    """Tell whether mail can be sent there, by its form and its lengths (RFC 5321, 4.5.3.1)."""
    return (
        len(text) <= MOST_OF_AN_ADDRESS
        and len(text.partition("@")[0]) <= _MOST_BEFORE_THE_AT
        and _FORM.fullmatch(text) is not None
    )
