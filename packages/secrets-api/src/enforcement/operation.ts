/**
 * What can be asked of the Secrets API, with the scopes and purposes that each takes (specs: secrets-api §2.4). The table
 * is closed: an operation without a row does not compile, and there is no other way to a purpose.
 */
import type { Purpose, SecretScope } from './purpose.ts'

/** About one secret: E1 to E5, E7 to E10, E12 and E13; `destroy` is E4 with `destroy=true`. */
export type SingleOperation =
  | 'write'
  | 'read'
  | 'value'
  | 'delete'
  | 'destroy'
  | 'rotate'
  | 'keys'
  | 'metadata'
  | 'versions'
  | 'owner'
  | 'undelete'
  | 'destroy-versions'

/** From one secret to another: E15 and E16. */
export type TransferOperation = 'copy' | 'move'

/** About all that is below a prefix: E6 and E11. */
export type ListingOperation = 'list' | 'search'

/** About what has happened in a tenant: E17 and E18. */
export type TenantOperation = 'events' | 'audit'

/** Any operation. Of a bulk request (E14) each item is one, see {@link bulkOperation}. */
export type SecretOperation =
  | SingleOperation
  | TransferOperation
  | ListingOperation
  | TenantOperation

/** What a provider must have for an operation (specs: secrets-api §5.1): `yaml` is that it is the one of this name. */
export type ProviderNeed = 'yaml' | 'entries' | 'listing' | 'versions' | 'customMetadata'

/** What is asked for on one secret. */
export interface OperationSide {
  /** All must be permitted. */
  readonly purposes: readonly [Purpose, ...Purpose[]]
  /** What it does to the secret, whatever it does first. */
  readonly access: 'read' | 'write'
}

interface CommonRule {
  /** All that a token must have. */
  readonly scopes: readonly [SecretScope, ...SecretScope[]]
}

/** The rule of an operation on one secret. */
export interface SingleRule extends CommonRule {
  readonly on: 'secret'
  readonly secret: OperationSide
  readonly needs?: ProviderNeed
}

/** The rule of an operation between two. */
export interface TransferRule extends CommonRule {
  readonly on: 'transfer'
  readonly from: OperationSide
  readonly to: OperationSide
}

/** The rule of an operation that shows, of all entries, those for which the purpose is permitted. */
export interface ListingRule extends CommonRule {
  readonly on: 'listing'
  readonly purpose: Purpose
  readonly needs: ProviderNeed
}

/** The rule of an operation on the tenant. */
export interface TenantRule extends CommonRule {
  readonly on: 'tenant'
  readonly purpose: Purpose
}

/** The rule of any operation. */
export type OperationRule = SingleRule | TransferRule | ListingRule | TenantRule

type RulesOf<Operation extends string, Rule> = { readonly [O in Operation]: Rule }

/** Every operation with its rule. */
export const SECRET_OPERATIONS: RulesOf<SingleOperation, SingleRule> &
  RulesOf<TransferOperation, TransferRule> &
  RulesOf<ListingOperation, ListingRule> &
  RulesOf<TenantOperation, TenantRule> = Object.freeze({
  write: single('secrets.write', 'write', 'write'),
  read: single('secrets.read', 'read', 'read', 'yaml'),
  value: single('secrets.read', 'execute', 'read'),
  delete: single('secrets.delete', 'delete', 'write'),
  destroy: single('secrets.destroy', 'destroy_versions', 'write'),
  rotate: single('secrets.rotate', 'rotate', 'write'),
  keys: single('secrets.read_metadata', 'read_metadata', 'read', 'entries'),
  metadata: single('secrets.read_metadata', 'read_metadata', 'read', 'versions'),
  versions: single('secrets.read_metadata', 'read_metadata', 'read', 'versions'),
  owner: single('secrets.set_owner', 'owner_update', 'write', 'customMetadata'),
  undelete: single('secrets.delete', 'undelete', 'write', 'versions'),
  'destroy-versions': single('secrets.destroy', 'destroy_versions', 'write', 'versions'),
  copy: Object.freeze<TransferRule>({
    on: 'transfer',
    scopes: ['secrets.read', 'secrets.write'],
    from: { purposes: ['read'], access: 'read' },
    to: { purposes: ['write'], access: 'write' },
  }),
  move: Object.freeze<TransferRule>({
    on: 'transfer',
    scopes: ['secrets.read', 'secrets.write', 'secrets.delete'],
    from: { purposes: ['read', 'delete'], access: 'write' },
    to: { purposes: ['write'], access: 'write' },
  }),
  list: Object.freeze<ListingRule>({
    on: 'listing',
    scopes: ['secrets.read_metadata'],
    purpose: 'read_metadata',
    needs: 'entries',
  }),
  search: Object.freeze<ListingRule>({
    on: 'listing',
    scopes: ['secrets.read_metadata'],
    purpose: 'read_metadata',
    needs: 'listing',
  }),
  events: ofTenant(),
  audit: ofTenant(),
})

function single(
  scope: SecretScope,
  purpose: Purpose,
  access: 'read' | 'write',
  needs?: ProviderNeed,
): SingleRule {
  return Object.freeze({
    on: 'secret',
    scopes: Object.freeze([scope] as const),
    secret: Object.freeze({ purposes: Object.freeze([purpose] as const), access }),
    ...(needs === undefined ? {} : { needs }),
  })
}

function ofTenant(): TenantRule {
  return Object.freeze({
    on: 'tenant',
    scopes: Object.freeze(['secrets.read_metadata'] as const),
    purpose: 'read_metadata',
  })
}

/** The word of an item of a bulk request. */
export type BulkOp = 'set' | 'delete' | 'destroy' | 'undelete' | 'rotate'

/** The words of items of a bulk request (specs: secrets-api §2.5, E14). */
export const BULK_OPS: readonly BulkOp[] = Object.freeze<BulkOp[]>([
  'set',
  'delete',
  'destroy',
  'undelete',
  'rotate',
])

/**
 * The operation that an item of a bulk request is.
 *
 * @param versions - whether the item names versions: then `destroy` destroys these, else the whole secret
 */
export function bulkOperation(op: BulkOp, versions: boolean): SingleOperation {
  switch (op) {
    case 'set':
      return 'write'
    case 'destroy':
      return versions ? 'destroy-versions' : 'destroy'
    default:
      return op
  }
}
