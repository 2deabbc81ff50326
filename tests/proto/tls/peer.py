#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""peer.py - the other end of a test, with Python's ssl and asyncio: peer.py PART [ARGUMENT...]

The certificates are in TLS_FOLDER. A server says the port that it listens on.
"""

import asyncio
import os
import socket
import ssl
import sys

FOLDER = os.environ["TLS_FOLDER"]
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def client_context(version=None):
    context = ssl.create_default_context(cafile=f"{FOLDER}/ca.pem")
    if version:
        context.minimum_version = context.maximum_version = VERSIONS[version]
    return context


def server_context(name="good", version=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{FOLDER}/{name}.pem", f"{FOLDER}/{name}.key")
    if version:
        context.minimum_version = context.maximum_version = VERSIONS[version]
    return context


def say(*words):
    print(*words, flush=True)


def echo_once(connection):
    connection.sendall(b"hello\n")
    assert connection.recv(6) == b"hello\n"


# --- clients ---

def two_names(port, version):
    """A session of one name, at the same name and at another, whose clients must have certificates."""
    context = client_context(version)

    def connect(name, session):
        plain = socket.create_connection(("127.0.0.1", int(port)))
        return context.wrap_socket(plain, server_hostname=name, session=session)

    with connect("localhost", None) as first:
        echo_once(first)
        session = first.session
    with connect("localhost", session) as second:
        echo_once(second)
        say("localhost again:", "resumed" if second.session_reused else "a new session")
        session = second.session
    try:
        with connect("elsewhere.example", session) as third:
            echo_once(third)
        say("elsewhere.example: let in")
    except (ssl.SSLError, OSError):
        say("elsewhere.example: refused")


async def talk(port, version):
    """asyncio's client: much, both ways at once."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(port), ssl=client_context(version),
                                                   server_hostname="localhost")
    sent = bytes(range(256)) * 4096
    writer.write(sent)
    assert await reader.readexactly(len(sent)) == sent
    say(writer.get_extra_info("ssl_object").version(), "echoed", len(sent))
    writer.close()
    await writer.wait_closed()


async def upgrade(port, version):
    """asyncio's start_tls on a connection that was plain."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
    writer.write(b"STARTTLS\n")
    assert await reader.readline() == b"go ahead\n"
    await writer.start_tls(client_context(version), server_hostname="localhost")
    writer.write(b"hello\n")
    say("heard", (await reader.readline()).decode().strip())
    writer.close()
    await writer.wait_closed()


# --- servers ---

async def echo(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ssl.SSLError as error:
        say("error:", error.reason)
    finally:
        writer.close()


async def serve(name, version, *_):
    """asyncio's server, which echoes."""
    server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=server_context(name, version))
    say("port", server.sockets[0].getsockname()[1])
    await server.serve_forever()


def each_client(act):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        say("port", listener.getsockname()[1])
        context = server_context()
        while True:
            plain, _ = listener.accept()
            connection = context.wrap_socket(plain, server_side=True)
            act(connection, plain)


def truncate(*_):
    """Ends the connection without the notice of TLS."""
    def act(connection, _):
        connection.sendall(b"half of it\n")
        connection.recv(1)
        os.close(connection.detach())
    each_client(act)


def half_close(*_):
    """Ends TLS first, and then reads what the other end still says."""
    def act(connection, _):
        connection.sendall(b"that is all\n")
        connection.unwrap()
        say("ended well")
        connection.close()
    each_client(act)


def main():
    part, *arguments = sys.argv[1:]
    act = globals()[part]
    if asyncio.iscoroutinefunction(act):
        asyncio.run(act(*arguments))
    else:
        act(*arguments)


if __name__ == "__main__":
    main()
