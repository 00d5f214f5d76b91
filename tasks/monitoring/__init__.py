"""The watchdog: incidents are found, logged and reported to the administrator."""
