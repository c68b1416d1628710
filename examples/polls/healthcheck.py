"""Exit code 0 when the application in this container answers /healthz with 200."""

import http.client
import sys

connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=4)
connection.request("GET", "/healthz")
response = connection.getresponse()
print(response.status, response.read(200).decode(errors="replace"))
sys.exit(0 if response.status == 200 else 1)
