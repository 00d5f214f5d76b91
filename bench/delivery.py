"""`make bench`: what it costs to send what the outbox owes, against the bare connection.

Prints ratios; nothing here passes or fails. 2,000 officials of 2,000 units are each owed a mail
about one complaint, on SQLite and on PostgreSQL. Mails are evaluated again and composed some at a
time, claimed, handed to an SMTP server on loopback over STARTTLS, and each answer is recorded:
'from claim to record' is without what the run composes by itself, and with the wait for its
helpers; 'with composing' is the whole step. The baseline
hands the same bytes to the same server in a loop over one connection (yagmail's SMTP object,
`sendmail`); the other one is `yagmail.send` in a loop, which composes as well. The server runs in
a process of its own and throws the mails away.
"""

from __future__ import annotations

import csv
import multiprocessing
import os
import shutil
import ssl
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from zoneinfo import ZoneInfo

from bench.big_site import go_live
from bench.databases import databases

CONFIG = Path(__file__).parent.parent / "examples" / "kabupaten-contoh"
ZONE = ZoneInfo("Asia/Makassar")
NOW = datetime(2026, 11, 24, 8, 0, tzinfo=ZONE)
MAILS, WITH_SEND = 2_000, 300
HEADER = (
    "No",
    "Masuk",
    "Klasifikasi",
    "Kategori",
    "Perihal",
    "Diverifikasi",
    "Unit",
    "Diteruskan",
    "Tindak Lanjut",
    "Selesai",
)
SOURCE = """
[register]
folder = "inbox/register"
layout = "history"
zone = "Asia/Makassar"
dates = ["%d/%m/%Y %H:%M"]
observed = { file_name = "register_%Y-%m-%d_%H%M.csv" }
values = { classification = { "Permintaan Informasi" = "information_request" } }
events = [
    { column = "Diverifikasi", kind = "verified" },
    { column = "Diteruskan", kind = "assigned", unit = "Unit" },
    { column = "Tindak Lanjut", kind = "follow_up_published" },
    { column = "Selesai", kind = "settled" },
]

[register.fields]
ticket = "No"
received = "Masuk"
classification = "Klasifikasi"
category = "Kategori"
title = "Perihal"
"""


def serve(pipe: Pipe, certificate: str) -> None:
    """An SMTP server that takes every mail; sends its port through the pipe, ends on any word."""
    import asyncio  # noqa: PLC0415

    from aiosmtpd.smtp import SMTP  # noqa: PLC0415

    class Sink:
        async def handle_DATA(self, *_: object) -> str:  # noqa: N802
            return "250 OK"

    async def run() -> None:
        tls_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls_context.load_cert_chain(certificate)
        server = await asyncio.get_running_loop().create_server(
            lambda: SMTP(Sink(), tls_context=tls_context, require_starttls=True), "127.0.0.1", 0
        )
        pipe.send(server.sockets[0].getsockname()[1])
        while not pipe.poll():
            await asyncio.sleep(0.1)

    asyncio.run(run())


@contextmanager
def smtp_server(folder: Path) -> Iterator[tuple[str, str]]:
    """The server's URL and the file with its authority, while the block lasts."""
    import trustme  # noqa: PLC0415

    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    certificate = folder / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=serve, args=(theirs, str(certificate))
    )
    process.start()
    try:
        yield f"smtp://127.0.0.1:{ours.recv()}", str(folder / "authority.pem")
    finally:
        ours.send("end")
        process.join()


