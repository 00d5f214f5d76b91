"""A disk on which nothing can be written is named before a part of the service starts."""

from __future__ import annotations

import errno
import os

import pytest

from service.errors import ServiceError
from service.machine import check_disk
from service.prefect_server import prefect_server
from tasks.text.translation import translated


@pytest.mark.parametrize(
    ("number", "english", "indonesian"),
    [
        (errno.ENOSPC, "is full; make room on it", "penuh; kosongkan ruangnya"),
        (errno.EDQUOT, "is full; make room on it", "penuh; kosongkan ruangnya"),
        (errno.EROFS, "can only be read; look whether", "hanya dapat dibaca; periksa apakah"),
    ],
)
def test_a_disk_that_takes_nothing_is_named_with_the_remedy(
    tmp_path, monkeypatch, number, english, indonesian
):
    def refused(**_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("tempfile.TemporaryFile", refused)
    with pytest.raises(ServiceError) as found, prefect_server(tmp_path):
        pass
    assert str(found.value).startswith(f"the disk of {tmp_path} {english}")
    said = translated(str(found.value), "id")
    assert said.startswith(f"penyimpanan {tmp_path} {indonesian}")


def test_a_disk_with_room_is_left_as_it_was(tmp_path):
    check_disk(tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []
