import psycopg
import pytest
from pydantic import ValidationError

from app.settings import Settings


def urls(database_url: str) -> list[str]:
    settings = Settings.model_validate({"database_url": database_url})
    return [settings.owner_url, settings.app_url]


@pytest.mark.invariant("S20")
@pytest.mark.parametrize("host", ["db.example.org:5432", "10.0.0.5", "[2001:db8::1]:5432"])
def test_a_database_elsewhere_is_spoken_to_by_tls_and_its_name_is_checked(host: str) -> None:
    for url in urls(f"postgresql://owner:secret@{host}/leerruimte"):
        assert url.endswith("/leerruimte?sslmode=verify-full&sslrootcert=system")
    own = f"postgres://owner:secret@{host}/leerruimte?sslrootcert=/etc/own.pem"
    for url in urls(own):
        assert url.endswith("?sslrootcert=/etc/own.pem&sslmode=verify-full")


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("postgresql://owner:secret@127.0.0.1:5432/leerruimte", id="this machine"),
        pytest.param("postgresql://owner:secret@[::1]/leerruimte", id="this machine by IPv6"),
        pytest.param("postgresql://owner:secret@localhost/leerruimte", id="by its name"),
        pytest.param("postgresql://owner:secret@postgres/leerruimte", id="a private network"),
        pytest.param("postgresql://owner@%2Frun%2Fpostgresql/leerruimte", id="a socket"),
        pytest.param("postgresql:///leerruimte", id="the default socket"),
        pytest.param("postgresql://owner@/leerruimte?host=/run/pg", id="a socket's folder"),
        pytest.param("postgresql://o:s@db.example.org/l?sslmode=require", id="as it says itself"),
    ],
)
def test_what_a_url_says_itself_or_a_server_nearby_is_left_as_it_is(url: str) -> None:
    assert urls(url)[0] == url


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql://o:canary@127.0.0.1:1,127.0.0.2:1/l", "this names several servers"),
        ("postgresql://o:canary@127.0.0.1,127.0.0.2/l", "this names several servers"),
        ("postgresql://o:canary@h/l?host=a,b", "this names several servers"),
        ("postgresql://o:canary@h:abc/l", "this can not be read in one way"),
        ("postgresql://o:canary@h:70000/l", "this can not be read in one way"),
        ("postgresql://o:canary@h/l?port=abc", "this can not be read in one way"),
        ("postgresql://o:can#ary@h/l", "this can not be read in one way"),
        ("postgresql://o:can?ary@h/l", "this can not be read in one way"),
        ("postgresql://o:can@ary@h/l", "this can not be read in one way"),
        ("postgresql://o:can/ary@h/l", "this can not be read in one way"),
    ],
)
def test_a_url_that_not_all_who_use_it_can_read_is_refused_without_quoting_it(
    url: str, why: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        urls(url)
    [problem] = refused.value.errors()
    assert why in problem["msg"]
    assert "can" not in problem["msg"].replace("can not", "")


@pytest.mark.invariant("S20")
@pytest.mark.parametrize(
    "query",
    [
        "user=owner&password=secret",
        "user=owner",
        "password=secret",
        "password=",
        "user=",
        "%75ser=owner",
        "sslmode=disable#&user=owner",
        "service=ours",
    ],
)
@pytest.mark.parametrize("authority", ["owner:secret@127.0.0.1", "127.0.0.1"])
@pytest.mark.parametrize("setting", ["database_url", "app_database_url"])
def test_a_query_has_no_say_in_who_signs_in(setting: str, authority: str, query: str) -> None:
    with pytest.raises(ValidationError, match="role and password stand before the @"):
        Settings.model_validate({setting: f"postgresql://{authority}/leerruimte?{query}"})


@pytest.mark.invariant("S20")
def test_a_server_that_has_no_tls_is_then_refused(settings: Settings) -> None:
    asked = f"{settings.app_url}?sslmode=verify-full&sslrootcert=system"
    with pytest.raises(psycopg.OperationalError, match=r"SSL|certificate"):
        psycopg.connect(asked, connect_timeout=5)
