/** Commands about policies: what they are, what follows from them, and changing them. */
import { ACTIONS } from '@secreg/protocol'
import { type CommandSpec, type OperandSpec, type OptionSpec, yes } from './spec.ts'

const id: OperandSpec = { name: 'id', summary: 'id of a policy' }
const file: OperandSpec = {
  name: 'file',
  completes: 'file',
  summary: 'file of JSON or TOML; - reads standard input',
}
const action: OperandSpec = { name: 'action', values: ACTIONS, summary: 'for example read' }
const path: OperandSpec = { name: 'path', completes: 'key', summary: 'path of an entry' }

const format: OptionSpec = {
  name: 'format',
  value: 'FORMAT',
  values: ['json', 'toml'],
  summary: 'json or toml (as the name or the text says)',
}
const ifRevision: OptionSpec = {
  name: 'if-revision',
  value: 'N',
  summary: 'only if N is the revision of the policy; 0: there is none',
}
const dryRun: OptionSpec = {
  name: 'dry-run',
  summary: 'show what would be decided otherwise and change nothing',
}
const exitCode = (summary: string): OptionSpec => ({ name: 'exit-code', summary })

/** Whose rights, and as which request. */
const whose: readonly OptionSpec[] = [
  {
    name: 'user',
    value: 'USER',
    completes: 'user',
    summary: 'of this account as it is now (your own)',
  },
  {
    name: 'principal',
    value: 'PRINCIPAL',
    repeats: true,
    summary: 'of these alone, such as role:operator, group:web, uid:33',
  },
]
const asIf: readonly OptionSpec[] = [
  { name: 'ip', value: 'ADDRESS', summary: 'as if from this address' },
  { name: 'mfa', summary: 'as if with a second factor' },
  { name: 'no-mfa', summary: 'as if without a second factor' },
  { name: 'door', value: 'DOOR', summary: 'as if through this door, for example http' },
  {
    name: 'proof',
    value: 'PROOF',
    values: ['credential', 'kernel', 'asserted'],
    summary: 'as if proved so: credential, kernel, asserted',
  },
  { name: 'purpose', value: 'PURPOSE', summary: 'as if for this purpose' },
  {
    name: 'usage',
    value: 'TYPE[:ID]',
    summary: 'as if the secret of libvirt were for this, such as volume:/dev/vg/a',
  },
  { name: 'time', value: 'TIME', summary: 'as if at this time (now)' },
]

const ASKING = [
  'On a terminal it shows what would be decided otherwise and asks, unless --yes is given; anywhere else it asks nothing.',
]

export const POLICY_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'policy',
    summary: 'Policies: who may do what, and why',
    operands: [],
    options: [],
    subcommands: [
      {
        name: 'list',
        summary: 'List policies',
        operands: [],
        options: [
          { name: 'homes', summary: 'those too that give each account its own subtree alone' },
        ],
      },
      {
        name: 'get',
        summary: 'Print a policy',
        operands: [id],
        options: [{ ...format, summary: 'json (default) or toml' }],
        examples: ['policy get web --format toml > web.toml'],
      },
      {
        name: 'set',
        summary: 'Put a policy in force, in place of the one with its id',
        operands: [file],
        options: [format, ifRevision, dryRun, yes],
        notes: [
          'A mistake is named with its line and column, and nothing is changed. It holds for the next operation of every',
          'session. Nobody grants what he lacks.',
          ...ASKING,
        ],
        examples: [
          'policy set web.toml',
          'policy set web.toml --dry-run',
          'policy set - < web.json',
        ],
      },
      {
        name: 'delete',
        summary: 'Take a policy out of force',
        operands: [id],
        options: [ifRevision, dryRun, yes],
        notes: ASKING,
      },
      {
        name: 'test',
        summary: 'Try decisions, and compare them with what they should be',
        operands: [file],
        options: [format],
        notes: [
          'The file has "requests", each with "action", "resource", and optional "user" or "principals", "context" (ip, mfa,',
          'door, proof, purpose, usage, time), "expect" (allow or deny); and optional "documents", policies that are taken as if',
          'they were in force. It ends with 1 when a decision is not as expected.',
        ],
        examples: ['policy test cases.toml'],
      },
      {
        name: 'explain',
        summary: 'Tell why somebody may do something, or may not',
        operands: [action, path],
        options: [...whose, ...asIf, exitCode('end with 3 when it is denied')],
        notes: [
          'Of yourself it tells which rules name you and what keeps them from applying; denials only as "denied by policy".',
          'Of others, and for everything, the right to read policies is needed. It never tells whether the entry exists.',
        ],
        examples: [
          'policy explain read /app/db/password',
          'policy explain read /app/db/password --user alice --ip 10.0.0.7 --mfa',
        ],
      },
      {
        name: 'who-can',
        summary: 'Tell who may do something',
        operands: [action, path],
        options: asIf,
        examples: ['policy who-can decrypt /app/db/password'],
      },
      {
        name: 'what-can',
        summary: 'Tell what somebody may do',
        operands: [
          { name: 'user', optional: true, completes: 'user', summary: 'account (your own)' },
        ],
        options: [...whose.slice(1), ...asIf],
        examples: ['policy what-can', 'policy what-can alice'],
      },
      {
        name: 'lint',
        summary: 'Find rules that are probably not meant',
        operands: [{ ...file, optional: true }],
        options: [format, exitCode('end with 1 when there are errors or warnings')],
        notes: ['Of all policies, or of the one in the file, as if it were in force.'],
        examples: ['policy lint', 'policy lint web.toml --exit-code'],
      },
      {
        name: 'diff',
        summary: 'Show what would be decided otherwise',
        operands: [{ ...file, optional: true }],
        options: [format, { name: 'delete', value: 'ID', summary: 'if this policy were deleted' }],
        examples: ['policy diff web.toml', 'policy diff --delete web'],
      },
      {
        name: 'import',
        summary: 'Put rules of another system in force, with its own meaning',
        operands: [
          {
            name: 'file',
            completes: 'file',
            summary: 'file of JSON, or HCL of a Vault policy; - reads standard input',
          },
        ],
        options: [
          {
            name: 'format',
            value: 'FORMAT',
            values: ['acl', 'roles', 'vault', 'setec', 'libvirt'],
            summary: 'acl, roles, vault, setec or libvirt',
          },
          { name: 'id', value: 'ID', summary: 'id of the policy (name of the file)' },
          {
            name: 'principal',
            value: 'PRINCIPAL',
            repeats: true,
            summary: 'whom it is about, such as group:ci',
          },
          {
            name: 'mount',
            value: 'PATH',
            completes: 'key',
            summary: 'subtree that it is about (acl: /, setec: /setec, libvirt: /libvirt)',
          },
          {
            name: 'api-mount',
            value: 'NAME',
            summary: 'of vault: the mount in its paths (last segment of --mount)',
          },
          ifRevision,
          dryRun,
          yes,
        ],
        notes: [
          '--format is needed, and --principal for vault, setec and libvirt, and --mount for vault. acl takes',
          '{"acls":{"/path":{…}}}, roles {"role":["read",…]}, setec a list of rules or a capability map, libvirt {"rules":[…]}.',
          ...ASKING,
        ],
        examples: [
          'policy import ci.hcl --format vault --principal group:ci --mount /kv/secret --api-mount secret',
          'policy import acls.json --format acl --dry-run',
        ],
      },
    ],
  },
]
