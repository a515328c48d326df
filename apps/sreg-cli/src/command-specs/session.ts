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
    operands: [username],
    options: [passwordStdin],
    notes: [
      'The session is kept in $SECREG_SESSION, else $XDG_RUNTIME_DIR/secreg/session, else ~/.cache/secreg/session.',
    ],
    examples: ['login alice'],
  },
  { name: 'logout', summary: 'End the session', operands: [], options: [] },
]
