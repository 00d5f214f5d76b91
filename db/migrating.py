"""Alembic, run on an engine of ours."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from db.engine import MIGRATIONS


def alembic_config(engine: Engine) -> Config:
    """What Alembic's commands take to run on this engine."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["engine"] = engine
    return config


def upgrade(engine: Engine) -> None:
    """Run the migrations that this database has not had."""
    command.upgrade(alembic_config(engine), "head")
