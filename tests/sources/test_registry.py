"""The registry: a new kind of source is one class and one model of its settings."""

import ast
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Literal

import pytest
from conftest import REPOSITORY, wita
from support.code_files import EVERYTHING, nodes
from support.import_results import take

from settings import sources
from settings.mapping import SourceMapping
from settings.site import load_site
from tasks.common.context import SiteContext
from tasks.ingest.preview import check_source
from tasks.ingest.quarantine_retry import retry
from tasks.monitoring.health import connectivity
from tasks.monitoring.health.finding import Finding
from tasks.sources import registry
from tasks.sources.base import (
    CheckResult,
    Extract,
    Source,
    SourceError,
    TransientSourceError,
    Waiting,
)
from tasks.sources.registry import open_source, source_kind

KIOSK = """
[kiosk]
type = "kiosk"
address = "hall 2"
layout = "history"
zone = "Asia/Makassar"
dates = ["%Y-%m-%d %H:%M"]
fields = { ticket = "number", received = "received" }
events = [{ column = "received", kind = "assigned" }]
"""


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def context(site_folder: Path, open_context, monkeypatch) -> SiteContext:
    """A site with a source of a kind that only this test knows."""
    monkeypatch.setattr(sources, "MODELS", dict(sources.MODELS))
    monkeypatch.setattr(registry, "SOURCES", dict(registry.SOURCES))

    @sources.source_model("kiosk")
    class KioskSource(SourceMapping):
        kind: ClassVar[str] = "kiosk"
        title: ClassVar[str] = "A kiosk"
        type: Literal["kiosk"]
        address: str

    @source_kind("kiosk")
    class Kiosk(Source[KioskSource]):
        def extracts(self, context: SiteContext, now: datetime) -> Iterator[Extract]:
            assert isinstance(self.settings, KioskSource)
            rows = [(1, ("K-1", "2026-11-16 08:30")), (2, ("", "2026-11-16 08:30"))]
            yield Extract("first", "a" * 64, now, ("number", "received"), rows, cursor="1")
            self.waiting.append(Waiting("one more"))
            raise SourceError(f"{self.name}: the printer in {self.settings.address} is empty")

        def check(self, timeout: float) -> Iterator[CheckResult]:
            yield CheckResult(timeout < 1, f"source {self.name} is slow", "be patient")

    (site_folder / "sources.toml").write_text(KIOSK, encoding="utf-8")
    return open_context()


def test_a_source_registered_here_is_imported_checked_and_previewed(context):
    with pytest.raises(TransientSourceError, match=r"^kiosk: the printer in hall 2 is empty$"):
        take(context, "2026-11-24 08:00", "kiosk")
    with context.transaction() as session:
        table = session.connection().exec_driver_sql
        assert table("SELECT ticket FROM complaint").scalars().all() == ["K-1"]
        assert table("SELECT value FROM cursor WHERE source = 'kiosk'").scalars().all() == ["1"]
        assert table("SELECT count(*) FROM quarantine").scalar() == 1
    assert list(connectivity.source(context.site, "kiosk")) == [
        Finding("trouble", "source kiosk is slow", "be patient")
    ]
    with pytest.raises(SourceError, match="the printer"):
        check_source(context.site, "kiosk", wita("2026-11-24 08:00"), rows=3)
    assert retry(context, "kiosk", wita("2026-11-24 09:00")).gone == ["first, line 2"]


def test_an_unknown_type_names_the_registered_ones(context):
    place = context.site.folder / "sources.toml"
    place.write_text(KIOSK.replace('type = "kiosk"', 'type = "fax"'), encoding="utf-8")
    known = "no type 'fax'; known are folder, imap, kiosk, open311, sql"
    with pytest.raises(sources.SettingsError, match=known):
        load_site(context.site.folder)


@pytest.mark.parametrize("model", sources.MODELS.values(), ids=lambda model: model.kind)
def test_each_kind_of_settings_has_its_class(model):
    class OneSource:
        folder = Path("/nowhere")
        sources: ClassVar = {"s": model.model_construct(folder="inbox", archive=None)}

    found = open_source(OneSource(), "s")
    assert type(found) is registry.SOURCES[model.kind]
    assert (found.is_remote, found.waiting, found.failures) == (not model.has_files, [], [])


def test_only_the_sources_themselves_ask_for_their_kind():
    """Other code asks the settings (`has_files`, `is_exchange`) or a method of the source."""
    names = {model.__name__ for model in sources.MODELS.values()}
    wrong = [
        f"{path.relative_to(REPOSITORY)}:{node.lineno}"
        for path in EVERYTHING
        if not path.is_relative_to(REPOSITORY / "tasks" / "sources")
        for node in nodes(path)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "isinstance"
        and names & {each.id for each in ast.walk(node.args[1]) if isinstance(each, ast.Name)}
    ]
    assert wrong == []
