"""Runs a program on a pseudo-terminal: waits for texts, types answers, sends signals. One JSON in, one JSON out."""
import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time

plan = json.load(sys.stdin)
master, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 100, 0, 0))


def own_terminal():
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


stdout = subprocess.PIPE if plan["pipeStdout"] else slave
child = subprocess.Popen(
    plan["argv"], stdin=slave, stdout=stdout, stderr=slave, env=plan["env"], preexec_fn=own_terminal
)
echo_on = lambda: bool(termios.tcgetattr(slave)[3] & termios.ECHO)
deadline = time.monotonic() + 20
screen = b""
echoes = []


def read_some():
    global screen
    ready, _, _ = select.select([master], [], [], 0.05)
    if ready:
        screen += os.read(master, 65536)
    return bool(ready)


def read_by_child():
    with open(f"/proc/{child.pid}/io") as counters:
        return int(counters.readline().split()[1])


at = 0
for step in plan["steps"]:
    wanted = step["expect"].encode()
    while True:
        found = screen.find(wanted, at)
        # The terminal is switched after the question is written.
        if found >= 0 and (step.get("echo") or not echo_on()):
            at = found + len(wanted)
            break
        if time.monotonic() > deadline or (child.poll() is not None and not read_some()):
            child.kill()
            print(json.dumps({"failed": step["expect"], "screen": screen.decode("utf8", "replace")}))
            sys.exit(0)
        read_some()
    echoes.append(echo_on())
    if "send" in step:
        before = read_by_child()
        sent = step["send"].encode()
        os.write(master, sent)
        # The kernel hands the characters over later; one that came after the signal would be echoed by right.
        while "signal" in step and read_by_child() < before + len(sent) and child.poll() is None:
            if time.monotonic() > deadline:
                break
            read_some()
    if "signal" in step:
        child.send_signal(getattr(signal, step["signal"]))
while child.poll() is None and time.monotonic() < deadline:
    read_some()
while read_some():
    pass
child.kill()
out = child.stdout.read().decode() if child.stdout else ""
print(
    json.dumps(
        {
            "code": child.wait(),
            "screen": screen.decode("utf8", "replace"),
            "stdout": out,
            "echoes": echoes,
            "echoAfter": echo_on(),
        }
    )
)
