"""A folder as a source: select the files to read, order them, and archive them."""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
import zlib
from bisect import insort
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path, PurePosixPath

from db import imports
from settings.site import Site
from settings.sources import FolderSource
from tasks.common.context import SiteContext
from tasks.common.errors import place_of
from tasks.common.redaction import plain_name
from tasks.common.work_folder import work_folder
from tasks.sources.base import (
    CheckResult,
    Extract,
    FoundFile,
    NotYet,
    RemoteSource,
    Row,
    Sheet,
    Source,
    SourceError,
    UnreadableFile,
    Waiting,
    WaitingReason,
)
from tasks.sources.files.encodings import CHUNK
from tasks.sources.files.period import stated_period
from tasks.sources.files.reader import digest, read_sheet
from tasks.sources.files.timestamps import stated_time, written_at
from tasks.sources.registry import source_kind
from tasks.sources.unreadable_files import UnreadableFiles

UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart", ".download")
SETTLES = timedelta(seconds=5)
"""A file may be incomplete if it was written less than this before `now`: it waits for the next
run."""

ALLOW = "add it to `allow_folders` in site.toml, or correct sources.toml"
EXPORTS = (".csv", ".tsv", ".xls", ".xlsx", ".xlsm", ".ods", ".htm", ".html", ".jsonl")
"""The ends of the names of exports; one that no pattern fits is named as not read."""

MOST_MEMBERS = 1_000
NOT_A_ZIP = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    OSError,
    EOFError,
    zlib.error,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class _File:
    """A file to read: the path of its content, its displayed name, and its time."""

    path: Path
    name: str
    made: datetime
    stated: bool
    """True if the file itself states the time it was made, by its name or its preamble."""
    origin: Path
    """The file in the folder. For a member of a ZIP archive this is the archive."""


