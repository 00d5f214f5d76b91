"""A folder as a source: which files to read now, in which order, and what becomes of them."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path, PurePosixPath

from db import looks
from settings.sources import FolderSource
from tasks.feeds.batch import Batch, SourceTrouble, UnreadableFile
from tasks.office import Office
from tasks.reading import CHUNK, digest, read_sheet, told_time, written_at

UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart", ".download")
SETTLES = timedelta(seconds=5)
"""A file written to so shortly before `now` may not be whole yet; it waits for the next run."""

MOST_MEMBERS = 1_000


@dataclass(frozen=True, slots=True)
class _File:
    """A file to look at: where its content lies, how it is called, when it was made.

    `told` tells that it says so itself; `origin` is the file in the folder, for a member of a ZIP
    archive the archive.
    """

    path: Path
    name: str
    made: datetime
    told: bool
    origin: Path


def batches(
    office: Office,
    name: str,
    source: FolderSource,
    now: datetime,
    waiting: list[str],
    failures: list[str],
) -> Iterator[Batch]:
    """The files to read now, in the order in which they were made.

    A file is known by its content, under whatever name: an old export that turns up again teaches
    nothing. Only where it repeats the newest one, or has no rows, and says that it was made later,
    it is a look of its own: nothing has changed since. Files made after `now`, or not yet whole,
    are named in `waiting`; those that cannot be read in `failures`, and the rest goes on.
    """
    place = source.place(office.site.folder)
    if not place.is_dir():
        raise SourceTrouble(f"{place}: no such folder; correct `folder` of {name}")
    with office.transaction() as session:
        read = looks.known(session, name)
    contents = {sha256 for sha256, _ in read}
    newest, last = max(((made, sha256) for sha256, made in read), default=(None, ""))
    with tempfile.TemporaryDirectory(prefix="tenggat-") as unpacked:
        for file in _files(place, source, now, Path(unpacked), waiting, failures):
            keep = partial(_archive, office, source, file, failures)
            if source.not_before(file.made) > now:
                waiting.append(file.name)
                continue
            try:
                sha256 = digest(file.path)
                if sha256 in contents:
                    made = source.not_before(file.made)
                    later = file.told and (newest is None or made > newest)
                    if not later or (sha256 != last and _has_rows(file.path, source)):
                        keep(sha256)
                        continue
                sheet = read_sheet(file.path, source)
            except UnreadableFile as error:
                failures.append(_named(str(error), file))
                continue
            contents.add(sha256)
            newest, last = file.made, sha256
            yield Batch(
                name=file.name,
                sha256=sha256,
                observed_at=file.made,
                header=sheet.header,
                rows=sheet.rows,
                done=partial(keep, sha256),
            )


def _has_rows(path: Path, source: FolderSource) -> bool:
    return next(iter(read_sheet(path, source).rows), None) is not None


def _named(text: str, file: _File) -> str:
    """An error under the name by which people know the file."""
    return text.replace(file.path.name, file.name, 1)


def _files(
    place: Path,
    source: FolderSource,
    now: datetime,
    unpacked: Path,
    waiting: list[str],
    failures: list[str],
) -> list[_File]:
    """The files of a folder and of the archives in it, oldest first."""
    found: list[_File] = []
    for path in sorted({*place.glob(source.pattern), *place.glob("*.zip")}):
        unfinished = path.name.startswith((".", "~")) or path.suffix.lower() in UNFINISHED
        if unfinished or path.is_symlink() or not path.is_file():
            continue
        if timedelta(0) <= now - written_at(path) < SETTLES:
            waiting.append(path.name)
            continue
        try:
            if path.suffix.lower() == ".zip":
                found += _members(path, source, unpacked / path.name)
            else:
                found.append(_file(path, path.name, path, source))
        except UnreadableFile as error:
            failures.append(str(error))
    return sorted(found, key=lambda file: (file.made, file.name))


def _file(path: Path, name: str, origin: Path, source: FolderSource) -> _File:
    sheet = read_sheet(path, source) if source.observed.needs_sheet else None
    told = told_time(path, sheet, source)
    return _File(path, name, told or written_at(origin), told is not None, origin)


def _members(path: Path, source: FolderSource, folder: Path) -> Iterator[_File]:
    """The files in a ZIP archive, unpacked to a folder within the limits of the source."""
    left = source.max_unpacked_mb << 20
    try:
        with zipfile.ZipFile(path) as packed:
            members = [member for member in packed.infolist() if not member.is_dir()]
            if len(members) > MOST_MEMBERS:
                raise UnreadableFile(f"{path.name}: more than {MOST_MEMBERS} files in it")
            for number, member in enumerate(members):
                name = PurePosixPath(member.filename.replace("\\", "/")).name  # never outside
                if not name or name.startswith((".", "~")):
                    continue
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
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
        raise UnreadableFile(f"{path.name}: no readable ZIP archive ({error})") from None


def _archive(
    office: Office, source: FolderSource, file: _File, failures: list[str], sha256: str
) -> None:
    """Move a file that has been read to the archive, if the source has one."""
    if source.archive is None or not file.origin.exists():
        return
    folder = office.site.folder / source.archive / f"{office.local(file.made):%Y-%m}"
    mark = sha256 if file.origin == file.path else digest(file.origin)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.move(file.origin, folder / f"{mark[:16]}_{file.origin.name}")
    except OSError as error:
        failures.append(f"{file.name}: read, but cannot be moved to {folder} ({error.strerror})")
