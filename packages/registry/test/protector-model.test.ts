/**
 * Sequences of changes of protectors against a plain list: after each step everything that ever opened the registry is
 * tried, and opens it exactly when the list says so. Every value stays readable.
 */
import { createMemoryFiles, type MemoryFiles } from '@secreg/audit/testing'
import { nodeBackend } from '@secreg/crypto/node'
import type { ProtectorInfo, RequestOf } from '@secreg/protocol'
import { loginTestUser, TEST_ADMIN } from '@secreg/registry/testing'
import { MemoryEngine } from '@secreg/storage'
import { FaultEngine } from '@secreg/storage/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Home, open, outcomeOf, PEER, start } from './fixture.ts'

type Kind = 'passphrase' | 'shares' | 'key-file'
type AddRequest = Extract<RequestOf<'protector'>, { op: 'add' }>

/** What somebody holds. */
type Secret =
  | { readonly kind: 'passphrase'; readonly passphrase: string }
  | { readonly kind: 'key-file'; readonly key_file: string }
  | { readonly kind: 'shares'; readonly shares: readonly string[]; readonly threshold: number }

interface Held {
  readonly id: string
  readonly recovery: boolean
  readonly secret: Secret
}

type Step =
  | { readonly op: 'add'; readonly kind: Kind; readonly recovery: boolean; readonly proof: number }
  | { readonly op: 'change'; readonly target: number; readonly proof: number }
  | { readonly op: 'remove'; readonly target: number; readonly force: boolean }
  | { readonly op: 'old proof'; readonly proof: number }
  | { readonly op: 'restart' }
  | { readonly op: 'rotate' }
  | { readonly op: 'fail'; readonly applied: boolean; readonly step: Step }

const SHARES = { count: 4, threshold: 3 } as const
const { admin: LOGIN, admin_password: PASSWORD } = TEST_ADMIN
/** Protectors that the model goes up to. */
const MOST = 6

const change: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    op: fc.constant('add' as const),
    kind: fc.constantFrom<Kind[]>('passphrase', 'shares', 'key-file'),
    recovery: fc.boolean(),
    proof: fc.nat(),
  }),
  fc.record({ op: fc.constant('change' as const), target: fc.nat(), proof: fc.nat() }),
  fc.record({ op: fc.constant('remove' as const), target: fc.nat(), force: fc.boolean() }),
)
const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: change, weight: 6 },
  { arbitrary: fc.record({ op: fc.constant('old proof' as const), proof: fc.nat() }), weight: 1 },
  { arbitrary: fc.constant<Step>({ op: 'restart' }), weight: 1 },
  { arbitrary: fc.constant<Step>({ op: 'rotate' }), weight: 1 },
  {
    arbitrary: fc.record({ op: fc.constant('fail' as const), applied: fc.boolean(), step: change }),
    weight: 1,
  },
)

let made = 0

class Bench {
  readonly medium = new MemoryEngine()
  readonly files: MemoryFiles = createMemoryFiles()
  readonly clock = { ms: 1000 }
  engine!: FaultEngine
  home!: Home
  held: Held[] = []
  /** What once opened it and does no more. */
  readonly past: Held[] = []

  async begin(): Promise<void> {
    this.engine = new FaultEngine(this.medium)
    this.home = await start({ ...this.options, engine: this.engine })
    await this.home.api.set({ key: '/s', value: 'secret', encrypt: true })
    const [first] = (await this.home.api.protector({ op: 'list' })).protectors ?? []
    const { passphrase } = TEST_ADMIN
    this.held.push({
      id: first?.id ?? '',
      recovery: false,
      secret: { kind: 'passphrase', passphrase },
    })
  }

  get options() {
    return { files: this.files, monotonicMs: () => this.clock.ms }
  }

  async login(): Promise<void> {
    const { opened, registry } = this.home
    const admin = await loginTestUser(opened, LOGIN, PASSWORD)
    this.home = { ...this.home, admin, api: registry.as(admin) }
  }

