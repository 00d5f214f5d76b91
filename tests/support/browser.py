"""A real browser for the tests: Debian's chromium, headless, driven over its debugging pipe.

A pipe needs no port and no package. One browser shows all pages of a test module; each page gets
the width of a phone or a screen, and light or dark as the reader has set it.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from select import select
from time import monotonic, time
from typing import IO, Any

from support.programs import needed

CHROMIUM = shutil.which("chromium")
PATIENCE = 60.0
"""Seconds that the browser may take for one answer."""

LEFT = ("context was destroyed", "Cannot find context", "navigated or closed", "Promise was coll")
"""What chromium says of a question to a page that has gone meanwhile."""

CLOCK = """(() => {
  const ahead = %d;
  globalThis.Date = new Proxy(Date, {
    get: (date, name) => name === "now" ? () => date.now() + ahead : Reflect.get(date, name),
    apply: date => new date(date.now() + ahead).toString(),
    construct: (date, given, kind) =>
      Reflect.construct(date, given.length ? given : [date.now() + ahead], kind),
  });
})()"""
"""Lets a page have the clock of the tests: chromium does not work with the program faketime."""

LONGEST = 3000
"""Pixels of a picture from top to end."""


class NotNow(Exception):
    """The page has just been left: what was asked in it has no answer."""


class Browser:
    """One chromium with one page."""

    def __init__(self, to: IO[bytes], back: IO[bytes]) -> None:
        self.to, self.back = to, back
        self.rest = b""
        self.asked = 0
        self.session = ""
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self._ask("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        self.frame = self._ask("Page.getFrameTree")["frameTree"]["frame"]["id"]
        ahead = 1000 * time() - self.run("Date.now()")
        if abs(ahead) > 60_000:
            self.at_the_start_of_all_pages(CLOCK % ahead)

    def show(self, source: str, width: int, *, dark: bool = False, phone: bool = False) -> None:
        """Lay this page out in a window of this width; a phone heeds `viewport`."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._ask("Emulation.setEmulatedMedia", features=[scheme])
        self._ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=800,
            deviceScaleFactor=1,
            mobile=phone,
        )
        self._ask("Page.setDocumentContent", frameId=self.frame, html=source)

    def go(self, url: str, *, width: int = 1200, height: int = 900, zone: str = "") -> None:
        """Open an address as one would on a screen of this size, in this time zone."""
        self._ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        self._ask("Emulation.setTimezoneOverride", timezoneId=zone)
        self._ask("Page.navigate", url=url)

    def at_the_start_of_all_pages(self, script: str) -> str:
        """Have this run in each page that is opened, before anything else; its identifier."""
        self._ask("Page.enable")
        known = self._ask("Page.addScriptToEvaluateOnNewDocument", source=script)["identifier"]
        return str(known)

    @contextmanager
    def at_the_start_of_pages(self, script: str) -> Iterator[None]:
        """Have this run in each page that is opened while the block lasts."""
        known = self.at_the_start_of_all_pages(script)
        yield
        self._ask("Page.removeScriptToEvaluateOnNewDocument", identifier=known)

    def click(self, x: float, y: float) -> None:
        """Click there with the mouse."""
        for what in ("mouseMoved", "mousePressed", "mouseReleased"):
            self._ask("Input.dispatchMouseEvent", type=what, x=x, y=y, button="left", clickCount=1)

    def type(self, text: str) -> None:
        """Type on the keyboard into what has the focus."""
        for letter in text:
            self._ask("Input.dispatchKeyEvent", type="keyDown", text=letter, key=letter)
            self._ask("Input.dispatchKeyEvent", type="keyUp", key=letter)

    def run(self, script: str) -> Any:
        """The value of an expression in the page, awaited if it is a promise."""
        answer = self._ask(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def picture(self) -> bytes:
        """A PNG of the page from its top, as far as anyone would scroll."""
        width, height = self.run("[innerWidth, document.documentElement.scrollHeight]")
        clip = {"x": 0, "y": 0, "width": width, "height": min(height, LONGEST), "scale": 1}
        shot = self._ask(
            "Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip
        )
        return base64.b64decode(shot["data"])

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self.asked += 1
        question = {"id": self.asked, "method": method, "params": parameters}
        if self.session:
            question["sessionId"] = self.session
        self.to.write(json.dumps(question).encode() + b"\0")
        self.to.flush()
        while True:
            said = json.loads(self._next())
            if said.get("id") == self.asked:
                told = said.get("error", {}).get("message", "")
                if any(each in told for each in LEFT):
                    raise NotNow(told)
                assert not told, f"{method}: {told}"
                found = said["result"]
                assert isinstance(found, dict)
                return found

    def _next(self) -> bytes:
        until = monotonic() + PATIENCE
        while b"\0" not in self.rest:
            ready, _, _ = select([self.back], [], [], max(0.0, until - monotonic()))
            assert ready, f"the browser did not answer within {PATIENCE:.0f} s"
            piece = os.read(self.back.fileno(), 1 << 20)
            assert piece, "the browser has gone"
            self.rest += piece
        message, _, self.rest = self.rest.partition(b"\0")
        return message


@dataclass(frozen=True)
class Seen:
    """What a picture shows, told by the browser that decodes it."""

    width: int
    height: int
    colours: int
    lightness: float  # 0 black to 1 white, the mean


SEEN = """(async () => {
  const bytes = Uint8Array.from(atob(%s), c => c.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes], {type: "image/png"}));
  const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, image.width, image.height).data;
  const colours = new Set();
  let sum = 0;
  for (let n = 0; n < pixels.length; n += 4) {
    colours.add(pixels[n] << 16 | pixels[n + 1] << 8 | pixels[n + 2]);
    sum += pixels[n] + pixels[n + 1] + pixels[n + 2];
  }
  return [image.width, image.height, colours.size, sum / (pixels.length / 4 * 3 * 255)];
})()"""


def seen(browser: Browser, png: bytes) -> Seen:
    """Decode a PNG and look at its pixels."""
    return Seen(*browser.run(SEEN % json.dumps(base64.b64encode(png).decode())))


def without_preload() -> dict[str, str]:
    """The environment for chromium, which does not work with the program faketime."""
    return {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}


@contextmanager
def browsing(profile: Path) -> Iterator[Browser]:
    """A browser while the block lasts; skips where there is none, except in CI."""
    needed(CHROMIUM, "chromium", "apt install chromium")
    assert CHROMIUM is not None
    hears, to = os.pipe()
    back, says = os.pipe()
    started = subprocess.Popen(
        [
            "bash",
            "-c",
            f'exec "$@" 3<&{hears} 4>&{says}',
            "bash",
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # nobody outside is asked
            "--hide-scrollbars",
            "--remote-debugging-pipe",
            f"--user-data-dir={profile}",
        ],
        pass_fds=(hears, says),
        env=without_preload(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(hears)
    os.close(says)
    with os.fdopen(to, "wb") as ask, os.fdopen(back, "rb", buffering=0) as answer:
        try:
            yield Browser(ask, answer)
        finally:
            with suppress(OSError):
                ask.write(b'{"id":0,"method":"Browser.close"}\0')
                ask.flush()
            try:
                started.wait(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()
