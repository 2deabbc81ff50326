#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""network.py - runs an example that serves, talks to it, and stops it by Ctrl-C.

usage: network.py PROGRAM SLOW_SERVER [EMULATOR...]
"""

import contextlib
import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

LIMIT_SECONDS = 60
MEGABYTE = bytes(range(256)) * 4096


def say(fact, is_true):
    """One line for each fact; the first untrue one ends the test."""
    print(("ok " if is_true else "not ok ") + fact, flush=True)
    if not is_true:
        raise SystemExit(1)


@contextlib.contextmanager
def running(command, status=130, complaint=""):
    """The program, and the port that its first line names. At the end it is interrupted, and must
    leave with this status: that of a program that Ctrl-C has ended. Each line of its complaints
    must have this in it; without one there must be no complaint."""
    def interruptible():
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background jobs ignore it

    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, bufsize=1,
                               stderr=subprocess.PIPE, preexec_fn=interruptible)
    try:
        line = process.stdout.readline().split(" -> ")[0]
        yield process, int(line.rstrip("/\n ").rpartition(":")[2])
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=LIMIT_SECONDS)
        say("ends by Ctrl-C", process.returncode in (status, 0))
        lines = errors.splitlines()
        if not (all(complaint in line for line in lines) if complaint else not lines):
            print(errors)
            say(f"complains of {complaint or 'nothing'} only", False)
    finally:
        process.kill()
        process.wait()


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=LIMIT_SECONDS)


def read_to_end(client):
    return b"".join(iter(lambda: client.recv(1 << 16), b""))


def exchange(client, data):
    """Sends all of it and the end, while the answer is read to its own end."""
    def send():
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send)
    sender.start()
    answer = read_to_end(client)
    sender.join()
    return answer


@contextlib.contextmanager
def listening(serve):
    """A server of ours that serves each client in a thread."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def accept():
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threading.Thread(target=serve, args=(client,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def answer_after_the_end(client):
    """Reads to the end first: only who passes a half-close on gets an answer."""
    with client:
        data = read_to_end(client)
        client.sendall(str(len(data)).encode() + b" bytes")


def reset_at_once(client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()


def is_reset(port):
    with connect(port) as client:
        try:
            return client.recv(9) and False
        except ConnectionResetError:
            return True


def test_echo(command, _):
    with running([*command, "0"]) as (_, port):
        with connect(port) as client:
            say("echoes a megabyte", exchange(client, MEGABYTE) == MEGABYTE)
        clients = [connect(port) for _ in range(50)]
        for number, client in enumerate(clients):
            client.sendall(f"{number}\n".encode())
        say("answers each of 50 clients",
            all(client.recv(9) == f"{i}\n".encode() for i, client in enumerate(clients)))
        reset_at_once(clients.pop())
        clients[0].sendall(b"still here")
        say("serves on when a client is reset", clients[0].recv(99) == b"still here")
        for client in clients:
            client.close()


def make_certificate(folder):
    """The path of one that vouches for itself, and of one file with its key."""
    certificate, key, both = (folder / name for name in ("certificate.pem", "key.pem", "both.pem"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out",
                    certificate], check=True, capture_output=True)
    both.write_text(certificate.read_text() + key.read_text())
    return certificate, both


@contextlib.contextmanager
def temporary_folder():
    with tempfile.TemporaryDirectory(prefix="eddy-example-") as name:
        yield Path(name)


def test_echo_tls(command, _):
    with temporary_folder() as folder:
        certificate, both = make_certificate(folder)
        with running([*command, str(both), "0"]) as (_, port):
            context = ssl.create_default_context(cafile=certificate)
            with context.wrap_socket(connect(port), server_hostname="localhost") as client:
                client.sendall(b"hello over TLS\n")
                say("echoes over TLS", client.makefile().readline() == "hello over TLS\n")


def test_forward(command, _):
    lines = (Path(__file__).parents[2] / "examples/forward.c").read_text().splitlines()
    say("has under 60 lines", len(lines) < 60)
    with listening(answer_after_the_end) as target:
        with running([*command, "0", "127.0.0.1", str(target)]) as (_, port):
            with connect(port) as client:
                say("passes a half-close on", exchange(client, MEGABYTE) == b"1048576 bytes")
    with listening(reset_at_once) as target:
        with running([*command, "0", "127.0.0.1", str(target)], complaint="reset by") as (_, port):
            for _ in range(3):
                say("passes a reset on", is_reset(port))


def tunnel(port, target):
    client = connect(port)
    client.sendall(f"CONNECT 127.0.0.1:{target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += client.recv(1)
    return client, head.split(b"\r\n")[0]


def answer_to(port, data):
    """The answer to a client that sends only this."""
    with connect(port) as client:
        client.sendall(data)
        return read_to_end(client)


def test_proxy(command, slow_server):
    with running([*slow_server, "--port", "0", "--seconds", "0.1"]) as (_, web), \
         listening(answer_after_the_end) as target, \
         running([*command, "--port", "0"]) as (process, port):
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_SECONDS)
        client.request("GET", f"http://127.0.0.1:{web}/page")
        say("fetches a whole URL", len(client.getresponse().read()) == 20000)
        say("prints what went through", "back" in process.stdout.readline())

        client, status = tunnel(port, target)
        say("opens a tunnel", b" 200 " in status)
        say("passes a half-close on", exchange(client, MEGABYTE) == b"1048576 bytes")
        client.close()

        slow = connect(port)
        slow.sendall(b"CONN")
        say("refuses garbage", b" 400 " in answer_to(port, b"\0\1\2garbage\n"))
        say("refuses what is no URL", b" 400 " in answer_to(port, b"GET / HTTP/1.1\r\n\r\n"))
        say("bounds a line", b" 431 " in answer_to(port, b"GET " + b"x" * 9000))
        header = b"A: " + b"b" * 1000 + b"\r\n"
        say("bounds a header", b" 431 " in
            answer_to(port, b"GET http://127.0.0.1/ HTTP/1.1\r\n" + header * 20))
        say("tells why it cannot connect", b"refused" in
            answer_to(port, b"CONNECT 127.0.0.1:1 HTTP/1.1\r\n\r\n"))
        client, status = tunnel(port, target)
        say("serves on beside a slow client", b" 200 " in status)
        client.close()
        slow.close()


def breaking(target, limits):
    """Forwards to the target; of the first connections only so many bytes either way, and then they
    are reset."""
    left = list(limits)

    def forward(client):
        counted = [left.pop(0) if left else sys.maxsize]
        server = connect(target)
        ended = threading.Event()

        def pump(source, sink):
            with contextlib.suppress(OSError):
                while data := source.recv(1 << 16):
                    sink.sendall(data)
                    counted[0] -= len(data)
                    if counted[0] < 0:
                        break
                else:
                    if not ended.is_set():
                        sink.shutdown(socket.SHUT_WR)
                    return
            ended.set()
            for end in (source, sink):  # wakes who receives: a reset needs the last reference
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RD)

        pumps = [threading.Thread(target=pump, args=pair, daemon=True)
                 for pair in ((client, server), (server, client))]
        for thread in pumps:
            thread.start()
        for thread in pumps:
            thread.join()
        reset_at_once(client)
        reset_at_once(server)

    return listening(forward)


def transferred(command, folder, *arguments):
    run = subprocess.run([*command, *arguments], cwd=folder, capture_output=True, text=True,
                         timeout=LIMIT_SECONDS)
    return run.returncode, run.stdout, run.stderr


def test_transfer(command, _):
    with temporary_folder() as folder:
        certificate, both = make_certificate(folder)
        ours, theirs = folder / "ours", folder / "theirs"
        ours.mkdir()
        theirs.mkdir()
        (theirs / "large").write_bytes(MEGABYTE * 8)
        (ours / "up").write_bytes(MEGABYTE * 4)
        ca = ("--ca", str(certificate))
        with running([*command, "serve", str(theirs), "--certificate", str(both), "--port", "0"]) \
                as (_, port):
            address = f"127.0.0.1:{port}"
            with breaking(port, (3 << 20, 2 << 20)) as broken:
                status, said, errors = transferred(command, ours, "get", f"localhost:{broken}",
                                                   "large", *ca)
            say("a broken connection resumes", status == 0 and errors.count("it goes on") == 2
                or print(said, errors))
            say("and loses nothing", (ours / "large").read_bytes() == MEGABYTE * 8)
            say("not all was sent again", 0 < int(said.split()[3]) < 8 << 20)
            with breaking(port, (2 << 20,)) as broken:
                status, said, errors = transferred(command, ours, "put", f"localhost:{broken}",
                                                   "up", *ca)
            say("so does one the other way", status == 0 and errors.count("it goes on") == 1
                and (theirs / "up").read_bytes() == MEGABYTE * 4 or print(said, errors))

            (ours / "large").unlink()
            (ours / "large.part").write_bytes(b"x" * 1000)
            status, said, _ = transferred(command, ours, "get", address, "large", *ca)
            say("a part that is no beginning is dropped", status == 0 and
                (ours / "large").read_bytes() == MEGABYTE * 8 and "8388608 of them now" in said)
            say("and leaves nothing beside it", sorted(p.name for p in ours.iterdir()) ==
                ["large", "up"])
            status, _, errors = transferred(command, ours, "get", address, "nothing", *ca)
            say("the server's error is told", status == 1 and "No such file" in errors)
            status, _, errors = transferred(command, ours, "get", address, "large")
            say("an unknown authority is refused", status == 1 and "self-signed" in errors)
        status, _, errors = transferred(command, ours, "get", address, "large", *ca)
        say("a server that is not there is given up", status == 1 and "refused" in errors)


def main(program, slow_server, *emulator):
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    test = globals()["test_" + Path(program).name]
    test([*emulator, str(Path(program).resolve())], [*emulator, slow_server])


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
