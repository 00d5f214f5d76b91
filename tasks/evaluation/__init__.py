"""Complaints, loaded from the database and evaluated against the law.

Which notices are due, what must be corrected, the status and the explanation for people.
"""

__all__ = [
    "case_store",
    "corrections",
    "coverage",
    "evaluation_run",
    "evidence",
    "explain",
    "first_evaluation",
    "inherited",
    "known_words",
    "loader",
    "metrics_cache",
    "notices",
    "status",
    "stored_deadlines",
]
