"""What every part of tasks/ uses: the site's context, dates, redaction, retries."""
