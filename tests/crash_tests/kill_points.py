"""Where a process can die: it counts what it crosses, and at the crossing of its fate it ends.

A crossing lies before every statement, before and after every COMMIT, and around every step of an
SMTP conversation. Nothing here knows what the program calls its own parts.
"""

from __future__ import annotations

import json
import os
import re
import signal
import smtplib
from collections import Counter
from collections.abc import Callable
from threading import Lock
from typing import Any

from sqlalchemy import Engine, event

KEPT = re.compile(rb"kept as (\d+)")


class Crossings:
    """What the process that lives now has crossed; `tell` writes a line that outlives it."""

    def __init__(self) -> None:
        self.gate, self.transactions = Lock(), set[int]()

    def begin(
        self, name: str, fate: dict[str, Any] | None, pipe: int, woken: Callable[[], None]
    ) -> None:
        """Count for a new process, which the mail server knows by its name.

        `woken` is called when it has stood still and goes on.
        """
        self.name, self.fate, self.pipe, self.woken = name, fate, pipe, woken
        self.counts: Counter[str] = Counter()

    def tell(self, **fact: Any) -> None:
        """Report to whoever watches; what is told has arrived even if we die the next moment."""
        os.write(self.pipe, json.dumps(fact).encode() + b"\n")

    def cross(self, kind: str, place: str) -> None:
        """Pass one crossing, or end there."""
        self.counts[kind] += 1
        if kind == "commit" and place.startswith("after"):
            self.tell(committed=True)
        fate = self.fate
        if fate is None or fate["kind"] != kind or fate["count"] > self.counts[kind]:
            return
        if not fate["stalls"]:
            self.tell(at=place)
            os.kill(os.getpid(), signal.SIGKILL)
        with self.gate:  # whoever stands still in a transaction would hold up all others
            if not self.transactions:
                self.fate = None
                self.tell(at=place)
                os.kill(os.getpid(), signal.SIGSTOP)
                self.woken()

    def watch_database(self, engine: Engine) -> None:
        """Count the statements and commits of an engine."""
        commit, rollback = engine.dialect.do_commit, engine.dialect.do_rollback

        @event.listens_for(engine, "begin", insert=True)
        def _begin(connection: Any) -> None:
            with self.gate:
                self.transactions.add(id(connection.connection.dbapi_connection))

        def committing(connection: Any) -> None:
            self.cross("commit", "before commit")
            commit(connection)
            self.transactions.discard(id(connection.dbapi_connection))
            self.cross("commit", "after commit")

        def rolling_back(connection: Any) -> None:
            rollback(connection)
            self.transactions.discard(id(connection.dbapi_connection))

        engine.dialect.do_commit = committing  # type: ignore[method-assign]
        engine.dialect.do_rollback = rolling_back  # type: ignore[method-assign]

        @event.listens_for(engine, "before_cursor_execute")
        def _statement(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            self.cross("statement", f"before {statement.split(None, 1)[0]}")

    def watch_smtp(self) -> None:
        """Count the steps of all SMTP conversations."""
        begin, connect = smtplib.SMTP.__init__, smtplib.SMTP.connect
        putcmd, getreply, send = smtplib.SMTP.putcmd, smtplib.SMTP.getreply, smtplib.SMTP.send

        def named(client: Any, *arguments: Any, **more: Any) -> None:
            client.asked, client.commanding = "greeting", False
            begin(client, *arguments, **more | {"local_hostname": self.name})

        def connecting(client: Any, *arguments: Any, **more: Any) -> tuple[int, bytes]:
            self.cross("smtp", "before connecting")
            return connect(client, *arguments, **more)

        def commanding(client: Any, cmd: str, args: str = "") -> None:
            client.asked = cmd.split(maxsplit=1)[0].upper()
            self.cross("smtp", f"before {client.asked}")
            client.commanding = True
            putcmd(client, cmd, args)
            client.commanding = False
            self.cross("smtp", f"after {client.asked}, before its answer")

        def sending(client: Any, content: Any) -> None:
            if client.commanding:
                send(client, content)
                return
            client.asked = "the mail"
            half = len(content) // 2
            send(client, content[:half])
            self.cross("smtp", "in the middle of the mail")
            send(client, content[half:])
            self.cross("smtp", "after the mail, before its answer")

        def hearing(client: Any) -> tuple[int, bytes]:
            code, words = getreply(client)
            kept = KEPT.search(words) if code == 250 else None
            if kept:
                self.tell(heard=int(kept[1]))
            answer = "the server's yes" if kept else f"the answer to {client.asked}"
            self.cross("smtp", f"after {answer}")
            return code, words

        for method, watched in (
            ("__init__", named),
            ("connect", connecting),
            ("putcmd", commanding),
            ("send", sending),
            ("getreply", hearing),
        ):
            setattr(smtplib.SMTP, method, watched)
