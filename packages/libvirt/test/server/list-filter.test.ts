import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isListed, LIST_FLAGS } from '../../src/server/list-filter.ts'

const EPHEMERAL = 1
const NO_EPHEMERAL = 2
const PRIVATE = 4
const NO_PRIVATE = 8

function secret(ephemeral: boolean, isPrivate: boolean): Parameters<typeof isListed>[0] {
  return { uuid: '', usage: { type: 'none', id: '' }, ephemeral, private: isPrivate }
}

describe('isListed', () => {
  it.each([
    [0, ['--', '-p', 'e-', 'ep']],
    [EPHEMERAL, ['e-', 'ep']],
    [NO_EPHEMERAL, ['--', '-p']],
    [PRIVATE, ['-p', 'ep']],
    [NO_PRIVATE, ['--', 'e-']],
    [EPHEMERAL | PRIVATE, ['ep']],
    [NO_EPHEMERAL | NO_PRIVATE, ['--']],
    [EPHEMERAL | NO_EPHEMERAL, ['--', '-p', 'e-', 'ep']],
    [EPHEMERAL | NO_EPHEMERAL | PRIVATE, ['-p', 'ep']],
    [LIST_FLAGS, ['--', '-p', 'e-', 'ep']],
  ])('flags %d keep %o', (flags, kept) => {
    const all = { '--': [false, false], '-p': [false, true], 'e-': [true, false], ep: [true, true] }
    const listed = Object.entries(all).filter(([, [ephemeral, isPrivate]]) =>
      isListed(secret(ephemeral === true, isPrivate === true), flags),
    )
    expect(listed.map(([name]) => name)).toEqual(kept)
  })

  it('a pair of flags keeps what one of the two keeps', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.boolean(), fc.nat(3), (ephemeral, isPrivate, others) => {
        const one = secret(ephemeral, isPrivate)
        const by = (flags: number): boolean => isListed(one, (others << 2) | flags)
        expect(by(EPHEMERAL | NO_EPHEMERAL)).toBe(by(EPHEMERAL) || by(NO_EPHEMERAL))
        expect(by(EPHEMERAL) && by(NO_EPHEMERAL)).toBe(false)
      }),
    )
  })
})
