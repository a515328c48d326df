/** Templates in patterns of Vault policies: `{{identity.…}}` (specs/kv2.md §3), filled in for one subject. */

/** What templates can ask of a subject. Absent members refuse the patterns that ask for them. */
export interface VaultIdentity {
  readonly entity?: VaultEntity
  /** Groups that the entity is in. */
  readonly groups?: readonly { readonly id: string; readonly name: string }[]
}

/** The entity of a subject. */
export interface VaultEntity {
  readonly id?: string
  readonly name?: string
  readonly metadata?: Readonly<Record<string, string>>
  /** By accessor of the auth mount. */
  readonly aliases?: Readonly<Record<string, Pick<VaultEntity, 'id' | 'name' | 'metadata'>>>
}

/** Text and variables in turn. */
export interface Template {
  readonly pieces: readonly (string | Variable)[]
}

type Variable = (identity: VaultIdentity) => string | undefined

/** Parse the variables of a text; `undefined` if it has none, or what is wrong in words. */
export function parseTemplate(text: string): Template | string | undefined {
  if (!text.includes('{{')) return text.includes('}}') ? 'has "}}" without "{{"' : undefined
  const pieces: (string | Variable)[] = []
  let at = 0
  for (;;) {
    const open = text.indexOf('{{', at)
    const literal = open === -1 ? text.slice(at) : text.slice(at, open)
    if (literal.includes('}}')) return 'has "}}" without "{{"'
    if (literal !== '') pieces.push(literal)
    if (open === -1) return { pieces }
    const close = text.indexOf('}}', open)
    if (close === -1) return 'has "{{" without "}}"'
    const variable = parseVariable(text.slice(open + 2, close).trim())
    if (variable === undefined)
      return 'has a template that is none of identity.entity and identity.groups'
    pieces.push(variable)
    at = close + 2
  }
}

function parseVariable(text: string): Variable | undefined {
  const entity = /^identity\.entity\.(.+)$/.exec(text)?.[1]
  if (entity !== undefined) return parseEntity(entity)
  const byId = /^identity\.groups\.ids\.(.+)\.name$/.exec(text)?.[1]
  if (byId !== undefined) return ({ groups }) => groups?.find(({ id }) => id === byId)?.name
  const byName = /^identity\.groups\.names\.(.+)\.id$/.exec(text)?.[1]
  if (byName !== undefined) return ({ groups }) => groups?.find(({ name }) => name === byName)?.id
  return undefined
}

function parseEntity(text: string): Variable | undefined {
  const alias = /^aliases\.([^.]+)\.(.+)$/.exec(text)
  if (alias === null) {
    const read = parseFields(text)
    return read === undefined ? undefined : ({ entity }) => read(entity)
  }
  const [, accessor = '', field = ''] = alias
  const read = parseFields(field)
  return read === undefined ? undefined : ({ entity }) => read(own(entity?.aliases, accessor))
}

type Fields = Pick<VaultEntity, 'id' | 'name' | 'metadata'>

function parseFields(text: string): ((of: Fields | undefined) => string | undefined) | undefined {
  if (text === 'id') return (of) => of?.id
  if (text === 'name') return (of) => of?.name
  const key = /^metadata\.(.+)$/.exec(text)?.[1]
  return key === undefined ? undefined : (of) => own(of?.metadata, key)
}

function own<T>(record: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined
}

/** Characters that would widen a pattern or lead elsewhere in it (GHSA-59w7-v8rr-pr4p). */
const WIDENING = /[+*/]|\p{Cc}/u

/** The text for an identity, or `undefined` if a value is missing or must not stand in a pattern. */
export function fillTemplate({ pieces }: Template, identity: VaultIdentity): string | undefined {
  let text = ''
  for (const piece of pieces) {
    const value = typeof piece === 'string' ? piece : piece(identity)
    if (typeof value !== 'string') return undefined
    if (typeof piece !== 'string' && (value === '' || WIDENING.test(value))) return undefined
    text += value
  }
  return text
}

/** What the text begins with, whoever the subject is. */
export function templateHead({ pieces }: Template): string {
  const [first] = pieces
  return typeof first === 'string' ? first : ''
}
