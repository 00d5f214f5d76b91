"""Alembic's entry: runs the migrations on the engine that `db.migrate.migrate` hands over."""

from alembic import context

from db.migrations.schema import SCHEMA

with context.config.attributes["engine"].connect() as connection:
    on_sqlite = connection.dialect.name == "sqlite"
    raw = connection.connection.driver_connection
    if on_sqlite:  # a table is altered by making it anew: what points to it must not mind
        raw.execute("PRAGMA foreign_keys=OFF")
    context.configure(
        connection=connection,
        target_metadata=SCHEMA,
        render_as_batch=on_sqlite,
        transactional_ddl=True,  # SQLite can, where the driver does not begin on its own
    )
    with context.begin_transaction():
        context.run_migrations()
        if on_sqlite:
            dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
            if dangling:
                raise RuntimeError(f"rows of {dangling[0][0]} would point nowhere; nothing changed")
    if on_sqlite:
        raw.execute("PRAGMA foreign_keys=ON")
