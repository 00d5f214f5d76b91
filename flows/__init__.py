"""What Prefect schedules: intake, deadlines, delivery, summary, watchdog, maintenance, storm."""
