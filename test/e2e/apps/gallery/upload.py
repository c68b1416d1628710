import pathlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Upload(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write("\n".join(sorted(path.name for path in pathlib.Path("/pictures").iterdir())).encode())

    def do_PUT(self):
        name = pathlib.Path(self.path).name
        body = self.rfile.read(int(self.headers["Content-Length"]))
        pathlib.Path("/pictures", name).write_bytes(body)
        self.send_response(201)
        self.end_headers()


ThreadingHTTPServer(("", 3000), Upload).serve_forever()
