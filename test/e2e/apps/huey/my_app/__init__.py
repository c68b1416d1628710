import os
import socket

from huey import RedisHuey

huey = RedisHuey("my_app", host=os.environ["REDIS_HOST"])


@huey.task()
def factor(number):
    factors, divisor = [], 2
    while divisor * divisor <= number:
        while number % divisor == 0:
            factors.append(divisor)
            number //= divisor
        divisor += 1
    return {"factors": factors + ([number] if number > 1 else []), "worker": socket.gethostname()}
