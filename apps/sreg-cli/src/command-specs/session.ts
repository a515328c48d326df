/** Commands that begin and end the work with a registry. */
import { SHARE_COUNTS } from './seal.ts'
import { type CommandSpec, passwordStdin, username, yes } from './spec.ts'

export const SESSION_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'init',
    summary: 'Initialise the registry: what opens it, and the first administrator',
    operands: [],
    options: [
      { name: 'admin', value: 'NAME', summary: 'name of the first administrator' },
      ...SHARE_COUNTS,
      { name: 'with-passphrase', summary: 'a passphrase beside the shares' },
      {
        name: 'no-passphrase',
        summary: 'only what the configuration names opens it, or the shares',
      },
      { name: 'force', summary: 'move an existing registry aside (needs a login)' },
      yes,
      passwordStdin,
    ],
    notes: [
      'With --password-stdin: first line the passphrase, unless there is none, then the password of the administrator.',
      'With --shares no passphrase is asked for. The shares are printed once, one a line, and kept nowhere.',
    ],
    examples: [
      'init',
      'init --admin root --password-stdin < secrets.txt',
      'init --shares 5 --threshold 3',
    ],
  },
  {
    name: 'login',
    summary: 'Log in; the session is kept for the following commands',
    operands: [{ ...username, optional: true }],
    options: [
      {
        name: 'kernel',
        summary:
          'log in as the account that your user of the system is mapped to, without a password',
      },
      {
        name: 'token-stdin',
        summary: 'log in with a token, asked for or read from standard input',
      },
      passwordStdin,
    ],
    notes: [
      'The session is kept in $SECREG_SESSION, else $XDG_RUNTIME_DIR/secreg/session, else ~/.cache/secreg/session.',
      'A second factor is asked for when there is one; with --password-stdin, it is the second line. With a token in',
      '$SECREG_TOKEN, a command works without a login; so does one of a user of the system whom an account is mapped to',
      '(sreg user uids), in a session for that command alone, unless the account has a second factor.',
    ],
    examples: ['login alice', 'login --kernel', 'login --token-stdin < token.txt'],
  },
  { name: 'logout', summary: 'End the session', operands: [], options: [] },
]
