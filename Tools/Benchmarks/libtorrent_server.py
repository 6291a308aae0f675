#!/usr/bin/env python3
"""A libtorrent DHT node with its limits lifted, to be loaded: prints {"event": "ready", "endpoint"}, ends with stdin.

    libtorrent_server.py ADDRESS
"""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "Interop"))

import libtorrent as lt  # noqa: E402
import rig  # noqa: E402


def main():
    address = rig.require_loopback(sys.argv[1])
    session = lt.session(
        {
            **rig.PRIVATE_NETWORK,
            **rig.NO_DHT_LIMITS,
            "listen_interfaces": f"{address}:0",
            "recv_socket_buffer_size": 8 << 20,
            "send_socket_buffer_size": 8 << 20,
        }
    )
    deadline = time.monotonic() + 10
    while session.listen_port() == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    rig.emit("ready", endpoint=f"{address}:{session.listen_port()}", version=lt.__version__)
    sys.stdin.read()


if __name__ == "__main__":
    main()
