"""A plain mail to be sent."""

from email import policy
from email.message import EmailMessage

SENDER, LIAISON = "tenggat@contohkab.example", "penghubung.dinsos@contohkab.example"


def mail(text: str = "Selamat pagi.", subject: str = "Tenggat") -> bytes:
    message = EmailMessage(policy=policy.SMTP.clone(cte_type="7bit"))
    message["From"], message["To"], message["Subject"] = SENDER, LIAISON, subject
    message.set_content(text)
    return message.as_bytes()
