"""Create the table of what operators change in checks, and note in each report with which changes it was planned."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_REFUSAL = """
CREATE FUNCTION preflight_refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'preflight_check_changes is an audit: rows are added and never changed or deleted';
END
$$
"""


def upgrade() -> None:
    """Create `preflight_check_changes`, whose rows stay as they are, and `preflight_reports.settings_version`."""
    op.create_table(
        "preflight_check_changes",
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("check_name", sa.String(64), primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("action", sa.String(5), nullable=False),
        sa.Column("old_value", JSONB, nullable=False),
        sa.Column("new_value", JSONB, nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
        sa.Column("changed_at", sa.TIMESTAMP(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("why", sa.Text, nullable=False),
    )
    op.execute(_REFUSAL)
    op.execute(
        "CREATE TRIGGER preflight_check_changes_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON preflight_check_changes"
        " FOR EACH STATEMENT EXECUTE FUNCTION preflight_refuse_rewriting()"
    )
    op.add_column("preflight_reports", sa.Column("settings_version", sa.Integer, nullable=False, server_default="0"))


def downgrade() -> None:
    """Drop the table with every change, and the reports' column."""
    op.drop_column("preflight_reports", "settings_version")
    op.drop_table("preflight_check_changes")
    op.execute("DROP FUNCTION preflight_refuse_rewriting()")
