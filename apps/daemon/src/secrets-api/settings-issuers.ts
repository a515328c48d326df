/** Tenants and issuers in the settings. */
import type { IssuerSettings } from './settings.ts'
import type { SettingsReader } from './settings-reader.ts'

/** Its accounts are named by this one, so no issuer may be. */
const REGISTRY_NAME = 'secreg'

/** The tenant of whoever has none, and the mounts of all. */
export function tenantSettings(reader: SettingsReader): {
  readonly tenant: string
  readonly mounts: ReadonlyMap<string, ReadonlySet<string>>
} {
  const { allowedMounts, tenantId, tenants } = reader.secrets
  reader.refuse(tenantId === undefined, 'secrets.tenant_id', 'it, or TENANT_ID,')
  const tenant = tenantId ?? 'dev'
  const mounts = new Map<string, ReadonlySet<string>>()
  for (const [name, of] of tenants) mounts.set(name, new Set(of.allowedMounts))
  const isGiven = reader.nameOf('secrets.allowed_mounts') === 'TENANT_ALLOWED_MOUNTS'
  if (tenants.has(tenant) && allowedMounts.length > 0 && !isGiven) {
    const other = `secrets.tenants.${tenant}`
    reader.fault('secrets.allowed_mounts', `expected here or at ${other}, which is that tenant`)
  }
  if (isGiven || !tenants.has(tenant)) mounts.set(tenant, new Set(allowedMounts))
  return { tenant, mounts }
}

/** Whose tokens are believed. */
export async function issuerSettings(reader: SettingsReader): Promise<readonly IssuerSettings[]> {
  const settings: IssuerSettings[] = []
  const names = new Set<string>([REGISTRY_NAME])
  const issuers = new Set<string>()
  for (const [name, { issuer, jwksUrl, jwksFile, tenantClaim, caFile }] of reader.secrets.issuers) {
    const key = (last: string): readonly string[] => ['secrets', 'issuers', name, last]
    const plainName = name.toLowerCase()
    if (names.has(plainName)) {
      const expected = `expected other names than ${REGISTRY_NAME}, which is the registry, and each once`
      reader.fault(['secrets', 'issuers', name], expected)
    }
    names.add(plainName)
    if (issuer === undefined || issuers.has(issuer)) {
      reader.fault(key('issuer'), 'expected it, and other than that of another')
    }
    if ((jwksUrl === undefined) === (jwksFile === undefined)) {
      reader.fault(key('jwks_url'), 'expected it or jwks_file, and not both')
    }
    reader.refusePlain(jwksUrl, key('jwks_url'))
    const ca = await reader.certificatesIn(caFile, key('ca_file'))
    const keys = jwksUrl === undefined ? keyFile(jwksFile) : { url: jwksUrl }
    if (issuer === undefined || keys === undefined) continue
    issuers.add(issuer)
    settings.push({ issuer, name, keys, ca, tenantClaim })
  }
  return settings
}

function keyFile(file: string | undefined): IssuerSettings['keys'] | undefined {
  return file === undefined ? undefined : { file }
}
