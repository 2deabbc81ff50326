# SPDX-License-Identifier: MIT
"""A web server of our own: Debian's nginx on a free port of the loopback, one worker, keep-alive."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

CONFIGURATION = """\
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log warn;
{user}
events {{ worker_connections 2048; }}
http {{
    access_log off;
    default_type text/plain;
    sendfile on;
    open_file_cache max=16;
    keepalive_timeout 60;
    keepalive_requests 10000000;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        root {directory}/www;
    }}
}}
"""


def find():
    """The program, or None. On Debian it lies where only root's PATH looks."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Nginx:
    """with Nginx(cpu, body_bytes) as server: server.url is a file of that many bytes."""

    def __init__(self, cpu, body_bytes):
        self.cpu, self.body_bytes = cpu, body_bytes

    def __enter__(self):
        self.directory = Path(tempfile.mkdtemp(prefix="eddy-bench-"))
        try:
            for _ in range(3):  # a free port may be taken by another in between
                self.start(free_port())
                if self.answers():
                    return self
                self.stop()
            raise RuntimeError(f"nginx does not start: {self.complaint()}")
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def start(self, port):
        self.port = port
        self.url = f"http://127.0.0.1:{port}/small.txt"
        www = self.directory / "www"
        www.mkdir(exist_ok=True)
        (www / "small.txt").write_bytes((b"A small file for a small answer. " * 64)[:self.body_bytes])
        is_root = os.geteuid() == 0
        user = f"user {pwd.getpwuid(0).pw_name};" if is_root else ""
        path = self.directory / "nginx.conf"
        path.write_text(CONFIGURATION.format(directory=self.directory, port=port, user=user))
        self.process = subprocess.Popen(
            [find(), "-p", str(self.directory), "-e", str(self.directory / "error.log"),
             "-c", str(path)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=lambda: os.sched_setaffinity(0, {self.cpu}))

    def answers(self):
        for _ in range(100):
            if self.process.poll() is not None:
                return False
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return True
            except OSError:
                time.sleep(0.05)
        return False

    def complaint(self):
        log = self.directory / "error.log"
        lines = log.read_text().splitlines() if log.exists() else []
        return lines[-1].replace(str(self.directory), "") if lines else "it says nothing"

    def stop(self):
        process, self.process = getattr(self, "process", None), None
        if not process:
            return
        process.terminate()  # the master ends its worker
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
