"""Crash tests: Tenggat is killed at every step, by a seed; no mail is lost and none is sent twice.

A run plays some simulated weeks of a site. Complaints come, are settled, paused and handed over.
Processes read, evaluate and send, and are killed (SIGKILL) before and after any statement, COMMIT
or step of an SMTP conversation. The mail server drops, delays, refuses and dies. At the end all
works again and every queued mail is sent. Then the content of the mailbox is compared with what was
due under the law.

`plan` makes a run from its seed, of `model`, `complaints` and `mail_faults`. `player` plays it.
`expected_mails` computes what was due. `checks` names what is wrong with the result (`evidence`,
`duplicates`), and `statistics` counts what happened. `fork_server` forks a victim process, which
counts its `kill_points` and dies there. `mail_server` keeps the mails. `python tests/prove.py
--seed N --database sqlite` plays one run again. Where two processes race, its result may differ.
"""
