"""Adds one torrent to a running `deluged`, as soon as that answers and, with --dht, knows a node.

For the Python that Deluge is installed in; `clients.py` starts it.
"""

import argparse
import base64
import sys

from deluge.ui.client import client
from twisted.internet import defer, reactor, task

ATTEMPTS = 300
PAUSE_SECONDS = 0.2


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("address")
    parser.add_argument("password")
    parser.add_argument("source", help="magnet, or path of a .torrent")
    parser.add_argument("folder")
    parser.add_argument("--whole", action="store_true", help="all of it is there")
    parser.add_argument("--dht", action="store_true", help="wait until a node is known")
    options = parser.parse_args()
    codes = []
    add(options).addErrback(lambda failure: codes.append(failure.getTraceback())).addBoth(lambda _: reactor.stop())
    reactor.run()
    sys.exit("\n".join(codes) or 0)


@defer.inlineCallbacks
def add(options):
    for attempt in range(ATTEMPTS):
        try:
            yield client.connect(options.address, 58846, "localclient", options.password)
            break
        except Exception:
            if attempt == ATTEMPTS - 1:
                raise
            yield task.deferLater(reactor, PAUSE_SECONDS, lambda: None)
    while options.dht:
        status = yield client.core.get_session_status(["dht.dht_nodes"])
        if status["dht.dht_nodes"]:
            break
        yield task.deferLater(reactor, PAUSE_SECONDS, lambda: None)
    wishes = {"download_location": options.folder, "seed_mode": options.whole}
    if options.source.startswith("magnet:"):
        yield client.core.add_torrent_magnet(options.source, wishes)
    else:
        with open(options.source, "rb") as file:
            encoded = base64.b64encode(file.read())
        yield client.core.add_torrent_file("file.torrent", encoded, wishes)


if __name__ == "__main__":
    main()
