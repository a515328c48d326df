"""Run the cases of subauth-cases.md against a server, in order, each under the uid that it names.

    cases.py SOCKET

Needs root. Prints one line of JSON for each case: {"id", "ok", "why", "reply"}.
"""

import json
import os
import re
import sys
import time
from pathlib import Path

from seqpacket import Closed, Connection, become, encode, parse

DOCUMENT = Path(__file__).with_name("subauth-cases.md").read_text()


def blocks(language):
    """Fenced blocks of the document."""
    return re.findall(rf"^```{language}\n(.*?)^```", DOCUMENT, re.M | re.S)


CONFIGURATION = json.loads(blocks("json")[0])
CASES = [json.loads(line) for line in blocks("jsonl")[0].splitlines()]


class Caller:
    """A process of one user, with a connection that it keeps from case to case."""

    def __init__(self, path, uid):
        ask_read, self.ask_write = os.pipe()
        self.answer_read, answer_write = os.pipe()
        self.pid = os.fork()
        if self.pid != 0:
            os.close(ask_read)
            os.close(answer_write)
            self.asked = os.fdopen(self.ask_write, "w")
            self.answers = os.fdopen(self.answer_read)
            return
        os.close(self.ask_write)
        os.close(self.answer_read)
        status = 1
        try:
            become(uid)
            serve(path, os.fdopen(ask_read), os.fdopen(answer_write, "w"))
            status = 0
        finally:
            os._exit(status)

    def ask(self, packet, closes):
        """The answer to a packet, and whether the server closed after it, if that is to be looked at."""
        self.asked.write(json.dumps({"packet": packet.hex(), "closes": closes}) + "\n")
        self.asked.flush()
        return json.loads(self.answers.readline())

    def end(self):
        self.asked.close()
        return os.waitpid(self.pid, 0)[1]


def serve(path, asked, answers):
    """What a caller does in its own process."""
    connection = Connection(path)
    for line in asked:
        asking = json.loads(line)
        reply, closed = None, None
        try:
            connection.send(bytes.fromhex(asking["packet"]))
            reply = parse(connection.receive())
            if asking["closes"]:
                closed = False
                connection.receive()
        except Closed:
            closed = True
        except (OSError, AssertionError, ValueError) as error:
            reply = f"{type(error).__name__}: {error}"
        if closed:
            connection.close()
            connection = Connection(path)
        answers.write(json.dumps({"reply": reply, "closed": closed}) + "\n")
        answers.flush()


def flip_last(text):
    """Another character of the same kind at the end."""
    kinds = ("0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "-_+/=")
    kind = next(kind for kind in kinds if text[-1] in kind)
    return text[:-1] + kind[(kind.index(text[-1]) + 1) % len(kind)]


def resolve(value, saved):
    """What is sent, with remembered values in their places."""
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return saved[value["$ref"]]
    if "$concat" in value:
        return "".join(resolve(part, saved) for part in value["$concat"])
    if "$flipLast" in value:
        return flip_last(resolve(value["$flipLast"], saved))
    return {key: resolve(one, saved) for key, one in value.items()}


TYPES = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
}


def mismatch(expected, actual, saved, at="reply"):
    """Why a value is not as expected; None when it is."""
    if not isinstance(expected, dict):
        same = type(expected) is type(actual) and expected == actual
        return None if same else f"{at}: expected {expected!r}, got {actual!r}"
    matchers = [key for key in expected if key.startswith("$")]
    if not matchers:
        if not isinstance(actual, dict):
            return f"{at}: expected an object, got {actual!r}"
        for key, one in expected.items():
            if key not in actual:
                return f"{at}: no {key}"
            why = mismatch(one, actual[key], saved, f"{at}.{key}")
            if why is not None:
                return why
        return None
    for matcher in matchers:
        wanted = expected[matcher]
        if matcher == "$nonEmpty":
            fits = isinstance(actual, str) and actual != ""
        elif matcher == "$re":
            fits = isinstance(actual, str) and re.search(wanted, actual) is not None
        elif matcher == "$type":
            fits = TYPES[wanted](actual)
        elif matcher == "$ref":
            fits = actual == saved[wanted]
        elif matcher == "$contains":
            fits = isinstance(actual, list) and any(
                mismatch(wanted, one, saved) is None for one in actual
            )
        elif matcher == "$noKeyDeep":
            fits = not any(key in wanted for key in keys_below(actual))
        elif matcher == "$save":
            saved[wanted] = actual
            continue
        else:
            raise ValueError(f"unknown matcher {matcher}")
        if not fits:
            return f"{at}: {actual!r} does not match {json.dumps({matcher: wanted})}"
    return None


def keys_below(value):
    """Every key anywhere in a value."""
    if isinstance(value, list):
        for one in value:
            yield from keys_below(one)
    if isinstance(value, dict):
        for key, one in value.items():
            yield key
            yield from keys_below(one)


def verdict(case, answer, saved):
    """Why a case has failed; None when it has not."""
    expected, reply = case["expect"], answer["reply"]
    if not isinstance(reply, dict):
        return f"no answer: {reply}"
    is_exact = set(expected) == {"error"} or "token" in expected
    if is_exact and set(reply) != set(expected):
        return f"keys {sorted(reply)}, expected {sorted(expected)}"
    if answer["closed"] is False:
        return "the server did not close"
    return mismatch(expected, reply, saved)


def main(path):
    saved = {}
    users = CONFIGURATION["callers"]
    callers = {}
    for name, uid in users.items():
        callers[name] = Caller(path, uid)
    for case in CASES:
        time.sleep(case.get("delayMs", 0) / 1000)
        why, answer = None, {"reply": None}
        try:
            is_raw = "raw" in case
            packet = case["raw"].encode() if is_raw else encode(resolve(case["req"], saved))
            closes = "then the server closes" in case.get("note", "")
            answer = callers[case["as"]].ask(packet, closes)
            why = verdict(case, answer, saved)
        except KeyError as error:
            why = f"an earlier case has not given {error}"
        line = {"id": case["id"], "ok": why is None, "why": why, "reply": answer["reply"]}
        print(json.dumps(line), flush=True)
    # The last one first: each holds the pipes of those before it open.
    for caller in reversed(callers.values()):
        if caller.end() != 0:
            raise SystemExit("a caller failed")


if __name__ == "__main__":
    main(sys.argv[1])
