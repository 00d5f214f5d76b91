"""Run Alembic on an engine of Tenggat."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from db.engine import MIGRATIONS


def alembic_config(engine: Engine) -> Config:
    """Return the configuration for Alembic's commands on this engine."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["engine"] = engine
    return config


def upgrade(engine: Engine) -> None:
    """Run all pending migrations of this database."""
    command.upgrade(alembic_config(engine), "head")
