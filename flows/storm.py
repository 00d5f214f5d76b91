"""Storm: a run with too many mails waits here for a person's decision."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from prefect import flow, get_run_logger
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from pydantic import Field, create_model

from db import storms
from db.models import StormStatus
from flows.parameters import SiteFolder, StormNumber
from flows.permitted import check_site, served_sites
from settings.site import load_site
from tasks.common.context import SiteContext
from tasks.notifications.storms import decide
from tasks.text.catalog import catalog
from tasks.text.templates import render

DEPLOYMENTS = ("storm/{site}", "storm/storm")
"""Possible names of this deployment: with several sites each site has its own."""


LONGEST_RUN = 10 * 60
"""Time limit in seconds. While the run waits for a person it is suspended, and the time does not
count."""


@flow(
    name="storm",
    flow_run_name="storm {storm}",
    persist_result=True,
    timeout_seconds=LONGEST_RUN,
)
def storm(storm: StormNumber, site: SiteFolder = None) -> dict[str, Any]:
    """Ask in the UI whether to send the mails of a storm, and act on the answer.

    The run is suspended, not only paused: it waits without a process and without a time limit, and
    continues after the form is submitted. If the command line decided first, the run reports this
    decision and ends.
    """
    check_site(site, served_sites())
    context = SiteContext.open(site)
    try:
        with context.transaction() as session:
            found = storms.found(session, storm)
            if found is None:
                raise ValueError(
                    f"there is no storm {storm}; see `tenggat mail list --status held`"
                )
            waits, facts = found.status == StormStatus.WAITING, (found.mails, found.mail_limit)
        if waits:
            asked = form(context, *facts)
            answer: Any = suspend_flow_run(wait_for_input=asked, key=f"storm-{storm}")
            send, by = answer.decision.name == "SEND", f"Prefect UI: {answer.by}"
            done, mails = decide(context, storm, datetime.now(UTC), by, send=send)
            get_run_logger().info("storm %d: %d mails %s", storm, mails, done.status)
        with context.transaction() as session:
            found = storms.found(session, storm)
            assert found is not None
            return {"storm": storm, "status": found.status, "decided_by": found.decided_by}
    finally:
        context.close()


def form(context: SiteContext, mails: int, mail_limit: int) -> type[RunInput]:
    """Build the form for the UI, in the site's language. No choice is preselected."""
    t = catalog(context.site.locale)
    choice = StrEnum("choice", [("SEND", t("storm.send")), ("DROP", t("storm.drop"))])
    fields: dict[str, Any] = {
        "decision": (choice, Field(title=t("storm.decision"))),
        "by": (str, Field(title=t("storm.by"), min_length=1, max_length=200)),
    }
    model: type[RunInput] = create_model("StormDecision", __base__=RunInput, **fields)
    text = render(
        "report/storm.md.j2",
        locale=context.site.locale,
        zone=context.site.zone,
        site=context.site.name,
        mails=mails,
        mail_limit=mail_limit,
    )
    return model.with_initial_data(description=text)


def ask(storm: int, site: str | None) -> bool:
    """Start this flow to show the question in the UI; returns False if it is not deployed."""
    place = load_site(site).folder.name
    for name in DEPLOYMENTS:
        with suppress(ObjectNotFound):
            run_deployment(
                name.format(site=place),
                parameters={"storm": storm, "site": site},
                timeout=0,
                as_subflow=False,
                idempotency_key=f"storm {storm} of {site}",
            )
            return True
    return False