@source_kind("folder")
class Folder(Source[FolderSource]):
    """A folder for dropped files."""

    is_remote = False

    def __init__(self, site: Site, name: str, settings: FolderSource) -> None:
        super().__init__(site, name, settings)
        self.place = settings.place(site.folder)
        """The folder of the files."""
        self.archive = None if settings.archive is None else site.folder / settings.archive
        """The folder for imported files, if the source has one."""

    def extracts(self, context: SiteContext, now: datetime) -> Iterator[Extract]:
        """Yield the unread files of the folder, in the order in which they were made.

        A file is an export of the moment at which it was made: the time that it states itself, else
        the time of its last change on disk. It is imported once with that moment and its content,
        under any name. A file that equals an earlier import is a new export if it states another
        time, or if it states none, shows everything, and was made after every import so far. Then
        the source shows again the same as at the earlier time. Otherwise it is a copy and is
        skipped.

        Files made after `now`, and incomplete files, are named in `waiting`. Unreadable files are
        named in `failures`; the others are still read.
        """
        self._check_place()
        with context.transaction() as session:
            imported = imports.imported_files(session, self.name)
        read = sorted((made, sha256) for sha256, made in imported)
        bad = UnreadableFiles(context, self.name, self.settings, now)
        with work_folder(self.site.var) as unpacked:
            files = self._files(now, unpacked, self.archive, bad)
            unread = Counter(file.origin for file in files)

            def finished(file: _File, sha256: str, *, is_new: bool = True) -> None:
                if is_new:
                    insort(read, (min(file.made, now), sha256))
                unread[file.origin] -= 1
                if not unread[file.origin]:  # all members of a ZIP archive are done
                    self._to_archive(file)

            for file in files:
                if self._is_later(file, now):
                    continue
                if self._is_known_bad(bad, file.origin, file.path, file.name):
                    continue
                try:
                    state = _state(file.path)
                    sha256 = digest(file.path)
                    if _is_copy(file, sha256, self.settings, read):
                        finished(file, sha256, is_new=False)
                        continue
                    sheet = read_sheet(file.path, self.settings)
                    period = stated_period(file.path.name, sheet.preamble, self.settings)
                except FileNotFoundError:
                    continue  # another run has just imported it
                except UnreadableFile as error:
                    self._note_unreadable(file, state, error, bad)
                    continue
                except Exception as error:
                    self.failures.append(_unexpected(file.name, error))
                    continue
                yield Extract(
                    name=file.name[-255:],
                    sha256=sha256,
                    observed_at=file.made,
                    header=sheet.header,
                    rows=_steady(sheet.rows, file, state),
                    done=partial(finished, file, sha256),
                    failed=partial(bad.note, file.origin, file.path),
                    about=self.about(sheet),
                    period=period,
                    repeats=_repeated(file.made, sha256, read),
                    unread=sheet.unread,
                )
        bad.forget_others()

    def sample(self, context: SiteContext, now: datetime) -> Iterator[Extract]:
        """Yield the folder's newest file, imported or not; else the newest in the archive."""
        self._check_place()
        with work_folder(self.site.var) as unpacked:
            files = self._files(now, unpacked)
            ready = [file for file in files if not self._is_later(file, now)]
            file = ready[-1] if ready else self._newest_archived(now)
            if file is None:
                return
            try:
                sheet = read_sheet(file.path, self.settings)
                yield Extract(
                    file.name,
                    digest(file.path),
                    file.made,
                    sheet.header,
                    sheet.rows,
                    unread=sheet.unread,
                )
            except UnreadableFile as error:
                raise type(error)(_named(str(error), file)) from None

    def about(self, sheet: Sheet) -> tuple[RemoteSource, ...]:
        """Return the descriptions of the sources of another installation: here none."""
        return ()

    def check(self, timeout: float) -> Iterator[CheckResult]:
        """Check whether the folder is there, is allowed and can be read."""
        if (forbidden := self._forbidden()) is not None:
            text = f"source {self.name} may not use the folder {forbidden}"
            yield CheckResult(False, text, ALLOW)
        elif not self.place.is_dir():
            text = f"the folder of source {self.name} is not there: {self.place}"
            yield CheckResult(False, text, "make it, or correct `folder` in sources.toml")
        elif not os.access(self.place, os.R_OK | os.X_OK):
            text = f"the folder of source {self.name} cannot be read: {self.place}"
            yield CheckResult(False, text, "let the user of the service read it")
        else:
            yield CheckResult(True, f"the folder of source {self.name} is there")

    def stated_times(self) -> Iterator[datetime]:
        """Yield the times in the names of the files that wait in the folder."""
        if self.settings.observed.file_name is None or self._forbidden() is not None:
            return
        with suppress(OSError):
            for path in _dropped(self.place, self.settings.pattern):
                stated = stated_time(path, None, self.settings)
                if stated is not None:
                    yield stated

    def put_back(self, since: datetime | None) -> int:
        """Move files archived since a moment back into the folder; returns their number.

        After a restore to that moment the database does not know these files. A file stays in the
        archive if it cannot be read any more, or if its name is already used.
        """
        if self.archive is None or not self.archive.is_dir() or not self.place.is_dir():
            return 0
        if self._forbidden() is not None:
            return 0
        moved = 0
        for path in sorted(self.archive.glob("*/*")):
            name = path.name.partition("_")[2]
            with suppress(OSError):
                archived = datetime.fromtimestamp(path.stat().st_ctime, UTC)
                target = self.place / name
                if name and (since is None or archived >= since) and not target.exists():
                    shutil.move(path, target)
                    moved += 1
        return moved

    @contextmanager
    def found_again(self, wanted: Mapping[str, str]) -> Iterator[dict[str, FoundFile]]:
        """Find the files with these SHA-256 hashes; valid inside the `with` block.

        `wanted` gives a name for each hash. A file may have any name; it may be in the folder, in
        the archive folder or inside a ZIP archive. Missing files are left out of the result.
        """
        places: list[Path] = []
        if not self._forbidden():
            places += self.place.glob("*")
            places += [] if self.archive is None else self.archive.rglob("*")
        names = {name.split("/")[0] for name in wanted.values()}
        files = [path for path in places if path.is_file() and not path.is_symlink()]
        files.sort(key=lambda path: not path.name.endswith(tuple(names)))  # the likely ones first
        found: dict[str, FoundFile] = {}
        with work_folder(self.site.var) as unpacked:
            for number, path in enumerate(files):
                if len(found) == len(wanted):
                    break
                try:
                    packed = path.suffix.lower() == ".zip"
                    inside = unpacked / str(number)
                    members = _members(path, self.settings, inside) if packed else ()
                    for each in [member.path for member in members] or [path]:
                        sha256 = digest(each)
                        if sha256 in wanted:
                            read = partial(read_sheet, each, self.settings)
                            found.setdefault(sha256, FoundFile(each.name, read))
                except UnreadableFile:
                    continue
            yield found

    def _forbidden(self) -> Path | None:
        """Return the first folder that is outside the site's and not allowed, or None."""
        folders = self.settings.to_be_allowed(self.site.folder)
        return next((each for each in folders if not self.site.may_use(each)), None)

    def _check_place(self) -> None:
        if (forbidden := self._forbidden()) is not None:
            raise SourceError(f"{forbidden} is outside the site's folder; {ALLOW}")
        if not self.place.is_dir():
            raise SourceError(f"{self.place}: no such folder; correct `folder` of {self.name}")

    def _is_later(self, file: _File, now: datetime) -> bool:
        """Check whether a file was made after `now`; it is then named in `waiting`."""
        earliest = self.settings.not_before(file.made)
        if earliest <= now:
            return False
        since = self._local(earliest).isoformat(timespec="minutes")
        self.waiting.append(Waiting(plain_name(file.name), WaitingReason.MADE_LATER, since))
        return True

    def _is_known_bad(self, bad: UnreadableFiles, origin: Path, path: Path, name: str) -> bool:
        """Check whether a file was unreadable before and is unchanged; it is named again then.

        `path` is the file in the folder, or the unpacked file inside of it.
        """
        known = bad.known(origin, path)
        if known is None:
            return False
        if known.set_aside_at is None:
            self.failures.append(known.reason)
        else:
            since = self._local(known.set_aside_at).isoformat(timespec="minutes")
            self.waiting.append(Waiting(name, WaitingReason.SET_ASIDE, since))
            self.set_aside.append((name, since))
        return True

    def _note_unreadable(
        self, file: _File, state: tuple[int, int], error: UnreadableFile, bad: UnreadableFiles
    ) -> None:
        """Note that a file cannot be read, or that it is still being written."""
        if not file.path.exists():
            return
        if _state(file.path) != state:
            self.waiting.append(Waiting(plain_name(file.name), WaitingReason.CHANGING))
        else:
            named = type(error)(_named(str(error), file))
            self.failures.append(str(named))
            named.__cause__ = error
            bad.note(file.origin, file.path, named)

    def _local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.site.zone)

    def _files(
        self,
        now: datetime,
        unpacked: Path,
        archive: Path | None = None,
        bad: UnreadableFiles | None = None,
    ) -> list[_File]:
        """Return the files of the folder and of the ZIP archives in it, oldest first."""
        found: list[_File] = []
        kept = None if archive is None else archive.resolve()
        unmatched = (plain_name(path.name) for path in self._unmatched())
        self.waiting += (Waiting(name, WaitingReason.OTHER_NAME) for name in unmatched)
        for path in _dropped(self.place, self.settings.pattern):
            unfinished = path.name.startswith((".", "~")) or path.suffix.lower() in UNFINISHED
            if unfinished or path.is_symlink() or not path.is_file():
                continue
            inside, place = path.parent.resolve(), self.place.resolve()
            if not inside.is_relative_to(place) or (kept and inside.is_relative_to(kept)):
                continue
            try:
                if timedelta(0) <= now - written_at(path) < SETTLES:
                    settled = self._local(written_at(path) + SETTLES).isoformat(timespec="seconds")
                    shown = plain_name(path.name)
                    self.waiting.append(Waiting(shown, WaitingReason.JUST_WRITTEN, settled))
                elif bad and self._is_known_bad(bad, path, path, plain_name(path.name)):
                    continue
                elif path.suffix.lower() == ".zip":
                    members = _members(path, self.settings, unpacked / path.name)
                    found += list(members)  # all of it or nothing
                else:
                    found.append(_file(path, path.name, path, self.settings))
            except FileNotFoundError:
                continue  # another run has just imported it
            except UnreadableFile as error:
                self.failures.append(str(error))
                if bad is not None:
                    bad.note(path, path, error)
            except Exception as error:
                self.failures.append(_unexpected(plain_name(path.name), error))
        return sorted(found, key=lambda file: (file.made, file.name))

    def _unmatched(self) -> list[Path]:
        """Return the exports in the folder that fit the pattern of no source with this folder."""
        sources = [each for each in self.site.sources.values() if isinstance(each, FolderSource)]
        patterns = [each.pattern for each in sources if each.place(self.site.folder) == self.place]
        if any("/" in pattern for pattern in patterns):
            return []
        return sorted(
            path
            for path in self.place.iterdir()
            if path.suffix.lower() in EXPORTS
            and not path.name.startswith((".", "~"))
            and not any(_called(path.name, pattern) for pattern in patterns)
            and path.is_file()
        )

    def _newest_archived(self, now: datetime) -> _File | None:
        source = self.settings
        if self.archive is None:
            return None
        for folder in sorted(self.archive.glob("*/"), reverse=True):
            files = []
            for path in folder.glob("*"):
                name = path.name.partition("_")[2]  # without its hash
                if path.is_symlink() or not PurePosixPath(name).match(source.pattern):
                    continue
                sheet = read_sheet(path, source) if source.needs_sheet else None
                stated = stated_time(path.with_name(name), sheet, source)
                file = _File(path, name, stated or written_at(path), stated is not None, path)
                if source.not_before(file.made) <= now:
                    files.append(file)
            if files:
                return max(files, key=lambda file: (file.made, file.name))
        return None

    def _to_archive(self, file: _File) -> None:
        """Move an imported file to the archive, if the source has one.

        Its name there is its SHA-256 and its own name, so copies under other names do not collide.
        """
        if self.archive is None or not file.origin.exists():
            return
        folder = self.archive / f"{self._local(file.made):%Y-%m}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.move(file.origin, folder / f"{digest(file.origin)}_{file.origin.name[-120:]}")
        except FileNotFoundError:
            return  # another run has just moved it
        except (OSError, UnreadableFile) as error:
            why = getattr(error, "strerror", None) or error
            self.failures.append(
                f"{plain_name(file.origin.name)}: read, but cannot be moved to {folder} ({why})"
            )


