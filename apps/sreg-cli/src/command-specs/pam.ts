/** The command that PAM runs. */
import type { CommandSpec } from './spec.ts'

export const PAM_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'pam-auth',
    summary: 'Let users of the system log in with their password here; for pam_exec',
    operands: [],
    options: [
      {
        name: 'group',
        value: 'NAME',
        repeats: true,
        summary: 'only who is in this group, or in one of several',
      },
      {
        name: 'role',
        value: 'NAME',
        repeats: true,
        summary: 'only who has this role, or one of several',
      },
      { name: 'otp-appended', summary: 'six digits behind the password are the second factor' },
    ],
    notes: [
      'It takes the user from PAM_USER and the password from standard input, and ends with 0 or 1. It says why with',
      '--verbose alone, and uses no socket but --socket or /run/secreg/socket: docs/pam.md.',
    ],
    examples: ['pam-auth --group staff'],
  },
]