def site_of(folder: Path, ca_file: str) -> Path:
    """The example site with 2,000 units, and a complaint of each that is late since today."""
    site = folder / "site"
    shutil.copytree(CONFIG, site, ignore=shutil.ignore_patterns("inbox", "boston"))
    (site / "inbox" / "register").mkdir(parents=True)
    (site / "sources.toml").write_text(SOURCE, encoding="utf-8")
    path = site / "site.toml"
    text = path.read_text(encoding="utf-8").replace(
        "most = 200\n", "most = 9999\ncomplaints = 9999\n"
    )
    text = text.replace("[mail]\n", f'[mail]\nca_file = "{ca_file}"\n')
    path.write_text(text, encoding="utf-8")
    with (site / "units.csv").open("a", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows((f"u{n}", f"Unit {n}", "dinas", "kab", "") for n in range(MAILS))
    with (site / "officers.csv").open("a", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            (
                f"u{n}",
                "liaison",
                f"Petugas {n}, S.Sos.",
                f"petugas{n}@contohkab.example",
                "",
                "",
                "",
            )
            for n in range(MAILS)
        )
    register = site / "inbox" / "register" / "register_2026-11-20_0700.csv"
    with register.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(
            (
                f"FD-{n}",
                "16/11/2026 08:30",
                "Permintaan Informasi",
                "Kependudukan",
                f"Syarat pindah alamat {n}",
                "16/11/2026 08:40",
                f"Unit {n}",
                "16/11/2026 08:45",
                "16/11/2026 09:00",
                "",
            )
            for n in range(MAILS)
        )
    return site


def measured(url: str, folder: Path) -> tuple[float, float, float, float]:
    """Mails a second: the whole step, from claim to record, bare connection, `yagmail.send`."""
    from email import message_from_bytes, policy  # noqa: PLC0415

    import yagmail  # noqa: PLC0415
    from sqlalchemy import select  # noqa: PLC0415

    from db.models import MessageKind, MessageRow  # noqa: PLC0415
    from tasks.common.context import SiteContext  # noqa: PLC0415
    from tasks.common.helpers import spare_cores  # noqa: PLC0415
    from tasks.deadlines import evaluate_and_notify  # noqa: PLC0415
    from tasks.delivery import send_owed  # noqa: PLC0415
    from tasks.intake import pull  # noqa: PLC0415
    from tasks.notifications import sender as notifications_sender  # noqa: PLC0415
    from tasks.notifications.transport.choose import smtp_address  # noqa: PLC0415
    from tasks.notifications.transport.smtp import Connection  # noqa: PLC0415

    with smtp_server(folder) as (mail_url, ca_file):
        os.environ |= {
            "TENGGAT_DATABASE_URL": url,
            "TENGGAT_MAIL_URL": mail_url,
            "TENGGAT_VAR": str(folder / "var"),
        }
        context = SiteContext.open(site_of(folder, ca_file))
        go_live(context)
        asked = datetime(2026, 11, 20, 8, 0, tzinfo=ZONE)
        pull(context, "register", asked)
        evaluate_and_notify(context, asked, "bench")
        with context.transaction() as session:
            query = select(MessageRow).where(MessageRow.kind == MessageKind.NOTICES)
            owed = len(session.scalars(query).all())
        assert owed == MAILS, f"{owed} mails are owed"
        began = time.perf_counter()
        with timed(notifications_sender.Sender, "_make_ready") as making_ready:
            count = send_owed(context, asked, "bench", helpers=spare_cores())
        taken = time.perf_counter() - began
        delivery, sending = count.sent / taken, count.sent / (taken - sum(making_ready))
        with context.transaction() as session:
            mails = [
                (row.recipient, zlib.decompress(row.mime or b"")) for row in session.scalars(query)
            ]
        sender = context.site.file.mail.sender
        with smtp_address(context.site) as way, Connection(way) as connection:
            connection.open()
            bare_client = connection._client  # the baseline is what it wraps
            assert bare_client is not None
            began = time.perf_counter()
            for recipient, mime in mails:
                bare_client.smtp.sendmail(sender, [recipient], mime)
            bare = len(mails) / (time.perf_counter() - began)
            tls_context = ssl.create_default_context(cafile=ca_file)
            client = yagmail.SMTP(
                user=sender,
                host=way.host,
                port=way.port,
                smtp_ssl=False,
                smtp_starttls={"context": tls_context},
                smtp_skip_login=True,
            )
            parsed = [message_from_bytes(mime, policy=policy.default) for _, mime in mails]
            began = time.perf_counter()
            for (recipient, _), mail in zip(mails[:WITH_SEND], parsed, strict=False):
                parts = filter(None, (mail.get_body((kind,)) for kind in ("plain", "html")))
                text, html = (part.get_content() for part in parts)
                client.send(recipient, str(mail["Subject"]), [text, html])
            plain = WITH_SEND / (time.perf_counter() - began)
        context.close()
    return delivery, sending, bare, plain


@contextmanager
def timed(owner: type, name: str) -> Iterator[list[float]]:
    """The seconds of each call of a method, while the block lasts."""
    really, seconds = getattr(owner, name), []

    def call(*arguments: object) -> object:
        began = time.perf_counter()
        try:
            return really(*arguments)
        finally:
            seconds.append(time.perf_counter() - began)

    setattr(owner, name, call)
    try:
        yield seconds
    finally:
        setattr(owner, name, really)


def main() -> None:
    """Measure on both databases, each in its own folder."""
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "ERROR")
    print(f"delivery of {MAILS:,} mails over STARTTLS to loopback, mails a second")
    place = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    with place as folder, databases(Path(folder), 1) as urls:
        for name, (url,) in urls.items():
            if sys.argv[1:] and name not in sys.argv[1:]:
                continue
            work = Path(folder) / name
            work.mkdir()
            delivery, sending, bare, send = measured(url, work)
            print(f"{name}")
            print(f"  bare connection          {bare:6.0f}")
            print(f"  yagmail.send in a loop   {send:6.0f}")
            for what, rate in (("from claim to record", sending), ("with composing", delivery)):
                ratios = f"{rate / bare:5.2f} of the bare connection, {rate / send:5.1f} of send"
                print(f"  {what:<24} {rate:6.0f}   {ratios}")


if __name__ == "__main__":
    main()
