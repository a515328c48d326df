"""subauth by Python's own socket module: one JSON object in a packet, one in its answer.

Nothing of this project is used here, so that a mistake on both sides of the wire does not look like none.
"""

import json
import os
import socket
import struct

# What an answer may have at most is 64 KiB; one that is larger shall be seen, not cut.
RECEIVE_BYTES = 1 << 20
TIMEOUT_SECONDS = 30


class Closed(Exception):
    """The server has closed the connection."""


class Connection:
    """One connection; every call raises OSError as the kernel gives it."""

    def __init__(self, path=None, kind=socket.SOCK_SEQPACKET, send_buffer=None, taken=None):
        if taken is not None:
            self.socket = taken
            return
        self.socket = socket.socket(socket.AF_UNIX, kind)
        # A time-out of Python's would make the socket non-blocking, and then a full backlog is an error.
        timeout = struct.pack("@ll", TIMEOUT_SECONDS, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeout)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeout)
        if send_buffer is not None:
            # SO_SNDBUFFORCE, which Python does not name.
            self.socket.setsockopt(socket.SOL_SOCKET, 32, send_buffer)
        try:
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise

    def send(self, data, ancillary=(), flags=0):
        """Send one packet; `flags` as of send(2)."""
        sent = self.socket.sendmsg([data], list(ancillary), flags | socket.MSG_NOSIGNAL)
        if sent != len(data):
            raise AssertionError(f"{sent} of {len(data)} bytes were sent")

    def receive(self, flags=0):
        """The bytes of the next packet."""
        data, _, got, _ = self.socket.recvmsg(RECEIVE_BYTES, 0, flags)
        if got & socket.MSG_TRUNC:
            raise AssertionError(f"an answer of more than {RECEIVE_BYTES} bytes")
        if data == b"":
            raise Closed()
        return data

    def ask(self, data):
        """Send one packet and give the answer as what it says."""
        self.send(data)
        return parse(self.receive())

    def close(self):
        self.socket.close()


def encode(request):
    """The bytes of a request."""
    return json.dumps(request).encode()


def parse(packet):
    """What an answer says: an object with a text `error`, in UTF-8, with no key twice and nothing around it."""
    text = packet.decode("utf-8", "strict")
    reply = json.loads(text, object_pairs_hook=_unique, parse_constant=_refused)
    if not isinstance(reply, dict) or not isinstance(reply.get("error"), str):
        raise AssertionError(f"not an answer: {text}")
    if text != text.strip():
        raise AssertionError("white space around the answer")
    return reply


def _unique(pairs):
    keys = [key for key, _ in pairs]
    if len(keys) != len(set(keys)):
        raise AssertionError(f"a key twice: {keys}")
    return dict(pairs)


def _refused(text):
    raise AssertionError(f"not JSON: {text}")


def become(real, effective=None):
    """Give up root: real and effective user and group, with which files are opened and sockets connected."""
    effective = real if effective is None else effective
    os.setgroups([])
    os.setresgid(real, effective, effective)
    os.setresuid(real, effective, effective)


def credentials(pid, uid, gid):
    """Ancillary data by which a sender states who it is."""
    return (socket.SOL_SOCKET, socket.SCM_CREDENTIALS, struct.pack("3i", pid, uid, gid))


def descriptors(*numbers):
    """Ancillary data that passes descriptors on."""
    return (socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack(f"{len(numbers)}i", *numbers))
