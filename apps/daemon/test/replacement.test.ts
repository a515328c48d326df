/** One store in the place of another: finished by whoever comes next, wherever it was cut. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { createTempHome } from '@secreg/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { finishReplacement, replaceStore } from '../src/replacement.ts'

const REPLACEMENT = { reason: 'restore of 1234', incoming: 'data.incoming', aside: 'data.old' }

function prepare({ withOld = true } = {}) {
  const home = createTempHome()
  onTestFinished(() => home.remove())
  const make = (name: string): void => {
    mkdirSync(home.file(name), { mode: 0o700 })
    writeFileSync(home.file(`${name}/which`), name)
  }
  if (withOld) make('data')
  make('data.incoming')
  const which = (name: string): string | undefined =>
    existsSync(home.file(name)) ? readFileSync(home.file(`${name}/which`), 'utf8') : undefined
  return { home, path: home.file('data'), which }
}

test('the new store is in the place of the old one, which is kept aside', () => {
  const { home, path, which } = prepare()
  replaceStore(path, REPLACEMENT)
  expect([which('data'), which('data.old')]).toEqual(['data.incoming', 'data'])
  expect(readdirSync(home.path).sort()).toEqual(['data', 'data.old'])
  expect(finishReplacement(path)).toBeUndefined()
})

test('there need not be an old one', () => {
  const { path, which } = prepare({ withOld: false })
  replaceStore(path, REPLACEMENT)
  expect([which('data'), which('data.old')]).toEqual(['data.incoming', undefined])
})

test.each(['before the renames', 'between them', 'after them'])('cut %s, it is finished', (cut) => {
  const { home, path, which } = prepare()
  writeFileSync(home.file('.data.replacing'), JSON.stringify(REPLACEMENT))
  if (cut !== 'before the renames') renameSync(path, home.file('data.old'))
  if (cut === 'after them') renameSync(home.file('data.incoming'), path)
  expect(finishReplacement(path)).toEqual(REPLACEMENT)
  expect([which('data'), which('data.old')]).toEqual(['data.incoming', 'data'])
  expect(readdirSync(home.path).sort()).toEqual(['data', 'data.old'])
})

test('a note that leads elsewhere is refused', () => {
  const { home, path, which } = prepare()
  for (const incoming of ['../data.incoming', 'a/b', '', '..', '/data.incoming']) {
    writeFileSync(home.file('.data.replacing'), JSON.stringify({ ...REPLACEMENT, incoming }))
    expect(() => finishReplacement(path)).toThrow()
  }
  expect(which('data')).toBe('data')
})
