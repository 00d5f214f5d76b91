"""A folder as a source: select the files to read, order them, and archive them."""

from __future__ import annotations

import shutil
import stat
import tempfile
import zipfile
import zlib
from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path, PurePosixPath

from db import imports
from settings.sources import FolderSource
from tasks.common.context import SiteContext
from tasks.common.errors import place_of
from tasks.sources.base import (
    Extract,
    NotYet,
    Row,
    SourceError,
    UnreadableFile,
    Waiting,
    WaitingReason,
)
from tasks.sources.exchange_header import told_about
from tasks.sources.files.encodings import CHUNK
from tasks.sources.files.period import stated_period
from tasks.sources.files.reader import digest, read_sheet
from tasks.sources.files.timestamps import told_time, written_at

UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart", ".download")
SETTLES = timedelta(seconds=5)
"""A file may be incomplete if it was written less than this before `now`: it waits for the next
run."""

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
    told: bool
    """True if the file itself states the time it was made, by its name or its preamble."""
    origin: Path
    """The file in the folder. For a member of a ZIP archive this is the archive."""


def batches(
    office: SiteContext,
    name: str,
    source: FolderSource,
    now: datetime,
    waiting: list[Waiting],
    failures: list[str],
) -> Iterator[Extract]:
    """Yield the unread files of a folder, in the order in which they were made.

    A file is identified by its content, under any name. A second copy of an old export adds no
    information and is skipped. It is a snapshot of its own only if it states its own time and one
    of these is true:

    - it was made before all other copies of this content;
    - it repeats the snapshot directly before it;
    - it has no rows;
    - an export since the last copy did not show some complaints any more.

    Nothing had changed at such a time, or an export is complete again.

    Files made after `now`, and incomplete files, are named in `waiting`. Unreadable files are named
    in `failures`; the others are still read.
    """
    place = _place(office, name, source)
    with office.transaction() as session:
        read = sorted((made, sha256) for sha256, made in imports.imported_files(session, name))
    with tempfile.TemporaryDirectory(prefix="tenggat-") as unpacked:
        files = _files(
            office,
            place,
            source,
            now,
            Path(unpacked),
            waiting,
            failures,
            _archive_of(office, source),
        )
        unread = Counter(file.origin for file in files)

        def finished(file: _File, sha256: str, *, look: bool = True) -> None:
            if look:
                insort(read, (min(file.made, now), sha256))
            unread[file.origin] -= 1
            if not unread[file.origin]:  # all members of a ZIP archive are done
                _archive(office, source, file, failures)

        for file in files:
            if source.not_before(file.made) > now:
                waiting.append(_later(office, source, file))
                continue
            try:
                state = _state(file.path)
                sha256 = digest(file.path)
                if _is_duplicate(file, sha256, source, read, partial(_left_out, office, name)):
                    finished(file, sha256, look=False)
                    continue
                sheet = read_sheet(file.path, source)
                period = stated_period(file.path.name, sheet.preamble, source)
            except FileNotFoundError:
                continue  # another run has just imported it
            except UnreadableFile as error:
                if not file.path.exists():
                    continue
                if _state(file.path) != state:
                    waiting.append(Waiting(file.name, WaitingReason.CHANGING))
                else:
                    failures.append(_named(str(error), file))
                continue
            except Exception as error:
                failures.append(_unexpected(file.name, error))
                continue
            yield Extract(
                name=file.name[-255:],
                sha256=sha256,
                observed_at=file.made,
                header=sheet.header,
                rows=_steady(sheet.rows, file, state),
                done=partial(finished, file, sha256),
                about=told_about(sheet, source),
                period=period,
            )


def _place(office: SiteContext, name: str, source: FolderSource) -> Path:
    place = source.place(office.site.folder)
    if not place.is_dir():
        raise SourceError(f"{place}: no such folder; correct `folder` of {name}")
    return place


def _left_out(office: SiteContext, name: str, after: datetime, before: datetime) -> bool:
    """Check whether an import between two moments did not show some complaints any more."""
    with office.transaction() as session:
        return imports.left_out(session, name, after, before)


