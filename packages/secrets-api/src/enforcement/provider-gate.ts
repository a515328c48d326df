/** What is refused because of where a secret is, before anybody decides (specs: secrets-api §0, P5 to P7, and §5.1). */
import { ProviderError, SecretsApiError } from '../errors.ts'
import { guardYaml } from '../provider/environment.ts'
import type { SecretProvider } from '../provider/provider.ts'
import { guardMount } from '../uri/guard-mount.ts'
import type { SecretPrefix, SecretProviderName, SecretUri } from '../uri/secret-uri.ts'
import type { AuthenticatedCaller } from './admission.ts'
import type { ProviderNeed } from './operation.ts'
import { type EnforcementStep, type Refused, refusedBy } from './refusal.ts'

/** What the gate goes by. */
export interface ProviderGateOptions {
  /** Mounts of a tenant; none for a tenant that is not known. */
  readonly allowedMounts: (tenant: string) => ReadonlySet<string>
  /** Value of `ENVIRONMENT`; undefined where it is not set. */
  readonly environment: string | undefined
  /**
   * Undefined for one that is not configured.
   *
   * @param principal - of the caller; undefined where he has none
   */
  readonly providerOf: (
    name: SecretProviderName,
    principal: object | undefined,
  ) => SecretProvider | undefined
}

/** Something that an operation is about. */
export interface GatedPlace {
  readonly place: SecretUri | SecretPrefix
  readonly access: 'read' | 'write'
  readonly needs?: ProviderNeed | undefined
}

type Step<Place> = readonly [EnforcementStep, (place: Place) => void]

/** Look at all places step by step, so that the first step that refuses any of them does. */
export function gatePlaces(
  { tenant, principal }: Pick<AuthenticatedCaller, 'tenant' | 'principal'>,
  places: readonly GatedPlace[],
  options: ProviderGateOptions,
): Refused | undefined {
  const mounts = places.map(({ place }) => place)
  return (
    gateMounts(tenant, mounts, options) ??
    gateAll(places, ['P6', (gated) => gateEnvironment(gated, options)]) ??
    gateAll(places, ['P7', (gated) => gateCapability(gated, principal, options)])
  )
}

/** P5 alone. */
export function gateMounts(
  tenant: string,
  places: readonly (SecretUri | SecretPrefix)[],
  { allowedMounts }: ProviderGateOptions,
): Refused | undefined {
  const allowed = allowedMounts(tenant)
  return gateAll(places, ['P5', (place) => guardMount(place, allowed)])
}

function gateAll<Place>(places: readonly Place[], [step, gate]: Step<Place>): Refused | undefined {
  try {
    for (const place of places) gate(place)
  } catch (error) {
    if (SecretsApiError.is(error)) return refusedBy(step, error)
    throw error
  }
  return undefined
}

/** @throws ProviderError `YAML_WRITE_FORBIDDEN` */
function gateEnvironment({ place, access }: GatedPlace, options: ProviderGateOptions): void {
  if (place.provider === 'yaml' && access === 'write') guardYaml(options.environment, access)
}

/** @throws ProviderError `PROVIDER_NOT_CONFIGURED`, `OPERATION_NOT_SUPPORTED` */
function gateCapability(
  { place, needs }: GatedPlace,
  principal: object | undefined,
  options: ProviderGateOptions,
): void {
  if (needs === 'yaml' && place.provider !== 'yaml') {
    throw new ProviderError('OPERATION_NOT_SUPPORTED')
  }
  if (place.provider === 'yaml') guardYaml(options.environment, 'read')
  const provider = options.providerOf(place.provider, principal)
  if (provider === undefined) throw new ProviderError('PROVIDER_NOT_CONFIGURED')
  const { capabilities } = provider
  const pinned = 'version' in place && place.version !== undefined
  const has: Readonly<Record<ProviderNeed, boolean>> = {
    yaml: true,
    entries: capabilities.entries,
    listing: capabilities.entries || capabilities.list,
    versions: capabilities.versions,
    customMetadata: capabilities.customMetadata,
  }
  if ((needs !== undefined && !has[needs]) || (pinned && !capabilities.versions)) {
    throw new ProviderError('OPERATION_NOT_SUPPORTED')
  }
}