def _is_copy(
    file: _File, sha256: str, source: FolderSource, read: Sequence[tuple[datetime, str]]
) -> bool:
    """Check whether a file is only a copy of an imported export; see :meth:`Folder.extracts`.

    `read` has the imports so far, oldest first.
    """
    same = [made for made, content in read if content == sha256]
    if not same:
        return False
    if any(source.not_before(file.made) <= made <= file.made for made in same):
        return True
    if file.stated:
        return False
    return not source.shows_everything or file.made <= read[-1][0]


def _repeated(made: datetime, sha256: str, read: Sequence[tuple[datetime, str]]) -> datetime | None:
    """Return the time of the last earlier import of the same content, if other content was imported
    since then; None otherwise.
    """
    before = [each for each in read if each[0] < made]
    if not before or before[-1][1] == sha256:
        return None
    return max((moment for moment, content in before if content == sha256), default=None)


def _state(path: Path) -> tuple[int, int]:
    """Return the size and the last modification time (ns); they reveal a write to the file."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _steady(rows: Iterable[Row], file: _File, state: tuple[int, int]) -> Iterator[Row]:
    """Iterate over the rows of a file; raises :class:`NotYet` if it changes during the reading."""
    try:
        yield from rows
    except UnreadableFile as error:
        if _changed(file.path, state):
            raise NotYet(f"{file.name}: is being written") from None
        raise type(error)(_named(str(error), file)) from None
    if _changed(file.path, state):
        raise NotYet(f"{file.name}: is being written")


def _changed(path: Path, state: tuple[int, int]) -> bool:
    return not path.exists() or _state(path) != state


def _named(text: str, file: _File) -> str:
    """Replace the path's name in an error text by the file's name known to people."""
    return text.replace(plain_name(file.path.name), file.name, 1)


def _unexpected(name: str, error: Exception) -> str:
    return (
        f"{name}: unexpected error ({place_of(error)}); nothing of it is imported. Please report it"
    )


def _dropped(place: Path, pattern: str) -> list[Path]:
    """Return the files matching the pattern in any letter case, and gzip files and ZIP archives."""
    if "/" in pattern:
        return sorted({*place.glob(pattern), *place.glob(f"{pattern}.gz"), *place.glob("*.zip")})
    return sorted(
        path
        for path in place.iterdir()
        if path.suffix.lower() == ".zip" or _called(path.name, pattern)
    )


def _called(name: str, pattern: str) -> bool:
    name, pattern = name.lower(), pattern.lower()
    return fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}.gz")


def _file(path: Path, name: str, origin: Path, source: FolderSource) -> _File:
    sheet = read_sheet(path, source) if source.needs_sheet else None
    stated = stated_time(path, sheet, source)
    return _File(path, plain_name(name), stated or written_at(origin), stated is not None, origin)


def _members(path: Path, source: FolderSource, folder: Path) -> Iterator[_File]:
    """Unpack the files of a ZIP archive into a folder, within the size limit of the source."""
    left = source.max_unpacked_mb << 20
    pattern = PurePosixPath(source.pattern).name
    try:
        with zipfile.ZipFile(path) as packed:
            members = [member for member in packed.infolist() if not member.is_dir()]
            if len(members) > MOST_MEMBERS:
                raise UnreadableFile(f"{path.name}: more than {MOST_MEMBERS} files in it")
            wanted = [
                (member, name)
                for member in members
                if (name := _member_name(path, member)) and _called(name, pattern)
            ]
            if not wanted:
                raise UnreadableFile(f"{path.name}: no file in it is called like {pattern}")
            for number, (member, name) in enumerate(wanted):
                target = folder / str(number) / name
                target.parent.mkdir(parents=True)
                with packed.open(member) as inside, target.open("wb") as out:
                    while chunk := inside.read(CHUNK):
                        left -= len(chunk)
                        if left < 0:
                            raise UnreadableFile(
                                f"{path.name}: more than {source.max_unpacked_mb} MB unpacked"
                                " (max_unpacked_mb)"
                            )
                        out.write(chunk)
                yield _file(target, f"{path.name}/{name}", path, source)
    except NOT_A_ZIP as error:
        raise UnreadableFile(f"{path.name}: no readable ZIP archive ({error})") from None


def _member_name(path: Path, member: zipfile.ZipInfo) -> str:
    """Return the name of a file in a ZIP archive without its folders, or '' for a file to ignore.

    The folders are dropped because a hostile archive may point outside. Raises
    :class:`UnreadableFile` for an unreadable member: it must not be skipped silently.
    """
    name = PurePosixPath(member.filename.replace("\\", "/")).name
    if not name or name.startswith((".", "~")):
        return ""
    for wrong, what in (
        (member.flag_bits & 1, "encrypted"),
        (stat.S_ISLNK(member.external_attr >> 16), "a link"),
        (name.lower().endswith(".zip"), "a ZIP archive itself"),
    ):
        if wrong:
            raise UnreadableFile(f"{path.name}: {name} in it is {what}")
    return name
