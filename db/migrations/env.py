"""Alembic's entry: runs the migrations on the engine that `db.engine.migrate` hands over."""

from alembic import context

from db.models import Base

with context.config.attributes["engine"].connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()
