"""The steps of the flows: one module each, a plain function and its Prefect task.

Everything else is in packages named for what they do. docs/architecture.md has their order.
"""

__all__ = [
    "common",
    "deadlines",
    "delivery",
    "evaluation",
    "ingest",
    "intake",
    "mailbox",
    "maintenance",
    "monitoring",
    "notifications",
    "reports",
    "setup",
    "simulation",
    "sources",
    "summary",
    "text",
    "workbook_reader",
]
