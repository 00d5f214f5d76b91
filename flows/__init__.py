"""Prefect flows: intake, deadlines, delivery, summary, watchdog, maintenance and storm."""
