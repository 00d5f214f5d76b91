"""What tests need beyond Python, and how much they do."""

import os
from typing import TypeVar

import pytest
from hypothesis import settings

Size = TypeVar("Size")


def sized(usual: Size, long: Size) -> Size:
    """The size of a test marked `long`: `make prove` runs it once more with the second one.

    To be asked when the module is imported; see the profile `long` in conftest.py.
    """
    return long if settings.get_current_profile_name() == "long" else usual


def needed(there: object, what: str, remedy: str) -> None:
    """Skip, saying how to install it, where something is missing; fail in CI, which installs it."""
    if not there:
        if os.environ.get("CI"):
            pytest.fail(f"no {what}, and this is CI")
        pytest.skip(f"no {what}; {remedy}")
