// What a read is made of, each part alone in this process: look-up, decrypt, decide, record, codec.
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openLog } from '@secreg/audit'
import { createKeyRing } from '@secreg/crypto'
import { nodeBackend } from '@secreg/crypto/node'
import { compile } from '@secreg/policy-engine'
import { MESSAGE_TYPE } from '@secreg/protocol'
import { parseRequest } from '@secreg/protocol/messages'
import { LevelEngine } from '@secreg/storage'
import { decodePayload, encodeFrame, encodePayload, FrameReader } from '@secreg/wire-codec'
import { ENTRIES, keyOf, VALUE } from './daemon.mjs'
import { requestFrame } from './load.mjs'
import { repeatSync } from './measure.mjs'

const GROUP = 64

export async function partsOfGet(directory, encrypted) {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const { ring } = createKeyRing(nodeBackend.randomBytes(32), nodeBackend)
  const binding = { entryId: nodeBackend.randomBytes(16), version: 1, type: 'string' }
  const stored = encrypted ? ring.sealValue(binding, Buffer.from(VALUE)) : Buffer.from(VALUE)
  const engine = await LevelEngine.open(join(directory, 'store'))
  const log = await openLog({ directory: join(directory, 'log') })
  try {
    await engine.commit({
      ops: Array.from({ length: ENTRIES }, (_, i) => ({
        type: 'put',
        key: `e${keyOf('parts', i)}`,
        value: stored,
      })),
    })
    const open = (value) => Buffer.from(ring.openValue(binding, value)).toString()
    const policy = compile([
      {
        id: 'p',
        rules: [
          {
            id: 'r',
            effect: 'allow',
            principals: ['role:admin'],
            actions: ['read', 'decrypt'],
            resources: ['/**'],
          },
        ],
      },
    ])
    const subject = policy.subject(['account:1', 'user:dev', 'role:admin'])
    const frame = requestFrame(3, { key: keyOf('parts', 1), decrypt: true }, '0'.repeat(36))
    const reader = new FrameReader({ framing: 'length', maxFrameBytes: 65_536 })
    const body = JSON.stringify({
      action: encrypted ? 'decrypt' : 'read',
      outcome: 'ok',
      paths: [keyOf('parts', 1)],
      actor: {
        user: 'dev',
        account: '0'.repeat(32),
        roles: ['admin'],
        session: '0'.repeat(32),
        door: 'registry',
        address: 'local',
        proof: 'credential',
        mfa: false,
      },
      versions: [1],
    })
    const items = Array.from({ length: GROUP }, () => ({ timeMs: Date.now(), body }))
    assert.equal(encrypted ? open(engine.get(`e${keyOf('parts', 1)}`).value) : VALUE, VALUE)

    const micros = {
      'look-up': cost((i) => engine.get(`e${keyOf('parts', i % ENTRIES)}`)),
      ...(encrypted ? { decrypt: cost(() => open(stored)) } : {}),
      decide: cost((i) => {
        const resource = keyOf('parts', i % ENTRIES)
        policy.decide({ subject, action: 'read', resource, time: 0 })
        if (encrypted) policy.decide({ subject, action: 'decrypt', resource, time: 0 })
      }),
      record: cost(() => log.append(items), { warmUp: 100, count: 500 }) / GROUP,
      codec: cost(() => {
        reader.push(frame)
        const request = parseRequest('get', decodePayload(reader.next().payload))
        encodeFrame('length', {
          type: MESSAGE_TYPE.GetResponse,
          timestampMs: 0,
          payload: encodePayload({
            value: VALUE,
            type: 'string',
            encrypted,
            version: 1,
            modify_revision: request.key.length,
          }),
        })
      }),
    }
    const sum = Object.values(micros).reduce((all, one) => all + one)
    const shown = Object.entries(micros).map(([name, one]) => `${name} ${one.toFixed(2)}`)
    return { perSecond: 1e6 / sum, shown: shown.join(', ') }
  } finally {
    await log.close()
    await engine.close()
  }
}

/** Microseconds of one call. */
function cost(run, options) {
  return 1e6 / repeatSync(run, options).perSecond
}
