/**
 * Notes, tree heads and proofs read by implementations that are not ours: golang.org/x/mod/sumdb
 * (note, tlog) and github.com/transparency-dev/merkle, through the program tlog beside this file. Only
 * what is in the module cache is used: `go mod download` there fetches it.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { requireProgram, skipTest } from '@secreg/testkit'
import { expect, test } from 'vitest'
import {
  consistencyProof,
  formatProof,
  inclusionProof,
  type Subtree,
  signNote,
  verifyConsistency,
  verifyInclusion,
} from '../../src/proof/index.ts'
import { formatBase64 } from '../../src/proof/text.ts'
import { MadeLog, signer, stranger } from './made-log.ts'
import { naiveRoot } from './naive-tree.ts'
import { NOTES } from './vectors.ts'

const PROGRAM = fileURLToPath(new URL('tlog', import.meta.url))

interface Check {
  readonly kind: 'note' | 'head' | 'leaf' | 'inclusion' | 'consistency' | 'proof'
  /** What the other implementations must say, and ours where it has the same question. */
  readonly right: boolean
  readonly vkey?: string
  readonly text?: string
  readonly data?: Uint8Array
  readonly leaf?: Uint8Array
  readonly index?: number
  readonly size?: number
  readonly oldSize?: number
  readonly root?: Uint8Array
  readonly oldRoot?: Uint8Array
  readonly proof?: readonly Uint8Array[]
}

function encode(checks: ReadonlyMap<string, Check>): string {
  const plain = [...checks].map(([name, { right: _, ...check }]) => ({ name, ...check }))
  return JSON.stringify(plain, (_, value) =>
    value instanceof Uint8Array ? formatBase64(value) : value,
  )
}

const SIZE = 40

async function checksOf(log: MadeLog): Promise<Map<string, Check>> {
  const checks = new Map<string, Check>()
  const { vkey } = signer(0)
  const subtree: Subtree = (start, end) => naiveRoot(log.leaves.slice(start, end))

  for (const [vkey, text] of NOTES) checks.set(`published ${vkey}`, note(vkey, text, true))
  const signed = signNote('one\n\nzwei \u00e4\u{1f600}\n', [signer(1), signer(0)])
  checks.set('note of two', note(vkey, signed, true))
  checks.set('note, other key', note(stranger.vkey, signed, false))
  checks.set('note, changed', note(vkey, signed.replace('one', 'two'), false))
  for (const [name, text] of [
    ['key', log.key(0, 0)],
    ['hand-over', log.key(1, 7)],
    ['retention', log.retention(2)],
  ] as const) {
    checks.set(name, note(signer(name === 'hand-over' ? 1 : 0).vkey, text, true))
  }

  for (const [index, line] of log.lines.entries()) {
    const data = Uint8Array.from(line.subarray(0, -1))
    checks.set(`leaf ${index}`, { kind: 'leaf', right: true, data, leaf: leaf(log, index) })
  }
  for (let size = 0; size <= SIZE; size++) {
    const text = log.checkpoint(size)
    const root = log.root(size)
    checks.set(`head ${size}`, { kind: 'head', right: true, vkey, text, size, root })
    for (let index = 0; index < size; index++) {
      const proof = await inclusionProof(index, size, subtree)
      const check = { kind: 'inclusion', right: true, index, size, root, proof } as const
      const name = `inclusion ${index} of ${size}`
      checks.set(name, { ...check, leaf: leaf(log, index) })
      const other = { ...check, index: (index + 1) % size, leaf: leaf(log, index) }
      if (size > 1) checks.set(`${name}, other index`, { ...other, right: false })
      const short = proof.slice(1)
      const shorter = { ...check, proof: short, leaf: leaf(log, index), right: false }
      if (proof.length > 0) checks.set(`${name}, shorter`, shorter)
    }
    for (let oldSize = 0; oldSize <= size; oldSize++) {
      const proof = await consistencyProof(oldSize, size, subtree)
      const oldRoot = log.root(oldSize)
      const check = { kind: 'consistency', size, oldSize, root, oldRoot, proof } as const
      const name = `consistency ${oldSize} to ${size}`
      checks.set(name, { ...check, right: true })
      const wrong = { ...check, oldRoot: new Uint8Array(32), right: false }
      if (oldSize > 0) checks.set(`${name}, other root`, wrong)
    }
  }
  for (const index of [0, 1, 31, 38, 39]) {
    const hashes = await inclusionProof(index, SIZE, subtree)
    const checkpoint = log.checkpoint(SIZE)
    const text = formatProof({ kind: 'inclusion', index, hashes, checkpoint })
    const data = Uint8Array.from((log.lines[index] as Buffer).subarray(0, -1))
    checks.set(`proof ${index}`, { kind: 'proof', right: true, vkey, text, data })
    const changed = data.with(data.length - 4, 0x78)
    checks.set(`proof ${index}, changed`, {
      kind: 'proof',
      right: false,
      vkey,
      text,
      data: changed,
    })
  }
  return checks
}

function note(vkey: string, text: string, right: boolean): Check {
  return { kind: 'note', right, vkey, text }
}

function leaf(log: MadeLog, index: number): Uint8Array {
  return log.leaves[index] as Uint8Array
}

/** What our own verification says, where the check is a question to it. */
function ours(check: Check): boolean | undefined {
  const { kind, size = 0, proof = [], root = new Uint8Array(0) } = check
  if (kind === 'inclusion') {
    return verifyInclusion(check.leaf as Uint8Array, check.index ?? 0, size, proof, root)
  }
  if (kind !== 'consistency') return undefined
  return verifyConsistency(check.oldSize ?? 0, check.oldRoot as Uint8Array, size, root, proof)
}

test('two libraries of others agree with ours on every note, root and proof', async (context) => {
  const go = requireProgram(context, 'go')
  const checks = await checksOf(new MadeLog([10, 7, SIZE - 17]))
  const { status, stdout, stderr } = spawnSync(go, ['run', '.'], {
    cwd: PROGRAM,
    input: encode(checks),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, GOFLAGS: '-mod=readonly', GOPROXY: 'off', GOTOOLCHAIN: 'local' },
  })
  if (/GOPROXY=off|toolchain not available|requires go >=/.test(stderr)) {
    skipTest(context, 'Go modules of tlog beside this file are not in the module cache')
  }
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  const verdicts = JSON.parse(stdout) as Record<string, string>
  expect(Object.keys(verdicts).length).toBe(checks.size)
  const counted = { right: 0, wrong: 0 }
  for (const [name, check] of checks) {
    if (check.right) expect(verdicts[name], name).toBe('')
    else expect(verdicts[name], name).toMatch(/./)
    expect(verdicts[name], name).not.toContain('do not agree')
    expect(ours(check) ?? check.right, name).toBe(check.right)
    counted[check.right ? 'right' : 'wrong']++
  }
  expect(counted).toMatchObject({ right: expect.toSatisfy((n: number) => n > 1700) })
})
