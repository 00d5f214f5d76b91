"""What tests need beyond Python."""

import os

import pytest


def needed(there: object, what: str, remedy: str) -> None:
    """Skip, saying how to install it, where something is missing; fail in CI, which installs it."""
    if not there:
        if os.environ.get("CI"):
            pytest.fail(f"no {what}, and this is CI")
        pytest.skip(f"no {what}; {remedy}")
