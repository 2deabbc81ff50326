#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""datagrams.py - asyncio's datagram endpoints as the peer of eddy's.

usage: datagrams.py echo               prints the port of an endpoint that sends back what comes
       datagrams.py ask HOST PORT N    sends N datagrams, and exits 0 if each comes back
Ends when its standard input does.
"""

import asyncio
import sys


class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.transport.sendto(data, addr)


class Answers(asyncio.DatagramProtocol):
    def __init__(self):
        self.queue = asyncio.Queue()

    def datagram_received(self, data, addr):
        self.queue.put_nowait(data)

    def error_received(self, error):
        self.queue.put_nowait(error)


async def echo():
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
    print(transport.get_extra_info("sockname")[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    transport.close()


async def ask(host, port, count):
    loop = asyncio.get_running_loop()
    transport, answers = await loop.create_datagram_endpoint(Answers, remote_addr=(host, port))
    for number in range(1, count + 1):  # asyncio before 3.13 does not send empty ones
        data = b"x" * number
        transport.sendto(data)
        if await asyncio.wait_for(answers.queue.get(), 5) != data:
            sys.exit(1)
    transport.close()


if sys.argv[1] == "echo":
    asyncio.run(echo())
else:
    asyncio.run(ask(sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
