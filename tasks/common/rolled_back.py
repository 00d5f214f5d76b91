"""Try the steps of a run without a trace: everything is rolled back at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from db import audit
from tasks.common.context import SiteContext


@contextmanager
def rolled_back(context: SiteContext) -> Iterator[SiteContext]:
    """Yield a context of the same site; whatever is done in it is undone when the block ends.

    All of its transactions are savepoints of one transaction, which is never committed. Nothing is
    written to the audit. Other runs wait for the end of the block before they write.
    """
    with context.engine.connect() as connection:
        transaction = connection.begin()
        try:
            yield _RolledBackContext(context, connection)
        finally:
            transaction.rollback()


class _RolledBackContext(SiteContext):
    """The context of a site on one connection with an open transaction."""

    def __init__(self, context: SiteContext, connection: Connection) -> None:
        super().__init__(context.site, context.engine)
        self.by = None
        self._connection = connection

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a session in a savepoint of the transaction."""
        info = audit.session_info(None)
        with (
            Session(
                self._connection,
                expire_on_commit=False,
                info=info,
                join_transaction_mode="create_savepoint",
            ) as session,
            session.begin(),
        ):
            yield session

    @contextmanager
    def consistent_read(self) -> Iterator[Session]:
        """Open a session that sees what was done so far."""
        with Session(self._connection, expire_on_commit=False, autoflush=False) as session:
            yield session

    def close(self) -> None:
        """Close nothing: the connection belongs to the block."""
