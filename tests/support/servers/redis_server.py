"""A real Redis on loopback, with a password, for the duration of a block."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from service.environment import free_port
from support.programs import needed
from support.wait import until

PROGRAM = shutil.which("redis-server", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
PASSWORD = "r4hasia"


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A new, empty Redis; yields its URL."""
    needed(PROGRAM, "redis-server", "apt install redis-server")
    port = free_port()
    command = [str(PROGRAM), "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
    with subprocess.Popen(
        [*command, "--save", "", "--requirepass", PASSWORD], stdout=subprocess.DEVNULL
    ) as process:
        url = f"redis://:{PASSWORD}@127.0.0.1:{port}/0"
        try:
            with redis.Redis.from_url(url) as client:
                until(lambda: answers(client))
            yield url
        finally:
            process.terminate()


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
