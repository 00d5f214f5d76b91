"""Texts of the Prefect UI: in the language of the site, and the same English everywhere."""

from pathlib import Path

import pytest
import yaml
from conftest import REPOSITORY
from prefect.utilities.callables import parameter_schema

from flows.ui_texts import form_in, ui_text
from service.automations import automations, silences
from service.deployment_specs import flow_of, plans
from settings.site import EXAMPLE, load_site

SPECS = yaml.safe_load((REPOSITORY / "prefect.yaml").read_text("utf-8"))["deployments"]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec["name"])
def test_the_english_of_a_site_is_that_of_prefect_yaml_and_of_the_flows(spec):
    assert ui_text("en", f"flows.{spec['name']}") == spec["description"]
    form = parameter_schema(flow_of(spec["entrypoint"])).model_dump()
    assert form_in("en", form) == form
    fields = form_in("id", form)["properties"]
    assert fields
    for name, field in form["properties"].items():
        assert {"title", "description"} >= {
            key for key, value in fields[name].items() if field[key] != value
        }
        assert fields[name]["description"] != field["description"]


@pytest.mark.parametrize(
    ("locale", "description", "silent", "crashed"),
    [
        ("id", "Mengirim surel yang menunggu.", "tidak berjalan", "dinyatakan mati"),
        ("en", "Sends the queued mails.", "is silent", "has crashed"),
    ],
)
def test_descriptions_and_automations_are_in_the_language_of_the_site(
    locale, description, silent, crashed
):
    site = load_site(Path(EXAMPLE))
    site.locale = locale
    minutes = dict(site.file.watch.silent_minutes)
    wanted = plans([site])
    assert description in [plan.body["description"] for plan in wanted]
    found = silences([site], wanted, {plan.name: plan.name for plan in wanted})
    assert [each["name"] for each in found] == [
        f"tenggat: {flow}/{flow} {silent}" for flow in ("deadlines", "delivery")
    ]
    assert [each["trigger"]["within"] for each in found] == [
        60 * minutes[flow] for flow in ("deadlines", "delivery")
    ]
    (shared,) = automations(locale)
    assert crashed in shared["name"]
