"""Mail in the sender's mailbox: returned mails and answers, and how far it was read."""
