/** A support document: what a report of a fault needs, and nothing that must not leave the machine. */
import {
  LIMITS,
  type StatusResponse,
  type SupportFacts,
  type SupportHost,
  type SupportMount,
} from '@secreg/protocol'
import { decodeAccount } from '@secreg/zones'
import { homePolicyId } from '../built-in-policies.ts'
import type { Core } from '../core.ts'
import { GroupView } from '../group-view.ts'
import { ACCOUNT_SPACE, POLICY_SPACE } from '../keys.ts'
import { REGISTRY_LIMITS } from '../limits.ts'
import { forEachInSlices } from '../slices.ts'
import { addUsage, hasQuota, readUsage } from '../usage.ts'
import { WATCH_LIMITS } from '../watch/limits.ts'
import type { Diagnosis } from './finding.ts'

/** Policies that are listed one by one. */
const POLICIES = 1000
const HOME = homePolicyId('')
/** Members of a status that name nothing. */
const TOLD = [
  'state',
  'uptime_s',
  'entries',
  'revision',
  'sessions',
  'store',
  'log',
  'log_sequence',
  'log_synced',
] as const

const decoder = new TextDecoder('utf-8', { fatal: true })

export interface SupportParts {
  readonly version: string
  readonly status: StatusResponse
  readonly findings: readonly Diagnosis[]
  readonly host: SupportHost | undefined
  /** Bytes of the files of the store. */
  readonly storeBytes: number | undefined
}

export async function supportFacts(core: Core, parts: SupportParts): Promise<SupportFacts> {
  const { version, status, findings, host } = parts
  return {
    version,
    ...(host === undefined ? {} : { host }),
    status: Object.fromEntries(TOLD.map((name) => [name, status[name]])),
    findings: findings.map(({ check, level, message, shareable }) =>
      shareable === true ? { check, level, message } : { check, level },
    ),
    mounts: mountsOf(core),
    policies: await policiesOf(core),
    accounts: await accountsOf(core),
    store: storeOf(core, parts),
    limits: { ...LIMITS, ...REGISTRY_LIMITS, ...WATCH_LIMITS },
  }
}

function storeOf({ engine }: Core, { storeBytes }: SupportParts): Record<string, number | string> {
  const { maxOps, maxBytes } = engine.limits
  return {
    ...engine.stats(),
    state: engine.state,
    head: engine.head,
    trimmed: engine.trimmed,
    max_ops: maxOps,
    max_bytes: maxBytes,
    ...(storeBytes === undefined ? {} : { file_bytes: storeBytes }),
  }
}

function mountsOf({ engine, mounts }: Core): SupportMount[] {
  const view = new GroupView(engine)
  return mounts.list().map((mount) => {
    const { path, dialect, rules, maxVersions, maxEntries, maxBytes } = mount
    const { durable, volatile } = readUsage(view, path)
    return {
      ...(mounts.isBuiltIn(path) ? { path } : {}),
      dialect,
      available: rules !== undefined,
      ...(maxVersions === undefined ? {} : { max_versions: maxVersions }),
      ...(maxEntries === undefined ? {} : { max_entries: maxEntries }),
      ...(maxBytes === undefined ? {} : { max_bytes: maxBytes }),
      ...(hasQuota(mount) ? addUsage(durable, volatile) : {}),
    }
  })
}

async function policiesOf({ engine }: Core): Promise<SupportFacts['policies']> {
  const documents: { id: string; rules: number }[] = []
  let homes = 0
  for await (const row of engine.iterate(POLICY_SPACE)) {
    const id = row.key.slice(POLICY_SPACE.gte.length)
    if (id.startsWith(HOME)) homes++
    else if (documents.length < POLICIES) {
      const { rules } = JSON.parse(decoder.decode(row.value)) as { rules: unknown[] }
      documents.push({ id, rules: rules.length })
    }
  }
  return { documents, homes }
}

async function accountsOf({ engine }: Core): Promise<SupportFacts['accounts']> {
  const iterator = engine.iterate(ACCOUNT_SPACE)
  const roles = new Map<string, number>()
  let total = 0
  let disabled = 0
  try {
    for (;;) {
      const page = await iterator.nextPage(256)
      if (page.length === 0) break
      await forEachInSlices(page, ({ key, value }) => {
        const account = decodeAccount(value, key.slice(ACCOUNT_SPACE.gte.length))
        total++
        if (account.disabled) disabled++
        for (const role of account.roles) roles.set(role, (roles.get(role) ?? 0) + 1)
      })
    }
  } finally {
    await iterator.close()
  }
  return { total, disabled, by_role: Object.fromEntries(roles) }
}
