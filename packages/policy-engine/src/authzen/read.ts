/** Requests from parsed JSON: missing and wrong members are mistakes, unknown ones are left alone. */

import type {
  AuthzenAction,
  AuthzenEvaluation,
  AuthzenProperties,
  AuthzenResource,
  AuthzenSemantic,
  AuthzenSubject,
} from './types.ts'

/** A request that cannot be answered, as words for its sender; they repeat nothing that he sent. */
export class AuthzenError extends Error {
  override name = 'AuthzenError'
  /** Of HTTP. */
  readonly status = 400
}

/** A JSON object, own members only. */
export type JsonMembers = Readonly<Record<string, unknown>>

const SEMANTICS: readonly AuthzenSemantic[] = [
  'execute_all',
  'deny_on_first_deny',
  'permit_on_first_permit',
]

/** Check that a value is a JSON object. @throws AuthzenError */
export function readObject(value: unknown, what: string): JsonMembers {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AuthzenError(`${what}: expected an object`)
  }
  return value as JsonMembers
}

/** Read the entities that an object has. @throws AuthzenError for one that is wrong */
export function readEntities(request: JsonMembers): Partial<AuthzenEvaluation> {
  const has = (name: string): boolean => Object.hasOwn(request, name)
  return {
    ...(has('subject') && { subject: readTyped(request['subject'], 'subject') }),
    ...(has('action') && { action: readAction(request['action']) }),
    ...(has('resource') && { resource: readTyped(request['resource'], 'resource') }),
    ...(has('context') && { context: readObject(request['context'], 'context') }),
  }
}

/** Check that nothing is missing. @throws AuthzenError */
export function requireComplete(entities: Partial<AuthzenEvaluation>): AuthzenEvaluation {
  const { subject, action, resource, context } = entities
  if (subject === undefined) throw new AuthzenError('subject: missing')
  if (action === undefined) throw new AuthzenError('action: missing')
  if (resource === undefined) throw new AuthzenError('resource: missing')
  return { subject, action, resource, ...(context && { context }) }
}

/** Read the semantic of `options`. @throws AuthzenError for one that is not known */
export function readSemantic(request: JsonMembers): AuthzenSemantic {
  if (!Object.hasOwn(request, 'options')) return 'execute_all'
  const options = readObject(request['options'], 'options')
  if (!Object.hasOwn(options, 'evaluations_semantic')) return 'execute_all'
  const semantic = SEMANTICS.find((known) => known === options['evaluations_semantic'])
  if (semantic === undefined) {
    throw new AuthzenError(`options.evaluations_semantic: expected one of ${SEMANTICS.join(', ')}`)
  }
  return semantic
}

function readTyped(value: unknown, what: string): AuthzenSubject & AuthzenResource {
  const entity = readObject(value, what)
  const [type, id] = [readText(entity, 'type', what), readText(entity, 'id', what)]
  return { type, id, ...readProperties(entity, what) }
}

function readAction(value: unknown): AuthzenAction {
  const action = readObject(value, 'action')
  return { name: readText(action, 'name', 'action'), ...readProperties(action, 'action') }
}

function readText(entity: JsonMembers, member: string, what: string): string {
  const value = Object.hasOwn(entity, member) ? entity[member] : undefined
  if (value === undefined) throw new AuthzenError(`${what}.${member}: missing`)
  if (typeof value !== 'string') throw new AuthzenError(`${what}.${member}: expected a string`)
  return value
}

function readProperties(
  entity: JsonMembers,
  what: string,
): { readonly properties?: AuthzenProperties } {
  if (!Object.hasOwn(entity, 'properties')) return {}
  return { properties: readObject(entity['properties'], `${what}.properties`) }
}
