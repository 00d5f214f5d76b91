"""The mistakes that reading a site's folder names."""

from pathlib import Path

import pytest

from settings.errors import SettingsError
from settings.site import load_site
from support.one_language import assert_indonesian


def mistakes(folder: Path) -> list[str]:
    """The lines of the error, without the folder. Each of them has an Indonesian form."""
    with pytest.raises(SettingsError) as error:
        load_site(folder)
    assert_indonesian(*str(error.value).splitlines())
    return str(error.value).replace(f"{folder.resolve()}/", "").splitlines()
