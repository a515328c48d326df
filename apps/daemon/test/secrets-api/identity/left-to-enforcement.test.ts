/** What authentication leaves to the enforcement point is refused there. */
import { parseSecretUri, type SecretProvider, UNSUPPORTED_OPERATIONS } from '@secreg/secrets-api'
import { createEnforcement, type EnforcementOptions } from '@secreg/secrets-api/enforcement'
import { expect, test } from 'vitest'
import {
  freshKey,
  type Outcome,
  proofOf,
  type Site,
  siteOf,
  thumbprintOf,
  tokenOf,
  told,
} from './support.ts'

const PROVIDER: SecretProvider = {
  ...UNSUPPORTED_OPERATIONS,
  name: 'openbao',
  capabilities: {
    versions: true,
    customMetadata: false,
    list: false,
    entries: false,
    nested: false,
  },
}
const URI = parseSecretUri('openbao+kv2://secret/app/api#token')
const KEY = freshKey('ES256')
const OTHER = freshKey('ES256')
const TOKEN = tokenOf({ cnf: { jkt: thumbprintOf(KEY) } })

function pointOf(more: Partial<EnforcementOptions> = {}) {
  const enforcement = createEnforcement({
    decisions: 'disabled',
    allowedMounts: () => new Set(['secret']),
    environment: 'test',
    providerOf: () => PROVIDER,
    requireAuth: true,
    enforceScopes: true,
    audience: 'crud.secrets',
    nowMs: () => 0,
    timeMs: () => 0,
    newId: () => 'id',
    newDeadline: () => new AbortController().signal,
    ...more,
  })
  return async (outcome: Outcome): Promise<string> => {
    if (outcome.kind === 'refused') return `refused before: ${told(outcome)}`
    const admission = enforcement.admit(outcome.caller)
    if (admission.kind === 'refused') return told(admission)
    const request = { operation: 'value', target: () => ({ uri: URI }) } as const
    const result = await enforcement.enforce(admission, request)
    return result.kind === 'refused' ? told(result) : 'permitted'
  }
}

const show = (site: Site, proof?: string) =>
  site.ask({
    token: { scheme: 'dpop', text: TOKEN },
    ...(proof === undefined ? {} : { proof }),
  })
const UNPROVEN = '401 SENDER_BINDING_MISMATCH DPoP error="invalid_dpop_proof"'

test('who has shown nothing, where something must be shown', async () => {
  expect(await pointOf()(await siteOf().ask())).toBe('401 UNAUTHENTICATED Bearer')
})

test('whom nobody is asked for, where nothing must be shown', async () => {
  const point = pointOf({ requireAuth: false, enforceScopes: false })
  expect(await point(await siteOf({ isDevelopment: true, requireAuth: false }).ask())).toBe(
    'permitted',
  )
})

test('a token that is for somebody else, or for nobody', async () => {
  for (const aud of ['other', [], undefined]) {
    expect(await pointOf()(await siteOf().bear(tokenOf({ aud })))).toBe('403 SECRET_AUTHZ_FAILED')
  }
  expect(await pointOf()(await siteOf().bear(tokenOf({ aud: ['x', 'crud.secrets'] })))).toBe(
    'permitted',
  )
})

test('a token that is not good for it', async () => {
  const outcome = await siteOf().bear(tokenOf({ scope: 'secrets.write' }))
  expect(await pointOf()(outcome)).toMatch(/^403 INSUFFICIENT_SCOPE/)
})

test('a token that is bound to a key, by its proofs', async () => {
  const site = siteOf()
  const point = pointOf()
  const proof = (jti: string, key = KEY) => proofOf(TOKEN, { jti }, {}, key)
  expect(await point(await show(site, proof('1')))).toBe('permitted')
  expect(await point(await show(site))).toBe(UNPROVEN)
  expect(await point(await show(site, proof('2', OTHER)))).toBe(UNPROVEN)
  expect(await point(await show(site, proof('1')))).toBe(UNPROVEN)
  expect(await point(await site.bear(TOKEN))).toBe(UNPROVEN)
  expect(await point(await site.bear(TOKEN, { proof: proof('3') }))).toBe(UNPROVEN)
  expect(await point(await show(site, proof('4')))).toBe('permitted')
})

test('a token that is bound to a certificate', async () => {
  const certificate = 'c'.repeat(43)
  const token = tokenOf({ cnf: { 'x5t#S256': certificate } })
  const optional = siteOf({ inboundAuthMode: 'bearer_plus_mtls_optional' })
  expect(await pointOf()(await optional.bear(token, { certificate }))).toBe('permitted')
  for (const outcome of [
    await optional.bear(token),
    await optional.bear(token, { certificate: 'd'.repeat(43) }),
    await siteOf().bear(token, { certificate }),
  ]) {
    expect(await pointOf()(outcome)).toBe('401 SENDER_BINDING_MISMATCH Bearer')
  }
})
