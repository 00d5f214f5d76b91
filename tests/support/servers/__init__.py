"""Real servers on loopback for tests: SMTP, IMAP, Open311, MariaDB, OAuth2 tokens."""
