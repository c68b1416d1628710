import json
import socket

from my_app import factor, huey


def application(environ, start_response):
    name = environ["PATH_INFO"].strip("/")
    if environ["REQUEST_METHOD"] == "POST":
        status, answer = "202 Accepted", {"job": factor(int(name)).id}
    else:
        result = huey.result(name, preserve=True)
        status, answer = ("404 Not Found", {}) if result is None else ("200 OK", result)
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps({**answer, "web": socket.gethostname()}).encode()]
