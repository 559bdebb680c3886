"""A web server of a few lines: web.py ADDRESS PORT [LOCATION].

It tells of each request, one JSON object per line, and redirects to LOCATION; without one it
answers like a tracker that knows nobody.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self):
        """Tells and answers."""
        print(json.dumps({"asked": self.path.split("?")[0]}), flush=True)
        body = b"d8:intervali1800e5:peers0:e"
        if len(sys.argv) > 3:
            self.send_response(302)
            self.send_header("Location", sys.argv[3])
            body = b""
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Standard output is for the JSON."""


def main():
    """Serves until it is killed."""
    server = HTTPServer((sys.argv[1], int(sys.argv[2])), Handler)
    print(json.dumps({"listening": True}), flush=True)
    server.serve_forever()


main()
