"""Refuse to build a wheel: Tenggat is installed from its checkout (`pip install --editable .`).

It reads templates/, regulations/ and prefect.yaml beside its packages. A wheel would lack them.
"""

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel


class RefusedWheel(bdist_wheel):
    """The command that builds a wheel; an editable installation does not run it."""

    def run(self) -> None:
        """Stop with the reason and the remedy."""
        raise SystemExit(
            "Tenggat is installed from its checkout: run `make install` or"
            " `pip install --editable .` there. A wheel would lack templates/, regulations/ and"
            " prefect.yaml"
        )


setup(cmdclass={"bdist_wheel": RefusedWheel})
