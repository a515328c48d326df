#!/usr/bin/python3 -I
"""A PAM helper of secregd: reads one question (docs/pam.md), asks PAM, and answers by its exit code.

    apt-get install python3-pam
    install -m 0755 secreg-pam.py /usr/libexec/secreg-pam

With --answer it is the program of secreg-pam@.service: the code goes to standard output, one digit and a newline.
"""

import sys

GOOD, REFUSED, UNAVAILABLE = 0, 1, 3
MAX_BYTES = 4096
REFUSALS = (
    "PAM_AUTH_ERR",
    "PAM_USER_UNKNOWN",
    "PAM_PERM_DENIED",
    "PAM_ACCT_EXPIRED",
    "PAM_AUTHTOK_EXPIRED",
    "PAM_NEW_AUTHTOK_REQD",
    "PAM_MAXTRIES",
)


def ask_pam(user: str, password: str, service: str, rhost: str) -> int:
    import PAM

    given = []

    def converse(_auth, queries, _data):
        answers = []
        for _, kind in queries:
            # The first question without echo is that for the password; nobody is here to answer any other.
            is_password = kind == PAM.PAM_PROMPT_ECHO_OFF and not given
            answers.append((password if is_password else "", 0))
            if is_password:
                given.append(True)
        return answers

    try:
        auth = PAM.pam()
        auth.start(service, user, converse)
        auth.set_item(PAM.PAM_RHOST, rhost)
        # An account without a password is not one that any password opens.
        auth.authenticate(PAM.PAM_DISALLOW_NULL_AUTHTOK)
        auth.acct_mgmt()
        # A module can have put another user in the place of the one who was asked about.
        return GOOD if auth.get_item(PAM.PAM_USER) == user else REFUSED
    except PAM.error as error:
        return REFUSED if error.args[-1] in [getattr(PAM, name) for name in REFUSALS] else UNAVAILABLE


def answer(question: bytes) -> int:
    try:
        user, password, service, rhost, rest = question.decode().split("\0")
        if rest or not user or not password:
            return UNAVAILABLE
        return ask_pam(user, password, service, rhost)
    except (ImportError, ValueError):
        return UNAVAILABLE


def main() -> int:
    question = sys.stdin.buffer.read(MAX_BYTES + 1)
    code = answer(question) if len(question) <= MAX_BYTES else UNAVAILABLE
    if sys.argv[1:] != ["--answer"]:
        return code
    print(code, flush=True)
    return 0


sys.exit(main())