  /** Unlock as people do; answers whether it is unlocked then, or the reason. */
  async tryUnlock({ secret, recovery }: Held): Promise<string> {
    // So that wrong attempts are not too many at once.
    this.clock.ms += 60_000
    const { registry } = this.home
    const given = secret.kind === 'shares' ? secret.shares.slice(0, secret.threshold) : [undefined]
    for (const share of given) {
      const { kind: _, shares: __, threshold: ___, ...one } = { shares: 0, threshold: 0, ...secret }
      const request = { ...(share === undefined ? one : { share }), recovery }
      const outcome = await outcomeOf(() => registry.unlockBy(PEER, { op: 'unlock', ...request }))
      const { reason } = outcome as { reason?: string }
      if (reason !== undefined) return reason
    }
    return registry.state
  }

  async unlockAnyhow(): Promise<void> {
    expect(await this.tryUnlock(this.held[0] as Held)).toBe('unsealed')
    await this.login()
  }

  /** Try everything that is or was there. */
  async check(): Promise<void> {
    for (const one of this.held) {
      await this.home.registry.lock(this.home.admin)
      expect(await this.tryUnlock(one)).toBe('unsealed')
      await this.login()
    }
    await this.home.registry.lock(this.home.admin)
    for (const one of this.past) {
      expect(['UNLOCK_FAILED', 'SHARE_FOREIGN', 'NO_PROTECTOR']).toContain(
        await this.tryUnlock(one),
      )
      expect(this.home.registry.state).toBe('sealed')
    }
    // In the other way, nothing opens it.
    for (const one of this.held) {
      const { recovery } = one
      const reason = await this.tryUnlock({ ...one, recovery: !recovery })
      expect(['UNLOCK_FAILED', 'SHARE_FOREIGN', 'NO_PROTECTOR']).toContain(reason)
    }
    await this.unlockAnyhow()
    const { api } = this.home
    expect(await api.get({ key: '/s', decrypt: true })).toMatchObject({ value: 'secret' })
    const { protectors = [] } = await api.protector({ op: 'list' })
    const shown = ({ id, kind, recovery }: ProtectorInfo): string => `${id} ${kind} ${recovery}`
    expect(protectors.map(shown)).toEqual(
      this.held.map(({ id, recovery, secret }) => `${id} ${secret.kind} ${recovery}`),
    )
  }

  async restart(): Promise<void> {
    await this.home.registry.close()
    this.engine = new FaultEngine(this.medium)
    const opened = await open({ ...this.options, engine: this.engine })
    this.home = { ...this.home, ...opened }
    await this.unlockAnyhow()
  }

  proofOf({ secret }: Held): AddRequest['proof'] {
    if (secret.kind === 'passphrase') return { passphrase: secret.passphrase }
    if (secret.kind === 'key-file') return { key_file: secret.key_file }
    return { shares: secret.shares.slice(-secret.threshold) }
  }

  async run(step: Step): Promise<void> {
    if (step.op === 'restart') return this.restart()
    if (step.op === 'rotate') {
      await this.home.api.rotate({ op: 'start' })
      await this.home.registry.housekeep()
      return
    }
    if (step.op === 'fail') {
      this.engine.failCommit(1, { errno: 'EIO', applied: step.applied })
      return this.change(step.step, !step.applied)
    }
    if (step.op === 'old proof') {
      const one = this.past[step.proof % Math.max(1, this.past.length)]
      if (one === undefined) return
      const request = { op: 'add', kind: 'key-file', key_file: newKeyFile() } as const
      const outcome = await outcomeOf(() =>
        this.home.api.protector({ ...request, proof: this.proofOf(one) }),
      )
      const { reason } = outcome as { reason: string }
      expect(['UNLOCK_FAILED', 'SHARE_FOREIGN', 'NO_PROTECTOR']).toContain(reason)
      return
    }
    return this.change(step, false)
  }

