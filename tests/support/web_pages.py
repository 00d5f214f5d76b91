"""Pages of a web application as a person uses them: read by their words, clicked, written into.

Whatever is looked for is waited for, since such a page asks its server and draws when it answers.
Only what a person could see and reach is found: nothing hidden, nothing under a dialog.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TypeVar

from support.browser import Browser, NotNow

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds for a page to show something, on a machine that has other work."""

BUSY, TRIES = "Oops. Something went wrong.", 5
"""What Prefect's page says when its server, whose SQLite was locked, has said no; and how often a
person tries again."""

REACHABLE = """async (found) => {
  const place = e => e.getBoundingClientRect();
  const still = async e => {
    const before = place(e);
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    return before.top === place(e).top && before.left === place(e).left;
  };
  for (const e of found.filter(e => e.checkVisibility({visibilityProperty: true}))) {
    e.scrollIntoView({block: "nearest"});
    const x = place(e).left + place(e).width / 2, y = place(e).top + place(e).height / 2;
    const on_top = document.elementFromPoint(x, y);
    if (on_top && (e.contains(on_top) || on_top.contains(e)) && await still(e)) {
      window.clicked = false;
      e.addEventListener("click", () => window.clicked = true, {capture: true, once: true});
      return [x, y];
    }
  }
  return null;
}"""
"""Where the first of these elements can be clicked; null while none can."""

BY_WORDS = """[...document.querySelectorAll("a, button, li[tabindex]")]
  .filter(e => e.innerText.trim() === %s)"""

BY_BEGINNING = """[...document.querySelectorAll("a")]
  .filter(e => e.innerText.replace(/\\s+/g, " ").trim().startsWith(%s))"""

BY_LABEL = """(() => {
  const labels = [...document.querySelectorAll("label")].filter(e => e.innerText.trim() === %s);
  return labels.flatMap(e => {
    while (e && !e.querySelector("select, textarea, input")) e = e.parentElement;
    return e ? [...e.querySelectorAll("select, textarea, input")] : [];
  });
})()"""


POLICY = """
  window.refused = [];
  addEventListener("securitypolicyviolation", e => window.refused.push(e.blockedURI));
  new MutationObserver((_, observer) => {
    if (!document.head) return;
    observer.disconnect();
    const policy = document.createElement("meta");
    policy.httpEquiv = "Content-Security-Policy";
    policy.content = %s;
    document.head.prepend(policy);
  }).observe(document, {childList: true, subtree: true});
"""
"""Puts a policy at the head of a page before anything in it runs."""


FEW_FRAMES = """
  window.requestAnimationFrame = draw => setTimeout(() => draw(performance.now()), 100);
  window.cancelAnimationFrame = clearTimeout;
"""
"""Ten pictures a second: Prefect draws the graph of a run without end, in software that is half of
a CPU."""


class Pages:
    """A browser at a web application, whose first page is at `home`."""

    def __init__(self, browser: Browser, home: str, zone: str) -> None:
        self.browser, self.home, self.zone = browser, home, zone
        self.browser.at_the_start_of_all_pages(FEW_FRAMES)

    def open(self, path: str) -> None:
        self.browser.go(self.home + path, zone=self.zone)

    def leave(self) -> None:
        """Show nothing: a page that nobody looks at asks its server and draws all the same."""
        self.browser.go("about:blank")

    def words(self) -> str:
        """All that can be read now, with single spaces."""
        return " ".join(str(self.browser.run("document.body?.innerText ?? ''")).split())

    def reads(self, *wanted: str) -> str:
        """Wait until all of this can be read; gives the whole of the page."""

        def there() -> str:
            words = self.words()
            return words if all(each in words for each in wanted) else ""

        return self.until(there, f"{wanted}")

    def click(self, words: str) -> None:
        """Click the link or button with just these words."""
        self._click(BY_WORDS % json.dumps(words), words)

    def click_card(self, words: str) -> None:
        """Click the link that begins with these words."""
        self._click(BY_BEGINNING % json.dumps(words), words)

    def write(self, label: str, text: str) -> None:
        """Type into the field under this label; in a list of choices that picks one."""
        self._click(BY_LABEL % json.dumps(label), label)
        self.browser.type(text)

    def focus(self, selector: str) -> None:
        """Click into the first field that this CSS selector finds."""
        self._click(f"[...document.querySelectorAll({json.dumps(selector)})]", selector)

    def submit(self, form: str) -> None:
        """Send the form with these words; again while the server is too busy to take it."""
        for _ in range(TRIES):
            before = self.words().count(BUSY)
            self.click("Submit")
            self.until(partial(self._answered, form, before), "an answer")
            if form not in self.words():
                return
        raise AssertionError(f"the form is not taken:\n{self.words()}")

    def _answered(self, form: str, before: int) -> bool:
        said = self.words()
        return form not in said or said.count(BUSY) > before

    def hosts(self) -> set[str]:
        """Where the page has asked for something since it was opened."""
        asked = "performance.getEntriesByType('resource').map(e => new URL(e.name).host)"
        return set(self.browser.run(asked))

    @contextmanager
    def under(self, policy: str) -> Iterator[Callable[[], list[str]]]:
        """Lay this content security policy on all pages, as a proxy would.

        Gives what it has kept the present page from asking for.
        """
        with self.browser.at_the_start_of_pages(POLICY % json.dumps(policy)):
            yield lambda: list(self.browser.run("window.refused"))

    def _click(self, found: str, what: str) -> None:
        """Click the first of these that can be; again if it moved away from under the mouse."""

        def hit() -> bool:
            place = self.browser.run(f"({REACHABLE})({found})")
            if place is None:
                return False
            self.browser.click(*place)
            try:
                return bool(self.browser.run("window.clicked !== false"))
            except NotNow:  # the click has led to another page
                return True

        self.until(hit, what)

    def until(self, look: Callable[[], T], what: str) -> T:
        """Wait until a look at the page brings something; gives it."""
        deadline = time.monotonic() + PATIENCE
        while True:
            with suppress(NotNow):  # between two pages
                if seen := look():
                    return seen
            assert time.monotonic() < deadline, f"{what} is not on the page:\n{self.words()}"
            time.sleep(0.1)
