"""The files of a site, read and checked: one module for each of them."""

from settings.errors import SettingsError
from settings.site import Site, load_site

__all__ = ["SettingsError", "Site", "load_site"]
