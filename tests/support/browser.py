"""Debian's Chromium, headless, by its debugging protocol over a pipe: what a page really does.

Nothing outside the machine can be reached from it, so that a page that asks another host is seen.
"""

import base64
import json
import os
import subprocess
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self
from urllib.parse import urlsplit

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
)
_PATIENCE_SECONDS = 60
_PAUSE_SECONDS = 0.05
# The keys that tests press: their codes, and what they type.
_KEYS: Mapping[str, tuple[int, str]] = {
    "Tab": (9, ""),
    "Enter": (13, "\r"),
    "Escape": (27, ""),
    " ": (32, " "),
}
_SHIFT = 8

Json = dict[str, Any]


class PageFailed(AssertionError):
    """The page did not do what was asked, or what was waited for did not come."""


class PageLeft(PageFailed):
    """The page was left for another while it was asked something."""


class Chromium:
    """One running browser; each page is a context of its own, that knows nothing of the others."""

    def __init__(self, process: subprocess.Popen[bytes], to: int, back: int) -> None:
        self._process = process
        self._to = to
        self._back = back
        self._read = b""
        self._last = 0
        self._pages: dict[str, Page] = {}

    def call(self, method: str, session: str | None = None, **parameters: object) -> Json:
        """Ask something of the browser and return its answer; events go to their page."""
        self._last += 1
        asked: Json = {"id": self._last, "method": method, "params": parameters}
        if session is not None:
            asked["sessionId"] = session
        os.write(self._to, json.dumps(asked).encode() + b"\0")
        while True:
            told = self._next()
            if told.get("id") == self._last:
                if "error" not in told:
                    return told["result"]
                message = str(told["error"]["message"])
                raise (PageLeft if "navigated" in message else PageFailed)(message)
            self._heed(told)

    def open(
        self, url: str, *, width: int = 1280, height: int = 900, language: str = "en"
    ) -> "Page":
        """Open an address in a context of its own, and wait until it is loaded."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)
        page = self._attach(target["targetId"], context, urlsplit(url).netloc)
        page.begin(width=width, height=height, language=language)
        page.go(url)
        return page

    def opened_by(self, page: "Page") -> "Page":
        """Return the window that a page has opened, waiting for it."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            for target in self.call("Target.getTargets")["targetInfos"]:
                if target.get("openerId") == page.target:
                    return self._attach(target["targetId"], page.context, page.host)
            time.sleep(_PAUSE_SECONDS)
        message = "no window was opened"
        raise PageFailed(message)

    def _attach(self, target: str, context: str, host: str) -> "Page":
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        page = Page(self, attached["sessionId"], target=target, context=context, host=host)
        self._pages[attached["sessionId"]] = page
        return page

    def close_pages(self) -> None:
        """Close all pages, with what they keep."""
        for context in {page.context for page in self._pages.values()}:
            self.call("Target.disposeBrowserContext", browserContextId=context)
        self._pages.clear()

    def _heed(self, told: Json) -> None:
        page = self._pages.get(str(told.get("sessionId")))
        if page is not None:
            page.heed(told["method"], told["params"])

    def _next(self) -> Json:
        while b"\0" not in self._read:
            self._read += os.read(self._back, 1 << 20) or self._ended()
        line, _, self._read = self._read.partition(b"\0")
        return json.loads(line)

    def _ended(self) -> bytes:
        message = f"Chromium ended with {self._process.poll()}"
        raise PageFailed(message)


