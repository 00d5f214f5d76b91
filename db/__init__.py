"""The database of a site: models, queries, migrations and audit, for SQLite and PostgreSQL.

Each module has the queries of one subject and gets an open session. Transactions begin in the
callers, with `tasks.common.context.SiteContext`.
"""

__all__ = [
    "audit",
    "audit_verify",
    "backup",
    "bulk",
    "complaints",
    "decisions",
    "engine",
    "false_time",
    "imports",
    "installation",
    "late_records",
    "lives",
    "locks",
    "mailbox",
    "mails",
    "metrics",
    "migrate",
    "migrations",
    "models",
    "notices",
    "private_dirs",
    "quarantine",
    "questions",
    "replica",
    "retention",
    "rulesets",
    "runs",
    "state_history",
    "storms",
    "vacuum",
    "watch_state",
]
