import { expect, test } from 'vitest'
import { plainStart } from '../src/plain-start.ts'

test.each([
  [[], {}],
  [['--config', '/etc/c.toml'], { config: '/etc/c.toml' }],
  [['-c', 'c.toml'], { config: 'c.toml' }],
  [['--dev', '7'], { dev: '7' }],
])('%j starts the daemon', (argv, options) => {
  expect(plainStart(argv)).toEqual(options)
})

test.each([
  [['--help']],
  [['--version']],
  [['--config']],
  [['--config', '']],
  [['--config', '--dev']],
  [['--config', '-c']],
  [['--config=c.toml']],
  [['-cc.toml']],
  [['--dev', 'home', '--config', 'c.toml']],
  [['--config', 'a', 'b']],
  [['--check', 'c.toml']],
  [['egress']],
  [['recover', 'admin']],
  [['--confi', 'c.toml']],
])('%j is left to the whole command line', (argv) => {
  expect(plainStart(argv)).toBeUndefined()
})
