"""An IMAP mailbox as a source: each mail is a complaint."""
