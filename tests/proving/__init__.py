"""The proof that no mail is lost and none is sent twice: Tenggat killed at every step, by seed.

A run plays some simulated weeks of a site. Complaints come, are settled, paused and handed over;
processes read, judge and send, and are killed (SIGKILL) before and after any statement, COMMIT or
step of an SMTP conversation; the mail server drops, delays, refuses and dies. At the end all is
well again, what is owed is sent, and what the mailbox holds is compared with what the law as code
says was due.

`plan` makes a run from its seed (of `parts`, `cases` and `mishaps`), `stage` plays it, `ledger`
says what was due, `verdicts` what is wrong with what came of it (`findings`, `copies`), `figures`
how much of everything there was. A victim process is forked by `zygote`, counts its `crossings` and
dies there; `post` is the mail server. `python tests/prove.py --seed N --database sqlite` plays one
run again; what hangs on which of two processes is quicker may come out otherwise.
"""
