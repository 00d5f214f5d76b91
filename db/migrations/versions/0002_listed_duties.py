"""The duties that a mail named without a notice about them.

The table begins empty: what mails sent before this revision listed is not known.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "listed_duty",
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("complaint_id", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(length=128), nullable=False),
        sa.Column("clock", sa.Integer(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("entry", sa.Boolean(), nullable=False),
        sa.Column("cancelled_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"]),
        sa.ForeignKeyConstraint(["complaint_id"], ["complaint.id"]),
        sa.ForeignKeyConstraint(["cancelled_by"], ["message.id"]),
        sa.PrimaryKeyConstraint("message_id", "complaint_id", "rule", "clock"),
    )
    op.create_index("ix_listed_duty_complaint_id", "listed_duty", ["complaint_id"])
    op.create_index("ix_listed_duty_cancelled_by", "listed_duty", ["cancelled_by"])


def downgrade() -> None:
    raise NotImplementedError(
        "there is no way back to an older revision: who was shown what would be lost."
        " Restore the backup that was made before the upgrade: tenggat restore"
    )
