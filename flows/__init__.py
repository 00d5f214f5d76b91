"""What Prefect schedules: intake, deadlines, delivery, watchdog and summary, one module each."""
