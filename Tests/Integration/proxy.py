#!/usr/bin/env python3
"""A proxy on loopback between Kafka clients and one broker: cuts, delays and stalls connections,
and speaks TLS to the clients where it is given a certificate.

Usage: proxy.py UPSTREAM_HOST:PORT CONTROL_FILE [CERTIFICATE KEY]

Prints its address on the first line. Addresses the broker names to its clients are replaced by the
proxy's own, so that all their connections come through it. CONTROL_FILE holds one word and is read
again and again: `pass`; `delay=SECONDS` for each part in each direction; `stall` lets nothing
through; `cut=COUNT` ends every connection once for each new COUNT; `refuse` takes none.
"""

import asyncio
import pathlib
import ssl
import struct
import sys

PART = 64 * 1024


class Proxy:
    def __init__(self, upstream, control):
        host, port = upstream.rsplit(":", 1)
        self.upstream, self.control = (host, int(port)), pathlib.Path(control)
        self.port, self.order, self.writers = None, "pass", set()
        # How a broker writes its address: a length, the host, and a port in 4 bytes.
        self.theirs = host.encode() + struct.pack(">i", int(port))
        self.ours = None

    async def follow(self):
        """Takes up what the control file says."""
        while True:
            try:
                order = self.control.read_text("utf-8").strip() or "pass"
            except OSError:
                order = "pass"
            if order != self.order:
                self.order = order
                if order.startswith("cut") or order == "refuse":
                    for writer in list(self.writers):
                        writer.transport.abort()
            await asyncio.sleep(0.02)

    async def hold(self):
        while self.order == "stall":
            await asyncio.sleep(0.02)
        if self.order.startswith("delay="):
            await asyncio.sleep(float(self.order.removeprefix("delay=")))

    async def requests(self, reader, writer):
        while part := await reader.read(PART):
            await self.hold()
            writer.write(part)
            await writer.drain()

    async def responses(self, reader, writer):
        """Whole frames, so that an address is never split between two parts."""
        while True:
            size = await reader.readexactly(4)
            frame = await reader.readexactly(struct.unpack(">i", size)[0])
            await self.hold()
            writer.write(size + frame.replace(self.theirs, self.ours))
            await writer.drain()

    async def serve(self, reader, writer):
        if self.order == "refuse":
            writer.transport.abort()
            return
        try:
            up_reader, up_writer = await asyncio.open_connection(*self.upstream)
        except OSError:
            writer.transport.abort()
            return
        self.writers |= {writer, up_writer}
        pumps = [asyncio.create_task(self.requests(reader, up_writer)),
                 asyncio.create_task(self.responses(up_reader, writer))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self.writers -= {writer, up_writer}
            for end in (writer, up_writer):
                end.transport.abort()


async def main(upstream, control, certificate=None, key=None):
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
    proxy = Proxy(upstream, control)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, ssl=context)
    proxy.port = server.sockets[0].getsockname()[1]
    proxy.ours = proxy.upstream[0].encode() + struct.pack(">i", proxy.port)
    print(f"127.0.0.1:{proxy.port}", flush=True)
    await proxy.follow()


if __name__ == "__main__":
    if len(sys.argv) not in (3, 5):
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    asyncio.run(main(*sys.argv[1:]))
