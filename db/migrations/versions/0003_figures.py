"""figures: what a report counts of a complaint, kept beside it"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

FAR_OFF = sa.text("'9999-01-01 00:00:00.000000'")


def upgrade() -> None:
    op.create_table(
        "word",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("word", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("word"),
    )
    for column in (
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("figures", sa.LargeBinary(), nullable=True),
        sa.Column(
            "figures_since", sa.DateTime(timezone=True), nullable=False, server_default=FAR_OFF
        ),
        sa.Column("figures_last_day", sa.Integer(), nullable=False, server_default=sa.text("0")),
    ):
        op.add_column("complaint", column)
    op.create_index("ix_complaint_figures_since", "complaint", ["figures_since"])
    op.create_index("ix_complaint_figures_last_day", "complaint", ["figures_last_day"])
    op.create_index("ix_message_sent_at", "message", ["sent_at"])


def downgrade() -> None:
    op.drop_index("ix_message_sent_at", "message")
    op.drop_index("ix_complaint_figures_last_day", "complaint")
    op.drop_index("ix_complaint_figures_since", "complaint")
    with op.batch_alter_table("complaint") as table:
        for name in ("figures_last_day", "figures_since", "figures", "judged_at"):
            table.drop_column(name)
    op.drop_table("word")
