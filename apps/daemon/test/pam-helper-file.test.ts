/** Which programs may be told passwords: each wrong in one way. */
import { chmodSync, chownSync, mkdirSync, symlinkSync } from 'node:fs'
import { createTempHome, skipTest, type TempHome } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { checkHelperFile } from '../src/pam/helper-file.ts'

/** A good helper `bin/helper` in a home of its own. */
function makeHelper(home: TempHome): string {
  const path = home.write('bin/helper', '#!/bin/sh\nexit 1\n')
  chmodSync(path, 0o755)
  return path
}

test.each<[string, (home: TempHome) => void, string | undefined]>([
  ['nothing', () => {}, undefined],
  ['for root alone', (home) => chmodSync(home.file('bin/helper'), 0o700), undefined],
  ['a group that writes', (home) => chmodSync(home.file('bin/helper'), 0o775), 'write'],
  ['others who write', (home) => chmodSync(home.file('bin/helper'), 0o757), 'write'],
  ['no execution', (home) => chmodSync(home.file('bin/helper'), 0o644), 'not executable'],
  [
    'a directory that a group writes',
    (home) => chmodSync(home.file('bin'), 0o775),
    'another program',
  ],
  ['one further up that others write', (home) => chmodSync(home.path, 0o707), 'another program'],
  ['the same with the sticky bit', (home) => chmodSync(home.path, 0o1777), undefined],
])('%s', async (_, change, fault) => {
  using home = createTempHome()
  const path = makeHelper(home)
  change(home)
  const found = await checkHelperFile(path)
  if (fault === undefined) expect(found).toEqual({ path })
  else expect(found).toEqual({ fault: expect.stringContaining(fault) })
})

test('a symbolic link is refused, one of a directory is followed and its target checked', async () => {
  using home = createTempHome()
  const path = makeHelper(home)
  symlinkSync(path, home.file('bin/link'))
  expect(await checkHelperFile(home.file('bin/link'))).toEqual({ fault: 'it is a symbolic link' })
  symlinkSync(home.file('bin'), home.file('sbin'))
  expect(await checkHelperFile(home.file('sbin/helper'))).toEqual({ path })
  chmodSync(home.file('bin'), 0o777)
  expect(await checkHelperFile(home.file('sbin/helper'))).toHaveProperty('fault')
})

test.each([['helper'], ['./helper'], [''], ['/a\0b']])('%j is no absolute path', async (path) => {
  expect(await checkHelperFile(path)).toEqual({ fault: 'its path is not absolute' })
})

test('what is not there, not a file, or not within reach', async () => {
  using home = createTempHome()
  const path = makeHelper(home)
  mkdirSync(home.file('directory'), { mode: 0o755 })
  expect(await checkHelperFile(home.file('gone'))).toEqual({ fault: 'it is not there' })
  expect(await checkHelperFile(`${path}/x`)).toEqual({ fault: 'it is not there' })
  expect(await checkHelperFile(home.file('directory'))).toEqual({
    fault: 'it is not a regular file',
  })
  expect(await checkHelperFile('/dev/null')).toEqual({ fault: 'it is not a regular file' })
})

test('of another user, or in a directory of another user', async (context) => {
  if (process.getuid?.() !== 0) skipTest(context, 'needs root')
  using home = createTempHome()
  const path = makeHelper(home)
  chownSync(path, 12_345, 0)
  expect(await checkHelperFile(path)).toEqual({ fault: 'it belongs to user 12345' })
  expect(await checkHelperFile(path, 12_345)).toEqual({ path })
  chownSync(path, 0, 0)
  chownSync(home.file('bin'), 12_345, 0)
  expect(await checkHelperFile(path)).toEqual({
    fault: 'others can put another program in its place',
  })
  expect(await checkHelperFile(path, 12_345)).toEqual({ path })
})
