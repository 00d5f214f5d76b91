"""What Prefect schedules: intake, deadlines, delivery and summary, one module each."""
