"""The other programs of `matrix.py`: how each is told to seed or fetch one torrent, on one address, in one place.

Each has `is_here`, `version`, `seed` and `fetch`; the last two start it in a lab, which says what about (`torrent`,
`source`), where (`address(2)`) and through whom (`nodes`: of a DHT, or none: then the torrent names its tracker).
Who `hears_of_nobody` announces itself in the DHT and reads no peers there: it must be called.
`policy` is what it does about encryption: "plain" nothing but plaintext, "allowed" whatever comes, "required" RC4 only.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
# The Python that Debian's Deluge is made for.
DEBIAN_PYTHON = "/usr/bin/python3"
# The names that qBittorrent and Deluge have built in, and no option to change: the lab makes each a node of its DHT.
ROUTERS = ["router.bittorrent.com", "router.utorrent.com", "dht.transmissionbt.com", "dht.aelitis.com"]


def output(*command):
    words = subprocess.run(command, capture_output=True, text=True)
    return words.stdout + words.stderr


class Client:
    hears_of_nobody = False


class Libtorrent(Client):
    ENCRYPTION = {"plain": "off", "allowed": "default", "required": "rc4"}

    def is_here(self):
        return True

    def version(self):
        import libtorrent as lt

        return lt.__version__

    def common(self, lab, policy):
        words = ["--address", lab.address(2), "--encryption", self.ENCRYPTION[policy]]
        for node in lab.nodes:
            words += ["--bootstrap", node]
        return words

    def seed(self, lab, policy):
        words = [sys.executable, f"{HERE}/seeder.py", "--torrent", lab.torrent, "--save-path", lab.path("seed")]
        lab.start(words + self.common(lab, policy))

    def fetch(self, lab, policy):
        words = [sys.executable, f"{HERE}/downloader.py", lab.magnet, "-o", lab.path("fetched")]
        lab.start(words + ["--seed-seconds", "60", *self.common(lab, policy)])


class Aria2(Client):
    ENCRYPTION = {"plain": [], "allowed": [], "required": ["--bt-require-crypto=true", "--bt-min-crypto-level=arc4"]}

    def is_here(self):
        return shutil.which("aria2c") is not None

    def version(self):
        return output("aria2c", "--version").split()[2]

    def run(self, lab, policy, source, folder, *more):
        words = ["aria2c", source, "-d", folder, f"--interface={lab.address(2)}", "--listen-port=6881"]
        words += ["--no-conf=true", "--bt-enable-lpd=false", "--seed-ratio=0.0"]
        words += ["--enable-dht6=false", *self.ENCRYPTION[policy], *more]
        if lab.nodes:
            words += ["--enable-dht=true", f"--dht-entry-point={lab.nodes[0]}", "--dht-listen-port=6881"]
            words += [f"--dht-file-path={lab.path('aria2-dht')}"]
        else:
            words += ["--enable-dht=false"]
        lab.start(words)

    def seed(self, lab, policy):
        self.run(lab, policy, lab.torrent, lab.path("seed"), "--bt-seed-unverified=true")

    def fetch(self, lab, policy):
        self.run(lab, policy, lab.source, lab.path("fetched"))


class Transmission(Client):
    ENCRYPTION = {"plain": "-et", "allowed": "-ep", "required": "-er"}

    def is_here(self):
        return shutil.which("transmission-cli") is not None

    def version(self):
        return output("transmission-cli", "--version").split()[1]

    def run(self, lab, policy, source, folder):
        home = lab.folder("transmission")
        settings = {"bind-address-ipv4": lab.address(2), "lpd-enabled": False, "utp-enabled": False}
        lab.write("transmission/settings.json", json.dumps(settings | {"dht-enabled": bool(lab.nodes)}))
        lab.write("transmission/dht.bootstrap", "".join(node.replace(":", " ") + "\n" for node in lab.nodes))
        lab.start(["transmission-cli", "-g", home, "-w", folder, "-M", "-p", "6881", self.ENCRYPTION[policy], source])

    def seed(self, lab, policy):
        self.run(lab, policy, lab.torrent, lab.path("seed"))

    def fetch(self, lab, policy):
        self.run(lab, policy, lab.source, lab.path("fetched"))


class RTorrent(Client):
    # libtorrent 0.13.8, its own: AddressList::parse_address_bencode reads the first "6:" of the list as an address.
    hears_of_nobody = True
    ENCRYPTION = {
        "plain": "none",
        "allowed": "allow_incoming,try_outgoing,enable_retry",
        "required": "require,require_RC4",
    }

    def is_here(self):
        return shutil.which("rtorrent") is not None

    def version(self):
        return output("rtorrent", "-h").split()[4].rstrip(".")

    def run(self, lab, policy, source, folder):
        home = lab.folder("rtorrent")
        lines = [
            "system.daemon.set = true",
            f"directory.default.set = {folder}",
            f"session.path.set = {home}",
            f"network.bind_address.set = {lab.address(2)}",
            "network.port_range.set = 6881-6881",
            "protocol.pex.set = no",
            f"protocol.encryption.set = {self.ENCRYPTION[policy]}",
        ]
        if lab.nodes:
            lines += ["dht.port.set = 6881", "dht.mode.set = on"]
            for number, node in enumerate(lab.nodes):
                lines.append(f'schedule2 = node{number}, 1, 10, "dht.add_node={node}"')
            # Loaded before the nodes have answered, it would be looked up half an hour later.
            lines.append(f'schedule2 = load, 5, 0, "load.start={source}"')
        else:
            lines += ["dht.mode.set = disable", f"load.start = {source}"]
        lab.write("rtorrent/rc", "\n".join(lines) + "\n")
        lab.start(["rtorrent", "-n", "-o", f"import={home}/rc"], cwd=home, env={"TERM": "dumb"})

    def seed(self, lab, policy):
        self.run(lab, policy, lab.torrent, lab.path("seed"))

    def fetch(self, lab, policy):
        self.run(lab, policy, lab.source, lab.path("fetched"))


class QBittorrent(Client):
    """Driven through its web interface, which is told to trust the addresses of the lab."""

    ENCRYPTION = {"plain": 2, "allowed": 0, "required": 1}
    SETTINGS = """[LegalNotice]