class Page:
    """A page, with what it asked of other hosts and what errors it told."""

    def __init__(
        self, browser: Chromium, session: str, *, target: str, context: str, host: str
    ) -> None:
        self.target = target
        self.context = context
        self.host = host
        self._browser = browser
        self._session = session
        self._own_hosts = {host}
        self.outside: set[str] = set()
        self.errors: list[str] = []

    def begin(self, *, width: int, height: int, language: str) -> None:
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._call(f"{domain}.enable")
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        self._call("Network.setExtraHTTPHeaders", headers={"Accept-Language": language})

    def heed(self, event: str, told: Json) -> None:
        """Take note of what the page did."""
        match event:
            case "Network.requestWillBeSent":
                url = urlsplit(str(told["request"]["url"]))
                if url.scheme.startswith("http") and url.netloc not in self._own_hosts:
                    self.outside.add(url.netloc)
            case "Runtime.exceptionThrown":
                self.errors.append(json.dumps(told["exceptionDetails"])[:500])
            case "Runtime.consoleAPICalled" if told["type"] == "error":
                self.errors.append(json.dumps(told["args"])[:500])
            case "Log.entryAdded" if told["entry"]["level"] == "error":
                self.errors.append(f"{told['entry']['text']} {told['entry'].get('url')}")
            case _:
                pass

    def may_ask(self, host: str) -> Self:
        """Count another host, with its port, as one the page may ask."""
        self._own_hosts.add(host)
        return self

    def go(self, url: str) -> None:
        """Go to an address and wait until it is loaded."""
        answer = self._call("Page.navigate", url=url)
        if "errorText" in answer:
            raise PageFailed(answer["errorText"])
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'")

    def run(self, script: str) -> Any:  # noqa: ANN401 - a JSON value
        """Return what an expression comes to on the page; a promise is waited for."""
        answer = self._call(
            "Runtime.evaluate",
            expression=script,
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
        )
        if "exceptionDetails" in answer:
            raise PageFailed(json.dumps(answer["exceptionDetails"])[:1000])
        return answer["result"].get("value")

    def wait_for(self, condition: str, *, seconds: float = _PATIENCE_SECONDS) -> None:
        """Wait until an expression is true on the page."""
        deadline = time.monotonic() + seconds
        while not self._holds(condition):
            if time.monotonic() > deadline:
                message = f"it never came to: {condition}"
                raise PageFailed(message)
            time.sleep(_PAUSE_SECONDS)

    def _holds(self, condition: str) -> bool:
        try:
            return bool(self.run(f"Boolean({condition})"))
        except PageLeft:
            return False

    def press(self, key: str, *, shift: bool = False) -> None:
        """Press a key where the focus is."""
        code, typed = _KEYS[key]
        pressed: Json = {
            "key": key,
            "code": "Space" if key == " " else key,
            "windowsVirtualKeyCode": code,
            "modifiers": _SHIFT if shift else 0,
        }
        self._call("Input.dispatchKeyEvent", type="keyDown", text=typed, **pressed)
        self._call("Input.dispatchKeyEvent", type="keyUp", **pressed)

    def write(self, text: str) -> None:
        """Write a text where the focus is."""
        self._call("Input.insertText", text=text)

    def photograph(self, path: Path, *, whole: bool = False) -> None:
        """Keep what the page looks like, as PNG."""
        shot = self._call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def _call(self, method: str, **parameters: object) -> Json:
        return self._browser.call(method, self._session, **parameters)


@contextmanager
def chromium(program: str) -> Generator[Chromium]:
    """Run the browser until the block ends, with a profile of its own."""
    to_read, to = os.pipe()
    back, back_write = os.pipe()

    def at_three_and_four() -> None:
        # Where Chromium looks for its pipe; first out of the way of each other.
        ours, theirs = os.dup(to_read), os.dup(back_write)
        os.dup2(ours, 3)
        os.dup2(theirs, 4)

    with (
        TemporaryDirectory(prefix="leerruimte-chromium-", ignore_cleanup_errors=True) as profile,
        subprocess.Popen(  # noqa: S603 - Debian's own program
            [program, *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=at_three_and_four,  # noqa: PLW1509 - no thread runs beside it
            close_fds=False,
            stderr=subprocess.DEVNULL,
        ) as process,
    ):
        os.close(to_read)
        os.close(back_write)
        try:
            yield Chromium(process, to, back)
        finally:
            process.kill()
            os.close(to)
            os.close(back)
