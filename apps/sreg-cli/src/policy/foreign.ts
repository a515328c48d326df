/** Rules of other systems, read as they are written there, as documents that keep their meaning (DESIGN §7). */
import type { JsonValue } from '@secreg/policy-text'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { printable } from '../escape.ts'
import type { Mistake } from './check-locally.ts'
import type { Document, PolicyFile } from './policy-file.ts'

/** Whose rules `sreg policy import` takes. */
export type ForeignFormat = 'acl' | 'roles' | 'vault' | 'setec' | 'libvirt'

/** A document made of a file. */
export interface Foreign {
  readonly document: Document
  /** The error of a mistake in the document: where it stands in the file, or which option it comes from. */
  readonly mistake: Mistake
}

/** Where members of the document come from: what begins so in the document begins so in the file. */
type Origins = readonly (readonly [document: string, file: string])[]

/** Options that members come from. */
const OPTIONS: Readonly<Record<string, string>> = {
  '/id': '--id',
  '/principals': '--principal',
  '/mount': '--mount',
  '/apiMount': '--api-mount',
}

/** Subtrees that the doors of the systems use. */
const MOUNTS: Readonly<Partial<Record<ForeignFormat, string>>> = {
  acl: '/',
  setec: '/setec',
  libvirt: '/libvirt',
}

/**
 * Make the document of a foreign file.
 *
 * @throws CliError `INVALID_ARGUMENT` when an option is missing or not for the format, `POLICY_INVALID` for the file
 */
export async function readForeign(
  context: Context,
  format: ForeignFormat,
  file: PolicyFile,
): Promise<Foreign> {
  const id = context.text('id') ?? file.stem
  if (id === undefined) throw missing('--id', 'for example: --id ci')
  if (context.text('api-mount') !== undefined && format !== 'vault')
    throw notFor('--api-mount', format)
  if (format === 'roles') return readRoles(context, id, file)
  const principals = principalsOf(context, format)
  const mount = context.text('mount') ?? MOUNTS[format]
  if (mount === undefined) throw missing('--mount', 'for example: --mount /kv/secret')
  const { members, origins } = await membersOf(context, format, file, mount)
  const document = { id, source: format, principals, mount, ...members }
  return { document, mistake: mistakeOf(file, origins) }
}

function missing(option: string, hint: string): CliError {
  return new CliError('INVALID_ARGUMENT', `${option} is missing`, hint)
}

function notFor(option: string, format: ForeignFormat): CliError {
  return new CliError('INVALID_ARGUMENT', `${option} is not for the format ${format}`)
}

/** ACLs name their principals themselves. */
function principalsOf(context: Context, format: ForeignFormat): readonly string[] {
  const given = [...new Set(context.texts('principal'))]
  if (given.length > 0) return given
  if (format === 'acl') return ['*']
  throw missing('--principal', 'for example: --principal group:ci')
}

function mistakeOf(file: PolicyFile, origins: Origins): Mistake {
  return (pointer, message, reason = 'POLICY_INVALID') => {
    for (const [inDocument, inFile] of origins) {
      if (pointer.startsWith(inDocument)) {
        return file.mistake(inFile + pointer.slice(inDocument.length), message, reason)
      }
    }
    const [member = ''] = /^\/[^/]*/.exec(pointer) ?? []
    const option = OPTIONS[member]
    const text = option === undefined ? message : `option ${option}: ${message}`
    return new CliError(reason, printable(text))
  }
}

interface Members {
  readonly members: Document
  readonly origins: Origins
}

async function membersOf(
  context: Context,
  format: Exclude<ForeignFormat, 'roles'>,
  file: PolicyFile,
  mount: string,
): Promise<Members> {
  switch (format) {
    case 'vault':
      return vaultMembers(context, file, mount)
    case 'setec':
      return setecMembers(file)
    case 'acl':
      return memberOrWhole(file, 'acls')
    case 'libvirt':
      return memberOrWhole(file, 'rules')
  }
}

/** A policy of Vault, as HCL or JSON, or several in a list `policies`. */
function vaultMembers(context: Context, file: PolicyFile, mount: string): Members {
  const apiMount = context.text('api-mount') ?? mount.slice(mount.lastIndexOf('/') + 1)
  const whole = objectOf(file)
  if (Object.hasOwn(whole, 'policies')) {
    const { members, origins } = memberOrWhole(file, 'policies')
    return { members: { apiMount, ...members }, origins }
  }
  const name = file.stem ?? context.text('id') ?? ''
  return {
    members: { apiMount, policies: [{ name, ...whole }] },
    origins: [['/policies/0', '']],
  }
}

/** A list of rules, an object with one, or a capability map of Tailscale. */
async function setecMembers(file: PolicyFile): Promise<Members> {
  const { document } = file
  if (Array.isArray(document)) return { members: { rules: document }, origins: [['/rules', '']] }
  if (Object.hasOwn(document, 'rules')) return memberOrWhole(file, 'rules')
  const { PolicyError, setecRules } = await import('@secreg/policy-engine')
  try {
    const rules = setecRules(document)
    if (rules.length === 0) throw file.mistake('', 'it has no rule of setec')
    return { members: { rules: rules as unknown as JsonValue }, origins: [['/rules', '']] }
  } catch (error) {
    throw PolicyError.is(error) ? file.mistake(error.pointer, error.message) : error
  }
}

/** A member of the file, which may hold nothing else, or the file as that member. */
function memberOrWhole(file: PolicyFile, name: string): Members {
  const { document } = file
  if (Array.isArray(document) || !Object.hasOwn(document, name)) {
    return { members: { [name]: document as JsonValue }, origins: [[`/${name}`, '']] }
  }
  const members = objectOf(file)
  const other = Object.keys(members).find((one) => one !== name)
  if (other !== undefined) {
    throw file.mistake(
      `/${other.replaceAll('~', '~0').replaceAll('/', '~1')}`,
      `unknown member beside "${name}"`,
    )
  }
  return { members, origins: [[`/${name}`, `/${name}`]] }
}

function objectOf(file: PolicyFile): Document {
  if (Array.isArray(file.document)) throw file.mistake('', 'it has to be an object')
  return file.document as Document
}

/** Actions by name of role, as an object or as its member `roles`. */
async function readRoles(context: Context, id: string, file: PolicyFile): Promise<Foreign> {
  for (const option of ['principal', 'mount']) {
    if (context.flag(option)) throw notFor(`--${option}`, 'roles')
  }
  const whole = objectOf(file)
  const inside = Object.hasOwn(whole, 'roles') && !Array.isArray(whole['roles'])
  const roles = (inside ? whole['roles'] : whole) as Document
  const origin = inside ? '/roles' : ''
  const { importRoles } = await import('@secreg/policy-engine')
  for (const [name, actions] of Object.entries(roles)) {
    if (!Array.isArray(actions) || !actions.every((one) => typeof one === 'string')) {
      throw file.mistake(`${origin}/${name}`, 'it has to be a list of actions')
    }
  }
  const document = importRoles(roles as Parameters<typeof importRoles>[0], { id })
  const mistake: Mistake = (_, message) => file.mistake(origin, message)
  return { document: document as unknown as Document, mistake }
}
