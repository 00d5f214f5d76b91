"""`tenggat ui`: the login of the Prefect UI."""

from __future__ import annotations

import typer

from cli import console
from cli.console import JsonOption, SiteOption
from cli.language.words import say
from settings.site import load_site

ui_app = typer.Typer(help="The Prefect UI, where you watch the runs.", no_args_is_help=True)


@ui_app.command("login")
def show_login(site: SiteOption = None, as_json: JsonOption = False) -> None:
    """Show address and login of the Prefect UI.

    `tenggat up` makes the login at its first start. Enter it as one word, `user:password`, on the
    page that the UI opens.
    """
    from service.login import known_login  # noqa: PLC0415
    from service.prefect_server import last_service  # noqa: PLC0415

    place = load_site(site)
    home, api = last_service(place.var) or (place.var, None)
    login = known_login(home)
    if login is None:
        raise console.UsageError(say("ui.no_login", folder=home))
    address = api.removesuffix("/api") if api else place.ui_url
    if as_json:
        console.print_json({"address": address, "login": login})
    else:
        console.out.print(say("ui.address", address=address), soft_wrap=True, markup=False)
        console.out.print(say("ui.shown", login=login), soft_wrap=True, markup=False)
