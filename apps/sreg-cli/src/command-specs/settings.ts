/** Commands about metadata and write rules. */
import {
  type CommandSpec,
  casRequired,
  deleteAfter,
  encrypt,
  ifRevision,
  key,
  maxVersions,
  type OperandSpec,
  ttl,
} from './spec.ts'

const subtree: OperandSpec = { name: 'path', completes: 'key', summary: 'top of the subtree' }

export const SETTING_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'meta',
    summary: 'Metadata, limits and expiry of an entry',
    operands: [],
    options: [],
    subcommands: [
      {
        name: 'get',
        summary: 'Show the metadata of an entry',
        operands: [key],
        options: [],
        examples: ['meta get /app/config/port'],
      },
      {
        name: 'set',
        summary: 'Change what is named and nothing else',
        operands: [key],
        options: [
          { name: 'description', value: 'TEXT', summary: 'what the entry is' },
          { name: 'no-description', summary: 'remove the description' },
          { name: 'tag', value: 'TAG', repeats: true, summary: 'its tags, in place of the old' },
          { name: 'no-tags', summary: 'remove every tag' },
          {
            name: 'custom',
            value: 'NAME=VALUE',
            repeats: true,
            summary: 'custom metadata, added or changed',
          },
          { name: 'remove', value: 'NAME', repeats: true, summary: 'custom metadata to remove' },
          { name: 'grant', summary: 'let the conditions of policies see what --custom sets' },
          maxVersions,
          { name: 'no-max-versions', summary: 'keep as many as the subtree says' },
          casRequired,
          { name: 'no-cas-required', summary: 'take a new value without --if-version' },
          deleteAfter,
          { name: 'no-delete-after', summary: 'delete versions as the subtree says' },
          ttl,
          ifRevision,
        ],
        examples: [
          'meta set /app/config/port --description "port of the database" --tag production',
          'meta set /app/config/port --custom owner=alice --remove ticket',
          'meta set /app/token/session --max-versions 3 --ttl 7d',
        ],
      },
    ],
  },
  {
    name: 'mount',
    summary: 'Subtrees with write rules of their own',
    operands: [],
    options: [],
    subcommands: [
      { name: 'list', summary: 'List them', operands: [], options: [], examples: ['mount list'] },
      {
        name: 'set',
        summary: 'Give a subtree its rules',
        operands: [
          subtree,
          { name: 'dialect', summary: 'whose rules, for example registry, setec, kv, libvirt' },
        ],
        options: [
          maxVersions,
          casRequired,
          deleteAfter,
          encrypt('keep every value below it encrypted'),
          { name: 'max-entries', value: 'N', summary: 'most entries, deleted ones included' },
          {
            name: 'max-bytes',
            value: 'SIZE',
            summary: 'most bytes that its entries take in the store: 1000 64K 100M 2G',
          },
        ],
        notes: [
          'It replaces what was set before for the same path. A quota counts what is there first;',
          'changes wait for that, reads go on.',
        ],
        examples: [
          'mount set /kv/team kv --max-versions 20 --cas-required',
          'mount set /app registry --max-entries 10000 --max-bytes 100M',
        ],
      },
      {
        name: 'remove',
        summary: 'Let the rules above it hold again',
        operands: [subtree],
        options: [],
        examples: ['mount remove /kv/team'],
      },
    ],
  },
]