def _is_duplicate(
    file: _File,
    sha256: str,
    source: FolderSource,
    read: Sequence[tuple[datetime, str]],
    left_out: Callable[[datetime, datetime], bool],
) -> bool:
    """Check whether a file is only another copy of imported content; see :func:`batches`."""
    same = [made for made, content in read if content == sha256]
    if not same:
        return False
    earliest = source.not_before(file.made)
    if not file.told or any(earliest <= made <= file.made for made in same):
        return True
    before = next((content for made, content in reversed(read) if made < earliest), "")
    if before == sha256 or file.made <= min(same) or not _has_rows(file.path, source):
        return False
    return not left_out(max(made for made in same if made < file.made), file.made)


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
        raise UnreadableFile(_named(str(error), file)) from None
    if _changed(file.path, state):
        raise NotYet(f"{file.name}: is being written")


def _changed(path: Path, state: tuple[int, int]) -> bool:
    return not path.exists() or _state(path) != state


def newest(
    office: SiteContext,
    name: str,
    source: FolderSource,
    now: datetime,
    waiting: list[Waiting],
    failures: list[str],
) -> Iterator[Extract]:
    """Yield the folder's newest file, imported or not; else the newest in the archive."""
    place = _place(office, name, source)
    with tempfile.TemporaryDirectory(prefix="tenggat-") as unpacked:
        files = _files(office, place, source, now, Path(unpacked), waiting, failures)
        waiting += [
            _later(office, source, file) for file in files if source.not_before(file.made) > now
        ]
        ready = [file for file in files if source.not_before(file.made) <= now]
        file = ready[-1] if ready else _newest_archived(office, source, now)
        if file is None:
            return
        try:
            sheet = read_sheet(file.path, source)
            yield Extract(file.name, digest(file.path), file.made, sheet.header, sheet.rows)
        except UnreadableFile as error:
            raise type(error)(_named(str(error), file)) from None


def _newest_archived(office: SiteContext, source: FolderSource, now: datetime) -> _File | None:
    archive = _archive_of(office, source)
    if archive is None:
        return None
    for folder in sorted(archive.glob("*/"), reverse=True):
        files = []
        for path in folder.glob("*"):
            name = path.name.partition("_")[2]  # without its hash
            if path.is_symlink() or not PurePosixPath(name).match(source.pattern):
                continue
            sheet = read_sheet(path, source) if source.needs_sheet else None
            told = told_time(path.with_name(name), sheet, source)
            file = _File(path, name, told or written_at(path), told is not None, path)
            if source.not_before(file.made) <= now:
                files.append(file)
        if files:
            return max(files, key=lambda file: (file.made, file.name))
    return None


@contextmanager
def found_again(
    office: SiteContext, source: FolderSource, wanted: Mapping[str, str]
) -> Iterator[dict[str, Path]]:
    """Find the files with these SHA-256 hashes; the paths are valid inside the `with` block.

    `wanted` gives a name for each hash. A file may have any name; it may be in the source's folder,
    in the archive folder or inside a ZIP archive. Missing files are left out of the result.
    """
    places = [*source.place(office.site.folder).glob("*")]
    archive = _archive_of(office, source)
    if archive is not None:
        places += archive.rglob("*")
    names = {name.split("/")[0] for name in wanted.values()}
    files = [path for path in places if path.is_file() and not path.is_symlink()]
    files.sort(key=lambda path: not path.name.endswith(tuple(names)))  # the likely ones first
    found: dict[str, Path] = {}
    with tempfile.TemporaryDirectory(prefix="tenggat-") as unpacked:
        for number, path in enumerate(files):
            if len(found) == len(wanted):
                break
            try:
                packed = path.suffix.lower() == ".zip"
                inside = Path(unpacked) / str(number)
                members = [each.path for each in _members(path, source, inside)] if packed else []
                for each in members or [path]:
                    sha256 = digest(each)
                    if sha256 in wanted:
                        found.setdefault(sha256, each)
            except UnreadableFile:
                continue
        yield found


def _has_rows(path: Path, source: FolderSource) -> bool:
    return next(iter(read_sheet(path, source).rows), None) is not None


def _named(text: str, file: _File) -> str:
    """Replace the path's name in an error text by the file's name known to people."""
    return text.replace(file.path.name, file.name, 1)


def _later(office: SiteContext, source: FolderSource, file: _File) -> Waiting:
    since = office.local(source.not_before(file.made)).isoformat(timespec="minutes")
    return Waiting(file.name, WaitingReason.MADE_LATER, since)


def _unexpected(name: str, error: Exception) -> str:
    return (
        f"{name}: unexpected error ({place_of(error)}); nothing of it is imported. Please report it"
    )


