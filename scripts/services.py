"""Says which of the servers in TEST_DATABASE_URL and TEST_REDIS_URL does not answer; nothing when both do."""

import os
import sys

import psycopg
import redis


def postgresql_answers() -> bool:
    """Whether one may log in there."""
    try:
        psycopg.connect(os.environ["TEST_DATABASE_URL"], connect_timeout=3).close()
    except psycopg.Error:
        return False
    return True


def redis_answers() -> bool:
    """Whether it answers a ping."""
    try:
        with redis.Redis.from_url(os.environ["TEST_REDIS_URL"], socket_connect_timeout=3) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


if __name__ == "__main__":
    absent = [
        name
        for name, answers in (("PostgreSQL", postgresql_answers), ("Redis", redis_answers))
        if not answers()
    ]
    if absent:
        verb = "does" if len(absent) == 1 else "do"
        sys.stdout.write(f"{' and '.join(absent)} {verb} not answer")
        sys.exit(1)
