"""Texts of the Prefect UI in the language of a site: descriptions, forms and automations.

Names of flows, deployments, variables and parameters are identifiers and the same in every
language. prefect.yaml and `parameters` have the English texts too, for `prefect deploy`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.text.catalog import catalog


def ui_text(locale: str, key: str, **values: object) -> str:
    """Return a text of the UI in a language; `key` is one of the table `prefect`."""
    return catalog(locale)(f"prefect.{key}", **values)


def form_in(locale: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a flow's parameters with titles and descriptions in a language."""
    fields = {
        name: {
            **field,
            "title": ui_text(locale, f"parameters.{name}.title"),
            "description": ui_text(locale, f"parameters.{name}.text"),
        }
        for name, field in schema["properties"].items()
    }
    return {**schema, "properties": fields}