def _files(
    office: SiteContext,
    place: Path,
    source: FolderSource,
    now: datetime,
    unpacked: Path,
    waiting: list[Waiting],
    failures: list[str],
    archive: Path | None = None,
) -> list[_File]:
    """Return the files of a folder and of the ZIP archives in it, oldest first."""
    found: list[_File] = []
    kept = None if archive is None else archive.resolve()
    waiting += (Waiting(path.name, WaitingReason.OTHER_NAME) for path in _unmatched(office, place))
    for path in _dropped(place, source.pattern):
        unfinished = path.name.startswith((".", "~")) or path.suffix.lower() in UNFINISHED
        if unfinished or path.is_symlink() or not path.is_file():
            continue
        inside = path.parent.resolve()
        if not inside.is_relative_to(place.resolve()) or (kept and inside.is_relative_to(kept)):
            continue
        try:
            if timedelta(0) <= now - written_at(path) < SETTLES:
                settled = office.local(written_at(path) + SETTLES).isoformat(timespec="seconds")
                waiting.append(Waiting(path.name, WaitingReason.JUST_WRITTEN, settled))
            elif path.suffix.lower() == ".zip":
                found += list(_members(path, source, unpacked / path.name))  # all of it or nothing
            else:
                found.append(_file(path, path.name, path, source))
        except FileNotFoundError:
            continue  # another run has just imported it
        except UnreadableFile as error:
            failures.append(str(error))
        except Exception as error:
            failures.append(_unexpected(path.name, error))
    return sorted(found, key=lambda file: (file.made, file.name))


def _dropped(place: Path, pattern: str) -> list[Path]:
    """Return the files matching the pattern in any letter case, and gzip files and ZIP archives."""
    if "/" in pattern:
        return sorted({*place.glob(pattern), *place.glob(f"{pattern}.gz"), *place.glob("*.zip")})
    return sorted(
        path
        for path in place.iterdir()
        if path.suffix.lower() == ".zip" or _called(path.name, pattern)
    )


def _unmatched(office: SiteContext, place: Path) -> list[Path]:
    """Return the exports in a folder that fit the pattern of no source with this folder."""
    sources = [each for each in office.site.sources.values() if isinstance(each, FolderSource)]
    patterns = [each.pattern for each in sources if each.place(office.site.folder) == place]
    if any("/" in pattern for pattern in patterns):
        return []
    return sorted(
        path
        for path in place.iterdir()
        if path.suffix.lower() in EXPORTS
        and not path.name.startswith((".", "~"))
        and not any(_called(path.name, pattern) for pattern in patterns)
        and path.is_file()
    )


def _called(name: str, pattern: str) -> bool:
    name, pattern = name.lower(), pattern.lower()
    return fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}.gz")


def _file(path: Path, name: str, origin: Path, source: FolderSource) -> _File:
    sheet = read_sheet(path, source) if source.needs_sheet else None
    told = told_time(path, sheet, source)
    return _File(path, name, told or written_at(origin), told is not None, origin)


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


def _archive_of(office: SiteContext, source: FolderSource) -> Path | None:
    return None if source.archive is None else office.site.folder / source.archive


def _archive(office: SiteContext, source: FolderSource, file: _File, failures: list[str]) -> None:
    """Move an imported file to the archive, if the source has one.

    Its name there is its SHA-256 and its own name, so copies under other names do not collide.
    """
    archive = _archive_of(office, source)
    if archive is None or not file.origin.exists():
        return
    folder = archive / f"{office.local(file.made):%Y-%m}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.move(file.origin, folder / f"{digest(file.origin)}_{file.origin.name[-120:]}")
    except FileNotFoundError:
        return  # another run has just moved it
    except (OSError, UnreadableFile) as error:
        why = getattr(error, "strerror", None) or error
        failures.append(f"{file.origin.name}: read, but cannot be moved to {folder} ({why})")


def put_back(office: SiteContext, source: FolderSource, since: datetime | None) -> list[str]:
    """Move files archived since a moment back into the source's folder; returns their names.

    After a restore to that moment the database does not know these files. A file stays in the
    archive if it cannot be read any more, or if its name is already used.
    """
    archive = _archive_of(office, source)
    place = source.place(office.site.folder)
    if archive is None or not archive.is_dir() or not place.is_dir():
        return []
    names = []
    for path in sorted(archive.glob("*/*")):
        name = path.name.partition("_")[2]
        with suppress(OSError):
            moved = datetime.fromtimestamp(path.stat().st_ctime, UTC)
            if name and (since is None or moved >= since) and not (place / name).exists():
                shutil.move(path, place / name)
                names.append(name)
    return names
