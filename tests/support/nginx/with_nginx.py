#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""with_nginx.py - runs a command beside an nginx of its own: with_nginx.py COMMAND [ARGUMENT...]

nginx runs as a plain process of the caller's, in a temporary folder, on ports that were free. We
open the listening sockets and hand them over, the way nginx hands them to its own successor at an
upgrade: so no port can be snatched in between, and whoever connects early is queued, not refused.
The command finds what it needs in NGINX_* of its environment; nginx.h reads them. Exit status: the
command's; 77 (skipped) where nginx or openssl is missing.
"""

import ctypes
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

sys.dont_write_bytecode = True  # the source tree stays clean
import certificates

SKIPPED = 77
HERE = Path(__file__).resolve().parent

# What the servers of nginx.conf listen on: @name@ there is the port, NGINX_NAME here the URL.
SERVERS = {
    "http": "http://127.0.0.1",
    "other": "http://localhost",
    "tls": "https://localhost",
    "tls_elsewhere": "https://localhost",
    "tls_expired": "https://localhost",
    "tls_self_signed": "https://localhost",
}

# A developer's proxy would turn the tests into a test of that proxy.
PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")

LINES = 655_360  # of 16 bytes: 10 MiB. Each is its own number, so that any piece can be verified.


def find(program):
    return shutil.which(program, path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin")


def make_documents(folder):
    folder.mkdir()
    (folder / "small.txt").write_text("hello from nginx\n")
    (folder / "empty.txt").touch()
    (folder / "large.txt").write_bytes(b"".join(b"%015d\n" % line for line in range(LINES)))


def open_sockets():
    """A listening socket for each server, on a port the kernel chose."""
    sockets = {}
    for name in SERVERS:
        sockets[name] = socket.create_server(("127.0.0.1", 0), backlog=1024)
        sockets[name].setblocking(False)
    return sockets


def allow_descriptors(wanted):
    """A thousand connections need them, here and in nginx; both inherit the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    possible = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < possible:
        resource.setrlimit(resource.RLIMIT_NOFILE, (possible, hard))


def port_of(listener):
    return listener.getsockname()[1]


def write_config(folder, sockets):
    """nginx.conf and shared.conf in folder, the @names@ in them filled in."""
    values = {"@folder@": str(folder)}
    for name, listener in sockets.items():
        values[f"@{name}@"] = f"127.0.0.1:{port_of(listener)}"
        values[f"@{name}_port@"] = str(port_of(listener))
    for template in ("nginx.conf", "shared.conf"):
        text = (HERE / template).read_text()
        for name, value in values.items():
            text = text.replace(name, value)
        (folder / template).write_text(text)


def die_with_parent():
    """nginx shall not outlive us, even if we are killed: PR_SET_PDEATHSIG is 1."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def start(program, folder, sockets):
    write_config(folder, sockets)
    descriptors = [listener.fileno() for listener in sockets.values()]
    environment = {**os.environ, "NGINX": "".join(f"{fd};" for fd in descriptors)}
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    if os.geteuid() == 0:
        command += ["-g", "user root root;"]  # a worker of nobody's could not read our folder
    return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, pass_fds=descriptors,
                            preexec_fn=die_with_parent)


def wait_until_it_answers(url):
    """The connection waits in the queue of the socket until nginx takes it, or its end closes it."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(url + "/small.txt", timeout=20) as answer:
        answer.read()


def environment_of_the_command(folder, sockets):
    environment = {name: value for name, value in os.environ.items()
                   if name.lower() not in PROXY_VARIABLES}
    for name, listener in sockets.items():
        environment[f"NGINX_{name.upper()}"] = f"{SERVERS[name]}:{port_of(listener)}"
    environment["RES_OPTIONS"] = "timeout:1 attempts:1"  # names that do not exist, soon known
    environment["NGINX_CA"] = str(folder / "tls" / "ca.pem")
    environment["NGINX_FOLDER"] = str(folder)
    return environment


def stop(process):
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def show_errors(folder):
    log = folder / "error.log"
    if log.exists():
        sys.stderr.write("".join(log.read_text().splitlines(keepends=True)[-20:]))


def run_beside_nginx(program, command, folder):
    make_documents(folder / "documents")
    for name in ("uploads", "temporary"):
        (folder / name).mkdir()
    certificates.make(folder / "tls")

    sockets = open_sockets()
    environment = environment_of_the_command(folder, sockets)
    process = start(program, folder, sockets)
    for listener in sockets.values():
        listener.close()  # nginx has its own; ours would keep the port alive after its death
    try:
        wait_until_it_answers(environment["NGINX_HTTP"])
        status = subprocess.run(command, env=environment).returncode
    except OSError as error:
        print(f"with_nginx.py: {error}", file=sys.stderr)
        status = 1
    finally:
        stop(process)
    if status != 0:
        show_errors(folder)
    return status if status >= 0 else 128 - status


def main():
    if len(sys.argv) < 2:
        print(__doc__.splitlines()[0], file=sys.stderr)
        return 2
    program = find("nginx")
    if not program or not find("openssl"):
        print("skipped: these tests need the programs nginx and openssl")
        return SKIPPED

    allow_descriptors(8192)
    signal.signal(signal.SIGTERM, lambda signo, frame: sys.exit(128 + signo))
    with tempfile.TemporaryDirectory(prefix="eddy-nginx-") as folder:
        return run_beside_nginx(program, sys.argv[1:], Path(folder))


if __name__ == "__main__":
    sys.exit(main())
