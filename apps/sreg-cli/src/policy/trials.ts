/** Files of `sreg policy test`: decisions to try, and what they should be. What does not fit is named with its place. */

import type { JsonValue } from '@secreg/policy-text'
import { LIMITS, type RequestOf, SecregError } from '@secreg/protocol'
import { printable } from '../escape.ts'
import { parseTime } from '../time-form.ts'
import { type AsIf, parseUsage } from './as-if.ts'
import type { Document, PolicyFile } from './policy-file.ts'

type Test = Extract<RequestOf<'policy'>, { op: 'test' }>
type Trial = Test['requests'][number]

const MEMBERS = ['user', 'principals', 'action', 'resource', 'context', 'expect']
const CONTEXT = ['ip', 'mfa', 'door', 'proof', 'purpose', 'usage', 'time']
const PROOFS = ['credential', 'kernel', 'asserted']

/**
 * Read trials.
 *
 * @param now - milliseconds since the epoch, for times such as `1h` ago
 * @throws CliError `POLICY_INVALID` with line and column
 */
export function readTrials(file: PolicyFile, now: number): Test {
  const top = new At(file, '', file.document as JsonValue).object(['documents', 'requests'])
  const documents = top.optional('documents')?.list(LIMITS.trialDocuments) ?? []
  const requests = top.member('requests').list(LIMITS.trials)
  if (requests.length === 0) throw top.member('requests').error('it has no request')
  return {
    op: 'test',
    ...(documents.length === 0
      ? {}
      : { documents: documents.map((document) => document.object().value as Document) }),
    requests: requests.map((request) => readTrial(request, now)),
  }
}

function readTrial(at: At, now: number): Trial {
  at.object(MEMBERS)
  const [user, principals] = [at.optional('user'), at.optional('principals')]
  if (user !== undefined && principals !== undefined) {
    throw principals.error('"user" and "principals" exclude each other')
  }
  const [context, expect] = [at.optional('context'), at.optional('expect')]
  return {
    ...(user === undefined ? {} : { user: user.text() }),
    ...(principals === undefined
      ? {}
      : { principals: principals.list(LIMITS.namesPerAccount).map((one) => one.text()) }),
    action: at.member('action').text(),
    resource: at.member('resource').text(),
    ...(context === undefined ? {} : { context: readContext(context, now) }),
    ...(expect === undefined ? {} : { expect: expect.choice(['allow', 'deny']) as 'allow' }),
  }
}

function readContext(at: At, now: number): AsIf {
  at.object(CONTEXT)
  const [ip, mfa, door, proof, purpose, usage, time] = CONTEXT.map((name) => at.optional(name))
  return {
    ...(ip === undefined ? {} : { ip: ip.text() }),
    ...(mfa === undefined ? {} : { mfa: mfa.boolean() }),
    ...(door === undefined ? {} : { door: door.text() }),
    ...(proof === undefined ? {} : { proof: proof.choice(PROOFS) as 'credential' }),
    ...(purpose === undefined ? {} : { purpose: purpose.text() }),
    ...(usage === undefined ? {} : { usage: parseUsage(usage.text()) }),
    ...(time === undefined ? {} : { time_ms: time.time(now) }),
  }
}

/** A value and where it stands. */
class At {
  readonly #file: PolicyFile
  readonly #pointer: string
  readonly value: JsonValue

  constructor(file: PolicyFile, pointer: string, value: JsonValue) {
    this.#file = file
    this.#pointer = pointer
    this.value = value
  }

  error(message: string): Error {
    return this.#file.mistake(this.#pointer, message)
  }

  /** This, as an object that has no other members. */
  object(members?: readonly string[]): this {
    const { value } = this
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw this.error('it has to be an object')
    }
    const other = members && Object.keys(value).find((name) => !members.includes(name))
    if (other === undefined) return this
    throw this.#at(other, null).error(`unknown member; known are ${members?.join(', ')}`)
  }

  optional(name: string): At | undefined {
    const members = this.value as Document
    return Object.hasOwn(members, name) ? this.#at(name, members[name] as JsonValue) : undefined
  }

  member(name: string): At {
    const found = this.optional(name)
    if (found === undefined) throw this.error(`member "${name}" is missing`)
    return found
  }

  list(most: number): At[] {
    if (!Array.isArray(this.value)) throw this.error('it has to be a list')
    if (this.value.length > most) throw this.error(`it has more than ${most} items`)
    return this.value.map((item, index) => this.#at(String(index), item))
  }

  text(): string {
    if (typeof this.value === 'string') return this.value
    throw this.error('it has to be a text')
  }

  boolean(): boolean {
    if (typeof this.value === 'boolean') return this.value
    throw this.error('it has to be true or false')
  }

  choice(choices: readonly string[]): string {
    const text = this.text()
    if (choices.includes(text)) return text
    throw this.error(`it has to be one of ${choices.join(', ')}`)
  }

  time(now: number): number {
    const text = this.text()
    try {
      return parseTime(text, now)
    } catch (error) {
      throw SecregError.is(error) ? this.error(printable(error.message)) : error
    }
  }

  #at(name: string, value: JsonValue): At {
    const part = name.replaceAll('~', '~0').replaceAll('/', '~1')
    return new At(this.#file, `${this.#pointer}/${part}`, value)
  }
}
