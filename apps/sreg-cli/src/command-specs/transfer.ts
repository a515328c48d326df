/** Commands that take entries out and in. */
import { type CommandSpec, encrypt, passwordStdin } from './spec.ts'

export const TRANSFER_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'export',
    summary: 'Export entries',
    operands: [],
    options: [
      {
        name: 'output',
        value: 'FILE',
        completes: 'file',
        summary: 'write to a file (mode 0600) instead of standard output',
      },
      encrypt('encrypt the export with a passphrase; secrets are included'),
      { name: 'with-secrets', summary: 'include secrets in the clear' },
      { name: 'prefix', value: 'PREFIX', completes: 'key', summary: 'only what is below it' },
      passwordStdin,
    ],
    notes: ['Without --encrypt or --with-secrets, encrypted values are left out.'],
    examples: ['export --output plain.json', 'export --encrypt --output backup.json'],
  },
  {
    name: 'import',
    summary: 'Import entries, all or nothing, or the secrets of a setec server or of libvirt',
    operands: [
      {
        name: 'file',
        completes: 'file',
        summary: 'file, directory, or address of a server; - reads standard input',
      },
    ],
    options: [
      { name: 'decrypt', summary: 'decrypt an encrypted export' },
      { name: 'force', summary: 'overwrite entries that differ' },
      { name: 'dry-run', summary: 'show what would change and change nothing' },
      {
        name: 'format',
        value: 'FORMAT',
        values: ['secreg', 'dotenv', 'json', 'tree', 'setec', 'libvirt'],
        summary:
          'secreg (found by itself), dotenv, json, tree (a directory), setec (a server), libvirt (its directory)',
      },
      {
        name: 'key',
        value: 'FILE',
        completes: 'file',
        summary: 'key of the values that libvirt has encrypted, 32 bytes',
      },
      { name: 'prefix', value: 'PREFIX', completes: 'key', summary: 'put everything below it' },
      encrypt('keep every value encrypted'),
      passwordStdin,
    ],
    notes: [
      'tree: each regular file becomes one entry; empty and unreadable ones are skipped. json: objects become paths.',
      'Names that cannot be path segments are encoded with %.',
      'setec: every version keeps its number, and the active one stays so; what is here already is passed over.',
      'libvirt: definitions and values come in below /libvirt; one value that the key does not open stops it before anything is written.',
    ],
    examples: [
      'import backup.json --decrypt',
      'import .env --format dotenv --prefix /app/web',
      'import /proc/sys --format tree --prefix /system --dry-run',
      'import https://setec.example.com --format setec --dry-run',
      'import /etc/libvirt/secrets --format libvirt --dry-run',
    ],
  },
]
