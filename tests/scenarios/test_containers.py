"""The Dockerfile, the compose file and the proxy's configuration, as far as no engine is needed."""

import getpass
import json
import re
import shutil
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.db.migration import ROOT
from app.settings import Settings
from tests.support.database import app_url_of, fresh_database
from tests.support.process import environment, free_port, leerruimte, served

COMPOSE: Mapping[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", "")
PROXY = ROOT / "deploy" / "nginx.conf"
OURS = [name for name, part in COMPOSE["services"].items() if part["image"] == "leerruimte"]
SETTINGS = {name.upper() for name in Settings.model_fields}
SIGN_IN = {"OIDC_ISSUER": "https://issuer.example", "OIDC_AUDIENCE": "leerruimte"}
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


def instructions(name: str) -> list[str]:
    """Return what stands behind each instruction of that name in the Dockerfile."""
    return re.findall(rf"^{name} (.*)$", DOCKERFILE, re.MULTILINE)


def test_the_parts_are_those_of_the_guide() -> None:
    assert set(COMPOSE["services"]) == {
        "proxy",
        "service",
        "worker",
        "migrate",
        "demo",
        "postgres",
    }
    assert set(OURS) == {"service", "worker", "migrate", "demo"}


def test_every_setting_that_containers_do_not_fix_is_passed_on() -> None:
    embedded = {"PG_BIN_DIR", "BACKUP_DIR", "BACKUPS_KEPT"}
    image = {"HOST", "PORT", "DATA_DIR"}
    assert image <= set(re.findall(r"(\w+)=", instructions("ENV")[-1]))
    environment = COMPOSE["services"]["service"]["environment"]
    assert set(environment) == SETTINGS - embedded - image - {"DATABASE_URL"}
    # PORT is the proxy's here. What has no value is passed on as it is.
    fixed = {name for name, value in environment.items() if value is not None}
    assert fixed == {"APP_DATABASE_URL", "DEMO", "UPKEEP", "TRUSTED_PROXIES"}
    for part in ("worker", "migrate", "demo"):
        assert set(COMPOSE["services"][part]["environment"]) <= SETTINGS
        assert set(environment) - fixed <= set(COMPOSE["services"][part]["environment"])


@pytest.mark.apart
@pytest.mark.parametrize("demo", ["true", "false"])
def test_what_compose_runs_lets_a_persona_in_when_the_demo_is_wanted_and_only_then(
    server_url: str, tmp_path: Path, demo: str
) -> None:
    with fresh_database(server_url) as owner_url:
        database = {"DATABASE_URL": owner_url, "APP_DATABASE_URL": app_url_of(owner_url)}
        for step in ("migrate", "demo"):
            command = COMPOSE["services"][step]["command"].split()
            done = leerruimte(*command, **database, DEMO=demo, DATA_DIR=str(tmp_path / step))
            assert done.returncode == 0, done.stderr
        port = free_port()
        service = {"APP_DATABASE_URL": app_url_of(owner_url), "DATA_DIR": str(tmp_path / "data")}
        with served("serve", log=None, **service, **SIGN_IN, PORT=port, DEMO=demo):
            address = f"http://127.0.0.1:{port}"
            form = b"username=hr&password=any"
            asked = urllib.request.Request(f"{address}/demo/token", data=form)  # noqa: S310
            if demo == "false":
                with pytest.raises(urllib.error.HTTPError, match="404"):
                    urllib.request.urlopen(asked, timeout=60)  # noqa: S310
                return
            with urllib.request.urlopen(asked, timeout=60) as answer:  # noqa: S310
                token = json.load(answer)["access_token"]
            me = urllib.request.Request(  # noqa: S310
                f"{address}/v1/me", headers={"Authorization": f"Bearer {token}"}
            )
            with urllib.request.urlopen(me, timeout=60) as answer:  # noqa: S310
                assert answer.status == 200


@pytest.mark.parametrize("part", OURS)
def test_a_part_runs_a_command_that_there_is_with_settings_that_there_are(part: str) -> None:
    service = COMPOSE["services"][part]
    assert leerruimte(*service["command"].split(), "--help").returncode == 0
    assert set(service["environment"]) <= SETTINGS
    given = re.sub(r"\$\{\w+(?::-(\w*)|:\?[^}]*)?\}", r"\1", json.dumps(service["environment"]))
    values = {name.lower(): value for name, value in json.loads(given).items() if value}
    Settings.model_validate(values)


@pytest.mark.parametrize("part", sorted(COMPOSE["services"]))
def test_what_a_part_waits_for_is_there_and_can_tell_that_it_is_ready(part: str) -> None:
    for other, how in COMPOSE["services"][part].get("depends_on", {}).items():
        waited_for = COMPOSE["services"][other]
        if how["condition"] == "service_healthy":
            assert "healthcheck" in waited_for or other in OURS


def test_the_service_serves_where_the_proxy_asks_and_believes_the_proxy_alone() -> None:
    [port] = re.findall(r"server service:(\d+);", PROXY.read_text())
    assert f"PORT={port}" in " ".join(instructions("ENV"))
    assert instructions("EXPOSE") == [port]
    assert "ports" not in COMPOSE["services"]["service"]
    address = COMPOSE["services"]["proxy"]["networks"]["edge"]["ipv4_address"]
    assert COMPOSE["services"]["service"]["environment"]["TRUSTED_PROXIES"] == address
    assert COMPOSE["services"]["service"]["environment"]["UPKEEP"] == "false"
    assert "edge" not in COMPOSE["services"]["postgres"]["networks"]


def test_the_proxy_takes_a_little_more_than_the_service_does() -> None:
    [megabytes] = re.findall(r"client_max_body_size (\d+)m;", PROXY.read_text())
    largest = Settings.model_fields["max_import_bytes"].default
    assert largest < int(megabytes) * 1_000_000 < largest * 1.2


def test_the_image_is_made_of_what_is_there_by_the_tool_of_the_makefile() -> None:
    for copied in instructions("COPY"):
        if not copied.startswith("--from"):
            *sources, _target = copied.split()
            assert [source for source in sources if not (ROOT / source).exists()] == []
            ignored = (ROOT / ".dockerignore").read_text().splitlines()
            assert {f"!{source}" for source in sources} <= set(ignored)
    [version] = re.findall(r"^UV_VERSION = (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert f"uv=={version}" in DOCKERFILE
    assert {image.split(" ")[0] for image in instructions("FROM")} == {"python:3.11-slim"}


def test_the_image_runs_as_nobody_in_particular_with_settings_that_there_are() -> None:
    assert instructions("USER") == ["10001"]
    assert "--uid 10001" in DOCKERFILE
    assert instructions("ENTRYPOINT") == ['["leerruimte"]']
    named = re.findall(r"(\w+)=", instructions("ENV")[-1])
    assert set(named) - {"PATH", "PYTHONUNBUFFERED"} <= SETTINGS


def test_the_images_health_check_tells_a_service_that_is_ready_from_one_that_is_not(
    settings: Settings,
) -> None:
    [check] = re.findall(r"CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)[:1]
    program, *arguments = json.loads(check)
    assert program == "python"

    def healthy(port: str) -> bool:
        command = [sys.executable, *arguments]
        asked = subprocess.run(  # noqa: S603 - the Dockerfile's own words
            command, env=environment({"PORT": port}), check=False, capture_output=True
        )
        return asked.returncode == 0

    port = free_port()
    told = {"APP_DATABASE_URL": settings.app_url, "PORT": port, "UPKEEP": "false"}
    with served("serve", log=None, **told, **SIGN_IN):
        assert healthy(port)
    assert not healthy(port)


@pytest.fixture
def tls(tmp_path: Path) -> Path:
    """Return a folder with a certificate for localhost, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)  # noqa: TID251 - a certificate's own time
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path / "tls"
    folder.mkdir()
    pem = serialization.Encoding.PEM
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder


@contextmanager
def proxied(tls: Path, service_port: str) -> Generator[str]:
    """Run the real proxy with the configuration of the compose file, on ports of the test's own."""
    port = free_port()
    configuration = PROXY.read_text()
    for there, here in {
        "server service:8000;": f"server 127.0.0.1:{service_port};",
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "/etc/nginx/tls/": f"{tls}/",
        "/tmp/nginx": f"{tls}/nginx",  # noqa: S108 - the container's own
    }.items():
        assert there in configuration
        configuration = configuration.replace(there, here)
    (tls / "nginx.conf").write_text(configuration)
    # As whoever tests: the folder is nobody else's.
    globally = f"daemon off; user {getpass.getuser()};"
    command = [str(NGINX), "-c", str(tls / "nginx.conf"), "-p", str(tls), "-g", globally]
    with subprocess.Popen(command) as process:  # noqa: S603 - the machine's own nginx
        try:
            time.sleep(1)
            assert process.poll() is None
            yield f"https://localhost:{port}"
        finally:
            process.terminate()


@pytest.mark.skipif(NGINX is None, reason="no nginx on this machine: the proxy is not tried")
def test_the_proxy_passes_on_what_the_client_is_and_says_when_the_service_is_away(
    settings: Settings, tls: Path
) -> None:
    trust = ssl.create_default_context(cafile=str(tls / "certificate.pem"))

    def ask(url: str, data: bytes | None = None) -> tuple[int, Message, bytes]:
        headers = {"X-Forwarded-Proto": "gopher", "Content-Type": "application/json"}
        request = urllib.request.Request(url, data=data, headers=headers)  # noqa: S310 - https
        try:
            with urllib.request.urlopen(request, context=trust, timeout=60) as answer:  # noqa: S310
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.headers, refused.read()

    port = free_port()
    service = {"APP_DATABASE_URL": settings.app_url, "PORT": port, "TRUSTED_PROXIES": "127.0.0.1"}
    with proxied(tls, port) as address:
        with served("serve", log=None, **service, **SIGN_IN):
            status, headers, _ = ask(f"{address}/health/ready")
            assert status == 200
            assert headers.get_all("Strict-Transport-Security") == [
                "max-age=31536000; includeSubDomains"
            ]
            assert headers["Server"] == "nginx"
            assert ask(f"{address}/v1/requests")[0] == 401
            # The service's own refusal, with its problem; the proxy would say so in HTML.
            status, headers, _ = ask(f"{address}/v1/employee-imports", b" " * 20_500_000)
            assert status in (401, 413)
            assert headers["Content-Type"] == "application/problem+json"
        status, headers, body = ask(f"{address}/health/ready")
        assert (status, headers["Retry-After"]) == (503, "2")
        assert headers["Content-Type"] == "application/problem+json"
        assert json.loads(body)["status"] == 503
