"""Mails that come to the sender's mailbox: reports of mail servers, and answers of people."""
