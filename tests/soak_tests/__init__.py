"""A soak: weeks of a site in minutes, with two healthy sources and three that misbehave.

`site` is the site with its five sources, `mischief` is what the three do, `worker` is the process
that works for weeks, `player` lets time pass and breaks things, `checks` looks at what is left.
"""
