/** Commands about many entries at once, and about what others change. */
import type { CommandSpec } from './spec.ts'

export const CHANGE_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'txn',
    summary: 'Compare, then do the one or the other, as one operation',
    operands: [
      {
        name: 'file',
        optional: true,
        completes: 'file',
        summary: 'file of JSON; - (default) reads standard input',
      },
    ],
    options: [],
    notes: [
      'JSON: {"compare":[…],"then":[…],"else":[…]}, each optional. A comparison has a key and one of revision, version,',
      'absent, value, and "is": "=", "!=", "<" or ">". An operation has "op": "get", "set" or "delete", a key, and the members of',
      'that request: value, type, encrypt, decrypt, if_version, if_revision, if_type, ttl_s, private, ephemeral.',
      'It ends with 0 whether "then" or "else" was done; --json tells in "succeeded".',
    ],
    examples: ['txn change.json', 'txn --json < change.json'],
  },
  {
    name: 'watch',
    summary: 'Print changes as they happen; never a value',
    operands: [{ name: 'prefix', completes: 'key', summary: 'path above the entries' }],
    options: [
      { name: 'exact', summary: 'this entry only, not what is below it' },
      { name: 'no-recursive', summary: 'the children of the prefix only' },
      { name: 'since', value: 'REVISION', summary: 'begin with the first change after it (now)' },
      { name: 'generation', value: 'ID', summary: 'life of the store that REVISION is of' },
    ],
    notes: [
      'A line is: revision, operation, key, version; with --json one object. It runs until SIGINT or SIGTERM and then ends',
      'with 0. When the connection is lost or the reader is too slow, it ends with 6 and tells how to go on without a gap.',
    ],
    examples: ['watch /app', 'watch /app/config/port --exact --json', 'watch /app --since 1234'],
  },
]
