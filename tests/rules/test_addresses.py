import pytest

from app.kernel.addresses import is_address


@pytest.mark.parametrize(
    "text",
    [
        "n.jansen@od-voorbeeld.example",
        "o'neil+hr@a.nl",
        "x" * 64 + "@b.nl",
        "a@" + "b" * 63 + ".nl",
        "a@" + "b." * 125 + "nl",
    ],
)
def test_where_mail_can_be_sent_is_an_address(text: str) -> None:
    assert is_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "nobody",
        "a@b",
        "a@@b.nl",
        "a b@c.nl",
        ".a@b.nl",
        "a.@b.nl",
        "a..b@c.nl",
        "a@-b.nl",
        "a@b-.nl",
        "a@b..nl",
        "a@b.nl.",
        "a@b_c.nl",
        "a@b.nl\n",
        "jans\u00e9n@b.nl",
        "\u00fa\u00be@\u0092\u00a3",
        "x" * 65 + "@b.nl",
        "a@" + "b" * 64 + ".nl",
        "a@" + "b." * 126 + "nl",
    ],
)
def test_what_only_looks_like_an_address_is_none(text: str) -> None:
    assert not is_address(text)
