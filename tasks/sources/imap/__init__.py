"""Import complaints from an IMAP mailbox: each mail is a complaint."""