  /** @param fails - its commit does, and is not there */
  async change(step: Step, fails: boolean): Promise<void> {
    const { api } = this.home
    if (step.op === 'add') {
      const proof = this.proofOf(this.pick(step.proof))
      const { kind, recovery } = step
      const { secret, members } = newSecret(kind)
      const request = { op: 'add', kind, recovery, proof, ...members } as const
      const { answer, reason } = await this.outcome(() => api.protector(request))
      if (fails) expect(reason).toBe('STORAGE_FAILED')
      else {
        expect(reason).toBeUndefined()
        const id = answer?.protector?.id ?? ''
        this.held.push({ id, recovery, secret: withShares(secret, answer?.shares) })
      }
      return
    }
    if (step.op === 'change') {
      const target = this.pick(step.target)
      const proof = this.proofOf(this.pick(step.proof))
      const { secret, members } = newSecret(target.secret.kind)
      const request = {
        op: 'change',
        protector: target.id,
        proof,
        ...members,
        force: true,
      } as const
      const { answer, reason } = await this.outcome(() => api.protector(request))
      if (fails) expect(reason).toBe('STORAGE_FAILED')
      else {
        expect(reason).toBeUndefined()
        const anew = { ...target, secret: withShares(secret, answer?.shares) }
        this.held = this.held.map((one) => (one === target ? anew : one))
        this.past.push(target)
      }
      return
    }
    if (step.op !== 'remove') return
    const target = this.pick(step.target)
    const rest = this.held.filter((one) => one !== target)
    const isLastDaily = !target.recovery && rest.every(({ recovery }) => recovery)
    const refused = rest.length === 0 || (!step.force && isLastDaily)
    const { force } = step
    const { reason } = await this.outcome(() =>
      api.protector({ op: 'remove', protector: target.id, force }),
    )
    if (refused) {
      expect(reason).toBe('LAST_PROTECTOR')
      // Nothing was committed: the next change must not meet the failure.
      if (fails) await outcomeOf(() => api.set({ key: '/spent', value: 'x' }))
    } else if (fails) expect(reason).toBe('STORAGE_FAILED')
    else {
      expect(reason).toBeUndefined()
      this.held = rest
      this.past.push(target)
    }
  }

  pick(at: number): Held {
    return this.held[at % this.held.length] as Held
  }

  async outcome(run: () => ReturnType<Home['api']['protector']>) {
    const outcome = await outcomeOf(run)
    return outcome as { answer?: Awaited<ReturnType<typeof run>>; reason?: string }
  }
}

const newKeyFile = (): string => Buffer.from(nodeBackend.randomBytes(40)).toString('base64')

function newSecret(kind: Kind): { secret: Secret; members: object } {
  if (kind === 'shares') {
    return {
      secret: { kind, shares: [], threshold: SHARES.threshold },
      members: { shares: SHARES },
    }
  }
  if (kind === 'key-file') {
    const key_file = newKeyFile()
    return { secret: { kind, key_file }, members: { key_file } }
  }
  const passphrase = `passphrase number ${made++}`
  return { secret: { kind, passphrase }, members: { passphrase } }
}

function withShares(secret: Secret, shares: readonly string[] | undefined): Secret {
  return secret.kind === 'shares' ? { ...secret, shares: shares ?? [] } : secret
}

test('any sequence of changes, failures and restarts: what opens it is what the list says', async () => {
  const ran = { steps: 0, past: 0 }
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 10 }), async (steps) => {
      const bench = new Bench()
      await bench.begin()
      for (const one of steps) {
        const inner = one.op === 'fail' ? one.step : one
        if (inner.op === 'add' && bench.held.length >= MOST) continue
        await bench.run(one)
        await bench.check()
        ran.steps++
      }
      ran.past += bench.past.length
      await bench.home.registry.close()
    }),
    { numRuns: 50 },
  )
  expect(ran.steps).toBeGreaterThan(50)
  expect(ran.past).toBeGreaterThan(10)
}, 60_000)
