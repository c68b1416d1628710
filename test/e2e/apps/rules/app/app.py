# Answers every request with what it is. Fails when told to, and says how it was stopped. Nothing but Python.
import json, os, signal, socket, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

version = os.environ.get("VERSION", "v1")
port = int(os.environ.get("PORT", "8000"))
address = socket.gethostbyname(socket.gethostname())
fail_at = os.environ.get("FAIL_AT", "")


def stopped(number, _frame):
    print(f"stopped by {signal.Signals(number).name}", flush=True)
    os._exit(0)


signal.signal(signal.SIGTERM, stopped)
signal.signal(signal.SIGINT, stopped)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        query = parse_qs(urlsplit(self.path).query)
        about = {"version": version, "instance": address, "port": port, "id": query.get("id", [""])[0]}
        body = json.dumps(about).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        pass


def fail():
    print("told to fail", file=sys.stderr, flush=True)
    os._exit(3)


if fail_at and address.startswith(fail_at):
    after = float(os.environ.get("FAIL_AFTER_S", "0"))
    if after == 0:
        fail()
    threading.Timer(after, fail).start()



class Server(ThreadingHTTPServer):
    # The module's own 5 drops connections when the machine is busy for a moment.
    request_queue_size = 128
    daemon_threads = True


Server(("0.0.0.0", port), Handler).serve_forever()
