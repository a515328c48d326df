/** Commands that begin and end the work with a registry. */
import { type CommandSpec, passwordStdin, username, yes } from './spec.ts'

export const SESSION_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'init',
    summary: 'Initialise the registry: passphrase and first administrator',
    operands: [],
    options: [
      { name: 'admin', value: 'NAME', summary: 'name of the first administrator' },
      { name: 'force', summary: 'move an existing registry aside (needs a login)' },
      yes,
      passwordStdin,
    ],
    notes: [
      'With --password-stdin: first line the passphrase, second the password of the administrator.',
    ],
    examples: ['init', 'init --admin root --password-stdin < secrets.txt'],
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
