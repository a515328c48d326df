/** Whether a request keeps what its pattern asks of parameters, wrapping, second factor and page (specs/kv2.md §3). */

import type { Parameters, Permissions } from './permissions.ts'
import type { VaultOperation } from './words.ts'

/** What is known of a request to the API. What is absent is unknown, and does not keep what a pattern asks of it. */
export interface VaultRequest {
  /** Top-level members of the body or query, `limit` of a list among them. */
  readonly parameters?: Readonly<Record<string, unknown>> | undefined
  /** Time to live of the response wrapping that was asked for, seconds; 0 is none. */
  readonly wrapTtlSeconds?: number | undefined
  readonly mfa?: boolean | undefined
}

/** Something that a request lacks, with what its pattern wants. */
export interface VaultUnmet {
  readonly condition: 'parameters' | 'wrapping' | 'mfa'
  readonly wants: string
  readonly unknown: boolean
}

const NOTHING: readonly VaultUnmet[] = Object.freeze([])

/** What keeps a pattern with the capability from allowing a request; empty if nothing does. */
export function unmetOf(
  permissions: Permissions,
  operation: VaultOperation,
  request: VaultRequest,
): readonly VaultUnmet[] {
  if (permissions.free) return NOTHING
  const unmet: VaultUnmet[] = []
  if (permissions.mfa && request.mfa !== true) {
    unmet.push({ condition: 'mfa', wants: 'true', unknown: request.mfa === undefined })
  }
  if (!wrappingHolds(permissions, request.wrapTtlSeconds)) {
    const { minWrappingTtl: min, maxWrappingTtl: max } = permissions
    const wants = `wrapped for ${min} to ${max === 0 ? 'any' : max} seconds`
    unmet.push({ condition: 'wrapping', wants, unknown: request.wrapTtlSeconds === undefined })
  }
  const wants = lacking(permissions, operation, request.parameters)
  if (wants !== undefined) {
    unmet.push({ condition: 'parameters', wants, unknown: request.parameters === undefined })
  }
  return unmet
}

function wrappingHolds({ minWrappingTtl, maxWrappingTtl }: Permissions, ttl = 0): boolean {
  if (minWrappingTtl === 0 && maxWrappingTtl === 0) return true
  return ttl > 0 && ttl >= minWrappingTtl && (maxWrappingTtl === 0 || ttl <= maxWrappingTtl)
}

/** What the pattern wants of the parameters and does not get. */
function lacking(
  permissions: Permissions,
  operation: VaultOperation,
  given: VaultRequest['parameters'],
): string | undefined {
  if (operation === 'list' || operation === 'scan') return lackingOfList(permissions, given)
  if (operation === 'delete') return undefined
  const { allowedParameters: allowed, deniedParameters: denied, requiredParameters } = permissions
  if (allowed.size + denied.size + requiredParameters.size === 0) return undefined
  const all = 'the parameters that its policy asks for'
  if (given === undefined) return all
  const parameters = Object.entries(given).map(
    ([name, value]) => [name.toLowerCase(), value] as const,
  )
  const names = new Set(parameters.map(([name]) => name))
  if ([...requiredParameters].some((name) => !names.has(name))) return all
  const refused = parameters.some(
    ([name, value]) => isDenied(denied, name, value) || !isAllowed(allowed, name, value),
  )
  return refused ? all : undefined
}

function lackingOfList(
  { paginationLimit, keysFilters }: Permissions,
  given: VaultRequest['parameters'],
): string | undefined {
  // Only a door that was told of the filter applies it, and it says the parameters.
  if (given === undefined && keysFilters.length > 0) return 'the keys filtered'
  if (paginationLimit === 0) return undefined
  const limit = given !== undefined && Object.hasOwn(given, 'limit') ? Number(given['limit']) : 0
  const holds = Number.isInteger(limit) && limit > 0 && limit <= paginationLimit
  return holds ? undefined : `limit from 1 to ${paginationLimit}`
}

function isDenied(denied: Parameters, name: string, value: unknown): boolean {
  if (denied.has('*')) return true
  const values = denied.get(name)
  return values !== undefined && isOneOf(value, values)
}

function isAllowed(allowed: Parameters, name: string, value: unknown): boolean {
  if (allowed.size === 0) return true
  const values = allowed.get(name)
  return values === undefined ? allowed.has('*') : isOneOf(value, values)
}

/** No values stand for any. */
function isOneOf(value: unknown, values: readonly unknown[]): boolean {
  return values.length === 0 || values.some((wanted) => isEqual(wanted, value))
}

function isEqual(wanted: unknown, value: unknown): boolean {
  if (typeof wanted === 'string' && typeof value === 'string') return globbed(wanted, value)
  if (typeof wanted !== 'object' || typeof value !== 'object') return Object.is(wanted, value)
  if (wanted === null || value === null) return wanted === value
  if (Array.isArray(wanted) !== Array.isArray(value)) return false
  const keys = Object.keys(wanted)
  return (
    keys.length === Object.keys(value).length &&
    keys.every((key) => {
      return Object.hasOwn(value, key) && isExactly((wanted as Values)[key], (value as Values)[key])
    })
  )
}

type Values = Readonly<Record<string, unknown>>

/** Inside of a value a `*` is literal. */
function isExactly(wanted: unknown, value: unknown): boolean {
  return typeof wanted === 'string' ? wanted === value : isEqual(wanted, value)
}

/** `*` at either end of a text of more than one character is any characters. */
function globbed(wanted: string, value: string): boolean {
  if (wanted.length < 2) return wanted === value
  const start = wanted.startsWith('*')
  const end = wanted.endsWith('*')
  const text = wanted.slice(start ? 1 : 0, end ? -1 : undefined)
  if (start && end) return value.includes(text)
  if (start) return value.endsWith(text)
  return end ? value.startsWith(text) : wanted === value
}
