"""The regulation by which a notice was decided, so that a correction can name it.

Of notices from before this revision it is not known.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("notice", sa.Column("regulation", sa.String(length=128), nullable=True))


def downgrade() -> None:
    raise NotImplementedError(
        "there is no way back to an older revision: by which regulation people were notified would"
        " be lost. Restore the backup that was made before the upgrade: tenggat restore"
    )
