"""The cache makes pages cheaper; without it they are answered all the same."""

import logging

from django.core.cache import cache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)


def cached(key, seconds, compute):
    try:
        found = cache.get(key)
    except RedisError as error:
        logger.warning("cache: %s", error)
        return compute()
    if found is not None:
        return found
    value = compute()
    try:
        cache.set(key, value, seconds)
    except RedisError as error:
        logger.warning("cache: %s", error)
    return value


def forget(*keys):
    try:
        cache.delete_many(keys)
    except RedisError as error:
        logger.warning("cache: %s", error)