Accepted=true
[Network]
PortForwardingEnabled=false
[BitTorrent]
Session\\BTProtocol=TCP
Session\\DHTEnabled={dht}
Session\\Encryption={encryption}
Session\\Interface=lo
Session\\InterfaceAddress={address}
Session\\LSDEnabled=false
Session\\PeXEnabled=false
Session\\Port=6881
Session\\QueueingSystemEnabled=false
[Preferences]
WebUI\\Address={address}
WebUI\\AuthSubnetWhitelist=44.0.0.0/8
WebUI\\AuthSubnetWhitelistEnabled=true
WebUI\\Port=8080
"""

    def is_here(self):
        return shutil.which("qbittorrent-nox") is not None

    def version(self):
        return output("qbittorrent-nox", "--version").split()[1].lstrip("v")

    def run(self, lab, policy, source, folder, **more):
        address = lab.address(2)
        # It binds only to an address that it finds with an interface.
        subprocess.run(["ip", "addr", "add", f"{address}/32", "dev", "lo"], check=True)
        lab.folder("qBittorrent/config")
        settings = {"dht": str(bool(lab.nodes)).lower(), "encryption": self.ENCRYPTION[policy], "address": address}
        lab.write("qBittorrent/config/qBittorrent.conf", self.SETTINGS.format(**settings))
        lab.start(["qbittorrent-nox", f"--profile={lab.work}"], hosts=ROUTERS)
        self.add(lab, source, savepath=folder, **more)

    def add(self, lab, source, **fields):
        """Adds the torrent once the program answers, and its DHT has nodes."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            time.sleep(0.1)
            try:
                if not lab.nodes or json.loads(self.ask(lab, "transfer/info"))["dht_nodes"]:
                    return self.ask(lab, "torrents/add", form(source, fields))
            except urllib.error.URLError:
                continue

    def ask(self, lab, what, body=None):
        request = urllib.request.Request(f"http://{lab.address(2)}:8080/api/v2/{what}")
        if body:
            request.data, request.headers = body[0], {"Content-Type": f"multipart/form-data; boundary={body[1]}"}
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.read()

    def seed(self, lab, policy):
        self.run(lab, policy, lab.torrent, lab.path("seed"), skip_checking="true")

    def fetch(self, lab, policy):
        self.run(lab, policy, lab.source, lab.path("fetched"))


def form(source, fields):
    """A form with a torrent, or a link to it, and its boundary (RFC 7578)."""
    boundary = uuid.uuid4().hex
    if source.startswith("magnet:"):
        fields |= {"urls": source}
    parts = [f'; name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
    if not source.startswith("magnet:"):
        with open(source, "rb") as file:
            parts.append(b'; name="torrents"; filename="file.torrent"\r\n\r\n' + file.read())
    head = f"--{boundary}\r\nContent-Disposition: form-data".encode()
    return b"".join(head + part + b"\r\n" for part in parts) + f"--{boundary}--\r\n".encode(), boundary


class Deluge(Client):
    """`deluged`, told what to do by `deluge_add.py` in the Python that it comes with."""

    # Policy of both directions (0 forced, 1 enabled, 2 off) and level (1 RC4, 2 either).
    ENCRYPTION = {"plain": (2, 2), "allowed": (1, 2), "required": (0, 1)}

    def is_here(self):
        return shutil.which("deluged") is not None

    def version(self):
        return output("deluged", "--version").split()[1]

    def run(self, lab, policy, source, folder, *more):
        address, home = lab.address(2), lab.folder("deluge")
        chosen, level = self.ENCRYPTION[policy]
        settings = {"listen_interface": address, "outgoing_interface": address, "listen_ports": [6881, 6881]}
        settings |= {"random_port": False, "enc_in_policy": chosen, "enc_out_policy": chosen, "enc_level": level}
        settings |= dict.fromkeys(["lsd", "upnp", "natpmp", "utpex", "new_release_check"], False)
        settings |= {"dht": bool(lab.nodes), "allow_remote": True}
        lab.write("deluge/core.conf", json.dumps({"file": 1, "format": 1}) + json.dumps(settings))
        password = base64.b16encode(os.urandom(8)).decode()
        lab.write("deluge/auth", f"localclient:{password}:10\n")
        lab.start(["deluged", "-d", "-c", home, "-u", address, "-L", "warning"], hosts=ROUTERS)
        words = [DEBIAN_PYTHON, f"{HERE}/deluge_add.py", address, password, source, folder, *more]
        lab.start(words + ["--dht"] * bool(lab.nodes)).wait(60)

    def seed(self, lab, policy):
        self.run(lab, policy, lab.torrent, lab.path("seed"), "--whole")

    def fetch(self, lab, policy):
        self.run(lab, policy, lab.source, lab.path("fetched"))


CLIENTS = {
    "libtorrent": Libtorrent(),
    "aria2": Aria2(),
    "transmission": Transmission(),
    "rtorrent": RTorrent(),
    "qbittorrent": QBittorrent(),
    "deluge": Deluge(),
}
