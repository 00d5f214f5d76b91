"""The mistakes that reading a site's folder names."""

from pathlib import Path

import pytest

from settings.errors import SettingsError
from settings.site import load_site


def mistakes(folder: Path) -> list[str]:
    """The lines of the error, without the folder."""
    with pytest.raises(SettingsError) as error:
        load_site(folder)
    return str(error.value).replace(f"{folder.resolve()}/", "").splitlines()
