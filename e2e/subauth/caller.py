"""Somebody who asks, told line by line what to do.

    caller.py SOCKET REAL [EFFECTIVE]

Becomes that user first. Every line on standard input is one step, a JSON object with `do`; every step gives one line of
JSON. What the kernel refuses is {"errno": NAME}, a connection that the server closed {"closed": true}.
"""

import base64
import errno
import json
import os
import socket
import sys
import time

from seqpacket import Closed, Connection, become, credentials, descriptors, encode, parse


class Steps:
    """The steps, and the connections that they name."""

    def __init__(self, path):
        self.path = path
        self.connections = {}

    def open(self, name="main", stream=False, send_buffer=None):
        kind = socket.SOCK_STREAM if stream else socket.SOCK_SEQPACKET
        self.connections[name] = Connection(self.path, kind, send_buffer)
        return {}

    def churn(self, zone, at_most=5):
        """Make and delete own tokens until the server is gone; what was acknowledged then, and what is in doubt."""
        held, gone, doubt = {}, {}, None
        rounds = 0
        try:
            connection = Connection(self.path)
            while True:
                if len(held) < at_most:
                    doubt = None
                    made = self._accepted(connection, {"cmd": "create-token", "zone": zone})
                    held[made["ident"]] = made["token"]
                else:
                    doubt = next(iter(held))
                    self._accepted(connection, {"cmd": "delete-token", "zone": zone, "ident": doubt})
                    gone[doubt] = held.pop(doubt)
                    doubt = None
                rounds += 1
        except (Closed, OSError):
            return {"held": held, "gone": gone, "doubt": doubt, "rounds": rounds}

    @staticmethod
    def _accepted(connection, request):
        reply = connection.ask(encode(request))
        if reply["error"] != "":
            raise AssertionError(f"{request['cmd']}: {reply['error']}")
        return reply

    def take(self, of, name="main"):
        """Take over the connection that a process of another user opens, and passes on before it ends."""
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        child = os.fork()
        if child == 0:
            try:
                become(of)
                opened = Connection(self.path)
                socket.send_fds(there, [b"x"], [opened.socket.fileno()])
            finally:
                os._exit(0)
        there.close()
        _, numbers, _, _ = socket.recv_fds(here, 1, 1)
        os.waitpid(child, 0)
        here.close()
        self.connections[name] = Connection(taken=socket.socket(fileno=numbers[0]))
        return {}

    def close(self, name="main"):
        self.connections.pop(name).close()
        return {}

    def become(self, real, effective=None):
        become(real, effective)
        return {}

    def send(self, name="main", states=None, passes=0, **packet):
        """`states`: [uid, gid] claimed of oneself; `passes`: number of descriptors that go along."""
        ancillary = []
        passed = [os.open("/dev/null", os.O_RDONLY) for _ in range(passes)]
        if passed:
            ancillary.append(descriptors(*passed))
        if states is not None:
            ancillary.append(credentials(os.getpid(), *states))
        try:
            self.connections[name].send(bytes_of(packet), ancillary)
        finally:
            for one in passed:
                os.close(one)
        return {}

    def receive(self, name="main"):
        return {"reply": parse(self.connections[name].receive())}

    def ask(self, name="main", **packet):
        self.send(name, **packet)
        return self.receive(name)

    def once(self, **packet):
        """Ask on a connection that is made for it."""
        self.open("once")
        try:
            return self.ask("once", **packet)
        finally:
            self.close("once")

    def timed(self, request, name="main", count=1):
        """Ask the same again and again; seconds of each, and the last answer."""
        packet = encode(request)
        seconds = []
        for _ in range(count):
            started = time.perf_counter()
            reply = self.connections[name].ask(packet)
            seconds.append(time.perf_counter() - started)
        return {"seconds": seconds, "reply": reply}

    def stuff(self, requests, name="main"):
        """Send without waiting for answers, until all are sent or the kernel takes no more; how many were taken."""
        taken = 0
        for request in requests:
            try:
                self.connections[name].send(encode(request), flags=socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            taken += 1
        return {"taken": taken}

    def drain(self, count, name="main"):
        """The next answers, in the order of their arrival."""
        return {"replies": [parse(self.connections[name].receive()) for _ in range(count)]}

    def crowd(self, names):
        """Open many; the names of those that were not accepted by the kernel, with its word."""
        refused = {}
        for name in names:
            try:
                self.open(name)
            except OSError as error:
                refused[name] = errno.errorcode[error.errno]
        return {"refused": refused}

    def ask_all(self, names, **packet):
        """Ask on each: all are sent before the first answer is read."""
        answers = {}
        for name in names:
            answers[name] = outcome(lambda: self.send(name, **packet))
        for name in names:
            if answers[name] == {}:
                answers[name] = outcome(lambda: self.receive(name))
        return {"answers": answers}

    def come_and_go(self, count):
        """Connect, ask one nop and close, again and again; how many were served, and what kept others from it."""
        nop = encode({"cmd": "nop"})
        served, faults = 0, {}
        for _ in range(count):
            def visit():
                connection = Connection(self.path)
                try:
                    return {"reply": connection.ask(nop)}
                finally:
                    connection.close()

            answer = outcome(visit)
            if answer == {"reply": {"error": ""}}:
                served += 1
            else:
                fault = json.dumps(answer)
                faults[fault] = faults.get(fault, 0) + 1
        return {"served": served, "faults": faults}


def bytes_of(packet):
    """The bytes that a step names: a request, a text, or bytes in base64."""
    if "request" in packet:
        return encode(packet["request"])
    if "text" in packet:
        return packet["text"].encode()
    return base64.b64decode(packet["base64"])


def outcome(act):
    """What an act gives, or what kept it from that."""
    try:
        return act()
    except Closed:
        return {"closed": True}
    except OSError as error:
        return {"errno": errno.errorcode[error.errno]}


def main(path, real, effective=None):
    steps = Steps(path)
    become(int(real), None if effective is None else int(effective))
    print(json.dumps({}), flush=True)
    for line in sys.stdin:
        step = json.loads(line)
        do = getattr(steps, step.pop("do"))
        try:
            answer = outcome(lambda: do(**step))
        except (AssertionError, ValueError) as error:
            answer = {"fault": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
