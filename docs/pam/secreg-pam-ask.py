#!/usr/bin/python3 -I
"""A PAM helper for a secregd without privileges: hands the question to secreg-pam.socket, where root asks PAM.

    install -m 0755 secreg-pam-ask.py /usr/libexec/secreg-pam-ask
"""

import socket
import sys

SOCKET = "/run/secreg-pam/socket"
ANSWERS = {b"0\n": 0, b"1\n": 1}
UNAVAILABLE = 3


def main() -> int:
    try:
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(SOCKET)
            peer.sendall(sys.stdin.buffer.read(4096))
            peer.shutdown(socket.SHUT_WR)
            said = b""
            while len(said) < 16 and (more := peer.recv(16)):
                said += more
    except OSError:
        return UNAVAILABLE
    return ANSWERS.get(said, UNAVAILABLE)


sys.exit(main())
