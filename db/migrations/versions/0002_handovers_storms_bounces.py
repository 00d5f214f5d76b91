"""handovers, storms, bounces: who else is told, what waits for a yes, what came back"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ONCE_BEFORE = ["complaint_id", "rule", "clock", "rung", "repeat"]
ONCE = ["complaint_id", "rule", "clock", "unit", "rung", "repeat"]
BEFORE = {
    "sqlite": "uq_notice_complaint_id",
    "postgresql": "notice_complaint_id_rule_clock_rung_repeat_key",
}
NAMES = {"uq": "uq_%(table_name)s_%(column_0_name)s"}
"""SQLite gave the key of 0001 no name."""


def upgrade() -> None:
    op.create_table(
        "storm",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run", sa.String(length=64), nullable=False),
        sa.Column("mails", sa.Integer(), nullable=False),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_storm_status", "storm", ["status"])
    op.create_table(
        "bounce",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("report_id", sa.String(length=255), nullable=False),
        sa.Column("message_pk", sa.Integer(), nullable=True),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["message_pk"], ["message.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("report_id", "address"),
    )
    op.create_index("ix_bounce_address", "bounce", ["address"])
    op.create_index("ix_delivery_attempt_attempted_at", "delivery_attempt", ["attempted_at"])
    with op.batch_alter_table("message") as table:
        table.add_column(sa.Column("locale", sa.String(length=8), nullable=True))
        table.add_column(sa.Column("composed_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("storm_id", sa.Integer(), nullable=True))
        table.add_column(sa.Column("resent_of", sa.Integer(), nullable=True))
        table.create_foreign_key("fk_message_storm", "storm", ["storm_id"], ["id"])
        table.create_foreign_key("fk_message_resent_of", "message", ["resent_of"], ["id"])
        table.create_index("ix_message_storm_id", ["storm_id"])
        table.create_index("ix_message_recipient", ["recipient", "status"])
    with op.batch_alter_table("message_item") as table:
        table.add_column(
            sa.Column("copied", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    with op.batch_alter_table("message_item") as table:
        table.alter_column("copied", server_default=None)
    op.execute("UPDATE notice SET unit = '' WHERE unit IS NULL")
    with op.batch_alter_table("notice", naming_convention=NAMES) as table:
        table.drop_constraint(BEFORE[op.get_bind().dialect.name], type_="unique")
        table.alter_column("unit", existing_type=sa.String(length=64), nullable=False)
        table.create_unique_constraint("ux_notice_once", ONCE)


def downgrade() -> None:
    with op.batch_alter_table("notice") as table:
        table.drop_constraint("ux_notice_once", type_="unique")
        table.alter_column("unit", existing_type=sa.String(length=64), nullable=True)
        table.create_unique_constraint(BEFORE[op.get_bind().dialect.name], ONCE_BEFORE)
    with op.batch_alter_table("message_item") as table:
        table.drop_column("copied")
    with op.batch_alter_table("message") as table:
        table.drop_index("ix_message_recipient")
        table.drop_index("ix_message_storm_id")
        table.drop_constraint("fk_message_resent_of", type_="foreignkey")
        table.drop_constraint("fk_message_storm", type_="foreignkey")
        for name in ("resent_of", "storm_id", "composed_at", "locale"):
            table.drop_column(name)
    op.drop_index("ix_delivery_attempt_attempted_at", "delivery_attempt")
    op.drop_table("bounce")
    op.drop_table("storm")
