# SPDX-License-Identifier: MIT
"""A server with the pages that the tests of the command need, bad ones among them.

/size/N          N bytes              /status/N        that status, a small body
/slow/S          after S seconds      /trickle         endless, 1 kB each 20 ms
/flaky/N/NAME    503 N times, then 200; /later/S/NAME  the same once, with Retry-After: S
/short           promises more than it sends           /echo  the request's headers
"""
import http.server
import threading
import time


class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, promised=None, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(promised or len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def trickle(self):
        self.close_connection = True
        self.send_response(200)
        self.end_headers()
        while not self.server.ends:
            self.wfile.write(b"x" * 1000)
            time.sleep(0.02)

    def flaky(self, fails, **headers):
        with self.server.lock:
            tries = self.server.tries[self.path] = self.server.tries.get(self.path, 0) + 1
        self.server.times.append(time.monotonic())
        if tries <= fails:
            self.answer(503, b"not now", **headers)
        else:
            self.answer(200, b"at last")

    def do_GET(self):
        kind, *rest = self.path.split("?")[0].strip("/").split("/")
        try:
            if kind == "size":
                self.answer(200, b"x" * int(rest[0]))
            elif kind == "status":
                self.answer(int(rest[0]), b"a body")
            elif kind == "slow":
                time.sleep(float(rest[0]))
                self.answer(200, b"slow")
            elif kind == "trickle":
                self.trickle()
            elif kind == "flaky":
                self.flaky(int(rest[0]))
            elif kind == "later":
                self.flaky(1, Retry_After=rest[0])
            elif kind == "short":
                self.close_connection = True
                self.answer(200, b"x" * 10, promised=1000)
            elif kind == "echo":
                self.answer(200, str(self.headers).encode())
            else:
                self.answer(200, self.path.encode())
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_HEAD = do_GET


class Site(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Page)
        self.ends = False
        self.lock = threading.Lock()
        self.tries = {}
        self.times = []
        self.url = "http://127.0.0.1:%d" % self.server_port
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, *_):
        pass

    def stop(self):
        self.ends = True
        self.shutdown()
        self.server_close()
