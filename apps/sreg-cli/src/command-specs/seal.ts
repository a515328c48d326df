/** Commands about what opens the registry. */
import { type CommandSpec, type OptionSpec, passwordStdin } from './spec.ts'

const shares: OptionSpec = {
  name: 'shares',
  value: 'COUNT',
  summary: 'make so many shares, for as many people',
}
const threshold: OptionSpec = {
  name: 'threshold',
  value: 'COUNT',
  summary: 'so many of the shares open it',
}
/** Options of a command that makes shares. */
export const SHARE_COUNTS: readonly OptionSpec[] = [shares, threshold]

const file: OptionSpec = {
  name: 'file',
  value: 'FILE',
  completes: 'file',
  summary: 'the key file: 32 to 4096 random bytes, mode 0600',
}
const proofs: readonly OptionSpec[] = [
  {
    name: 'proof-key-file',
    value: 'FILE',
    completes: 'file',
    summary: 'prove it by this key file instead of the passphrase',
  },
  { name: 'proof-shares', summary: 'prove it by shares instead of the passphrase' },
  passwordStdin,
]
const protector = { name: 'id', summary: 'its id, the beginning of it, or its label' } as const

const PROOF_NOTES = [
  'What opens the registry now has to be given too: asked for on a terminal. With --password-stdin: first line the',
  'passphrase now (with --proof-shares: the shares, one a line; with --proof-key-file: nothing), then the new passphrase.',
]

export const SEAL_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'unlock',
    summary: 'Unlock the registry',
    operands: [],
    options: [
      {
        name: 'share',
        summary: 'give one share of several; standard input may have more, one a line',
      },
      { name: 'finish', summary: 'fail unless it is unlocked after these shares' },
      {
        name: 'key-file',
        value: 'FILE',
        completes: 'file',
        summary: 'unlock with a key file, or with what systemd passes as a credential',
      },
      { name: 'recovery', summary: 'use what is kept for recovery' },
      { name: 'reset', summary: 'forget the shares that have been given so far' },
      passwordStdin,
    ],
    notes: [
      'Without an option, the passphrase is asked for. Shares may come from several people, each with a command of their',
      'own; whether they are genuine shows when as many are there as are needed. They wait for 15 minutes.',
    ],
    examples: ['unlock', 'unlock --share', 'unlock --key-file /media/key --recovery'],
  },
  {
    name: 'protector',
    summary: 'What opens the registry: passphrases, shares, key files',
    operands: [],
    options: [],
    subcommands: [
      {
        name: 'list',
        summary: 'List them',
        operands: [],
        options: [],
        examples: ['protector list'],
      },
      {
        name: 'add',
        summary: 'Let something else open it too',
        operands: [
          {
            name: 'kind',
            values: ['passphrase', 'shares', 'key-file', 'systemd-credential'],
            summary: 'passphrase, shares, key-file, or the systemd-credential of the configuration',
          },
        ],
        options: [
          { name: 'label', value: 'TEXT', summary: 'what you call it' },
          { name: 'recovery', summary: 'keep it apart: not for the daily unlock' },
          ...SHARE_COUNTS,
          file,
          ...proofs,
        ],
        notes: ['Shares are printed once, one a line, and kept nowhere.', ...PROOF_NOTES],
        examples: [
          'protector add passphrase --label office',
          'protector add shares --shares 5 --threshold 3 --recovery --label board',
          'protector add key-file --file /etc/secreg/key',
        ],
      },
      {
        name: 'change',
        summary: 'Make it anew; what it was before opens nothing any more',
        operands: [protector],
        options: [
          ...SHARE_COUNTS,
          file,
          { name: 'force', summary: 'make shares anew though nothing else opens the registry' },
          ...proofs,
        ],
        notes: [
          'A passphrase is asked for; of shares, new ones are printed once. Nothing is encrypted anew.',
          ...PROOF_NOTES,
        ],
        examples: ['protector change office', 'protector change 3f2a --file /etc/secreg/key.new'],
      },
      {
        name: 'remove',
        summary: 'Let it open nothing any more',
        operands: [protector],
        options: [
          {
            name: 'force',
            summary:
              'also the last that works on another host, or for daily use; the very last never',
          },
        ],
        notes: ['An older copy of the store still opens with it: see SECURITY.md.'],
        examples: ['protector remove office'],
      },
    ],
  },
]
