/** What a request is about, as its operation has it. */
import type { SecretPrefix, SecretUri } from '../uri/secret-uri.ts'
import type { Wanted } from './authorizer.ts'
import {
  type ListingOperation,
  type OperationSide,
  SECRET_OPERATIONS,
  type SecretOperation,
  type SingleOperation,
  type TenantOperation,
  type TransferOperation,
} from './operation.ts'
import type { GatedPlace } from './provider-gate.ts'
import type { Purpose } from './purpose.ts'

/**
 * A request. What it is about is read when the scope is known to be there, by `target`, which throws what parsers throw:
 * `SecretsApiError`s.
 */
export type SecretRequest =
  | { readonly operation: SingleOperation; readonly target: () => { readonly uri: SecretUri } }
  | {
      readonly operation: TransferOperation
      readonly target: () => { readonly from: SecretUri; readonly to: SecretUri }
    }
  | {
      readonly operation: ListingOperation
      readonly target: () => { readonly prefixes: readonly SecretPrefix[] }
    }
  | {
      readonly operation: TenantOperation
      /** Reads what there is to read, likewise. */
      readonly check?: () => void
    }

/** What the steps go by. */
export interface Targets {
  readonly places: readonly GatedPlace[]
  /** Nothing for a listing, whose entries are asked about one by one. */
  readonly wanted: readonly Wanted[]
}

/** Read what a request is about. @throws what its `target` throws */
export function readTargets(request: SecretRequest): Targets {
  switch (request.operation) {
    case 'copy':
    case 'move': {
      const rule = SECRET_OPERATIONS[request.operation]
      const { from, to } = request.target()
      const sides = [
        [from, rule.from],
        [to, rule.to],
      ] as const
      return {
        places: sides.map(([place, { access }]) => ({ place, access })),
        wanted: sides.flatMap(([uri, side]) => wantedOf(uri, side)),
      }
    }
    case 'list':
    case 'search': {
      const { needs } = SECRET_OPERATIONS[request.operation]
      const { prefixes } = request.target()
      return { places: prefixes.map((place) => ({ place, access: 'read', needs })), wanted: [] }
    }
    case 'events':
    case 'audit': {
      const { purpose } = SECRET_OPERATIONS[request.operation]
      request.check?.()
      return { places: [], wanted: [{ uri: 'tenant', purpose }] }
    }
    default: {
      const { secret, needs } = SECRET_OPERATIONS[request.operation]
      const { uri } = request.target()
      return {
        places: [{ place: uri, access: secret.access, needs }],
        wanted: wantedOf(uri, secret),
      }
    }
  }
}

function wantedOf(uri: SecretUri, { purposes }: OperationSide): readonly Wanted[] {
  return purposes.map((purpose) => ({ uri, purpose }))
}

/** Every purpose of an operation, the first of which a refusal names that comes before any decision. */
export function purposesOf(operation: SecretOperation): readonly [Purpose, ...Purpose[]] {
  const rule = SECRET_OPERATIONS[operation]
  if (rule.on === 'secret') return rule.secret.purposes
  return rule.on === 'transfer' ? [...rule.from.purposes, ...rule.to.purposes] : [rule.purpose]
}
