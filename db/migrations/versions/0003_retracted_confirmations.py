"""Confirmations of rules that were taken back: when, who did it and why.

Until this revision none could be taken back.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("retracted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retracted_by", sa.String(length=255), nullable=True),
        sa.Column("retraction_reason", sa.Text(), nullable=True),
    ):
        op.add_column("rule_confirmation", column)


def downgrade() -> None:
    raise NotImplementedError(
        "there is no way back to an older revision: which confirmations were taken back would be"
        " lost. Restore the backup that was made before the upgrade: tenggat restore"
    )
