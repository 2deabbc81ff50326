#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Other programs as the peers of eddy's streams and servers: asyncio, socat, nginx.

usage: test_peers.py TALKER [TEST...]
"""
import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

TALKER = os.path.abspath(sys.argv[1])
LIMIT = 60  # seconds that nothing here should ever take
TEXT = "".join(f"line {number} of many\n" for number in range(5000))
PROGRAMS = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
NGINX, SOCAT = (shutil.which(name, path=PROGRAMS) for name in ("nginx", "socat"))


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


def ask(where, text):
    """What eddy's client is answered."""
    done = subprocess.run([TALKER, "ask", where], input=text, capture_output=True, text=True,
                          timeout=LIMIT)
    assert done.returncode == 0, done.stderr
    return done.stdout


def ask_until_it_is_there(where, text):
    """Of a server that is only just starting."""
    deadline = time.monotonic() + LIMIT
    while True:
        try:
            return ask(where, text)
        except AssertionError as failure:
            if time.monotonic() > deadline:
                raise AssertionError(f"{where} is not there") from failure
            time.sleep(0.01)


def get(where):
    return ask_until_it_is_there(where, "GET / HTTP/1.0\r\n\r\n")


class Peers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="eddy-peers-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.path = str(self.folder / "socket")
        self.name = f"@eddy-peers-{os.getpid()}-{self.id()}"

    def serve(self, *words, **options):
        """Starts eddy's server; returns what it says it listens on, and the process."""
        server = subprocess.Popen([TALKER, "serve", *words], stdout=subprocess.PIPE, text=True,
                                  **options)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait, LIMIT)
        self.addCleanup(server.kill)
        return server.stdout.readline().strip(), server

    # --- asyncio ---

    async def talk(self, connection):
        reader, writer = await connection
        writer.write(TEXT.encode())
        writer.write_eof()
        answer = await asyncio.wait_for(reader.read(), LIMIT)
        writer.close()
        await writer.wait_closed()
        return answer.decode()

    def test_a_client_of_asyncio_over_tcp(self):
        for host in ["127.0.0.1"] + ["::1"] * has_ipv6():
            address, _ = self.serve(f"{host}:0")
            port = int(address.rpartition(":")[2])
            answer = asyncio.run(self.talk(asyncio.open_connection(host, port)))
            self.assertEqual(answer, TEXT)

    def test_a_client_of_asyncio_over_unix_sockets(self):
        for where in (self.path, self.name):
            address, _ = self.serve(where)
            self.assertEqual(address, f"unix:{where}")
            name = where.replace("@", "\0")
            answer = asyncio.run(self.talk(asyncio.open_unix_connection(name)))
            self.assertEqual(answer, TEXT)

    async def be_asked(self, start, where_of):
        async def echo(reader, writer):
            while line := await reader.readline():
                writer.write(line)
            writer.close()

        server = await start(echo)
        async with server:
            return await asyncio.to_thread(ask, where_of(server), TEXT)

    def test_a_server_of_asyncio_over_tcp(self):
        for host in ["127.0.0.1"] + ["::1"] * has_ipv6():
            answer = asyncio.run(self.be_asked(
                lambda echo, host=host: asyncio.start_server(echo, host, 0),
                lambda server, host=host: f"{host}:{server.sockets[0].getsockname()[1]}"))
            self.assertEqual(answer, TEXT)

    def test_a_server_of_asyncio_over_unix_sockets(self):
        for where in (self.path, self.name):
            answer = asyncio.run(self.be_asked(
                lambda echo, name=where.replace("@", "\0"): asyncio.start_unix_server(echo, name),
                lambda server, where=where: where))
            self.assertEqual(answer, TEXT)

    # --- the life of a socket file ---

    def test_a_server_that_ends_leaves_no_file(self):
        _, server = self.serve(self.path)
        self.assertTrue(Path(self.path).is_socket())
        server.send_signal(signal.SIGINT)
        self.assertEqual(server.wait(LIMIT), 130)
        self.assertFalse(Path(self.path).exists())

    def test_a_server_that_was_killed_is_succeeded(self):
        _, server = self.serve(self.path)
        server.kill()
        server.wait(LIMIT)
        self.assertTrue(Path(self.path).is_socket())
        # A moment later: after a kill the kernel ends what io_uring has open in the background.
        deadline = time.monotonic() + LIMIT
        while self.serve(self.path)[0] == "" and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertEqual(ask(self.path, TEXT), TEXT)

    # --- a service manager ---

    def test_a_socket_that_was_handed_down(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            script = 'exec 3<&"$1"; LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" serve fds'
            server = subprocess.Popen(
                ["/bin/bash", "-c", script, TALKER, str(listener.fileno())],
                stdout=subprocess.PIPE, text=True, pass_fds=[listener.fileno()])
            self.addCleanup(server.stdout.close)
            self.addCleanup(server.wait, LIMIT)
            self.addCleanup(server.kill)
            self.assertEqual(server.stdout.readline().strip(), f"127.0.0.1:{port}")
        self.assertEqual(ask(f"127.0.0.1:{port}", TEXT), TEXT)

    # --- socat ---

    @unittest.skipUnless(SOCAT, "there is no socat")
    def test_socat_as_a_client(self):
        for where, kind in ((self.path, "UNIX-CONNECT"), (self.name, "ABSTRACT-CONNECT")):
            self.serve(where)
            done = subprocess.run([SOCAT, "-t30", "-", f"{kind}:{where.lstrip('@')}"], input=TEXT,
                                  capture_output=True, text=True, timeout=LIMIT)
            self.assertEqual(done.stdout, TEXT)
        address, _ = self.serve("127.0.0.1:0")
        done = subprocess.run([SOCAT, "-t30", "-", f"TCP:{address}"], input=TEXT,
                              capture_output=True, text=True, timeout=LIMIT)
        self.assertEqual(done.stdout, TEXT)

    def socat(self, address):
        relay = subprocess.Popen([SOCAT, "-t30", f"{address},fork", "EXEC:cat"])
        self.addCleanup(relay.wait, LIMIT)
        self.addCleanup(relay.terminate)

    @unittest.skipUnless(SOCAT, "there is no socat")
    def test_socat_as_a_server(self):
        for where, kind in ((self.path, "UNIX-LISTEN"), (self.name, "ABSTRACT-LISTEN")):
            self.socat(f"{kind}:{where.lstrip('@')}")
            self.assertEqual(ask_until_it_is_there(where, TEXT), TEXT)

    # --- nginx ---

    def nginx(self, locations, *listens):
        config = self.folder / "nginx.conf"
        user = "user root;" if os.geteuid() == 0 else ""  # its workers come to our folder
        config.write_text(f"""
            daemon off; {user} pid {self.folder}/pid; error_log stderr error; events {{}}
            http {{
                access_log off;
                client_body_temp_path {self.folder}/body; proxy_temp_path {self.folder}/proxy;
                fastcgi_temp_path {self.folder}/fastcgi; scgi_temp_path {self.folder}/scgi;
                uwsgi_temp_path {self.folder}/uwsgi;
                server {{ {"".join(f"listen {listen};" for listen in listens)} {locations} }}
            }}""")
        nginx = subprocess.Popen([NGINX, "-c", str(config), "-p", str(self.folder)],
                                 stderr=subprocess.DEVNULL)
        self.addCleanup(nginx.wait, LIMIT)
        self.addCleanup(nginx.terminate)

    @unittest.skipUnless(NGINX, "there is no nginx")
    def test_nginx_as_a_server(self):
        port = free_port()
        self.nginx('location / { return 200 "hello from nginx\\n"; }', f"127.0.0.1:{port}",
                   f"unix:{self.path}")
        for where in (f"127.0.0.1:{port}", self.path):
            self.assertTrue(get(where).endswith("\n\nhello from nginx\n"))

    @unittest.skipUnless(NGINX, "there is no nginx")
    def test_nginx_as_a_client(self):
        address, _ = self.serve("127.0.0.1:0", "http")
        self.serve(self.path, "http")
        for upstream in (address, f"unix:{self.path}:"):
            front = str(self.folder / f"front-{len(upstream)}")
            self.nginx("location / { proxy_ignore_client_abort on; " +
                       f"proxy_pass http://{upstream}; }}", f"unix:{front}")
            self.assertTrue(get(front).endswith("\n\nhello from eddy\n"))


def free_port():
    with socket.socket() as free:  # a port that was free a moment ago
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


if __name__ == "__main__":
    del sys.argv[1]
    unittest.main()
