import { readFileSync } from 'node:fs'
import { createTempHome, requireProgram, runChild } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { COMMANDS, type CommandSpec, GLOBAL_OPTIONS, isCommand } from '../src/command-table.ts'
import { bashCompletion } from '../src/completion/bash.ts'
import { fishCompletion } from '../src/completion/fish.ts'
import { zshCompletion } from '../src/completion/zsh.ts'
import { usageOf } from '../src/help.ts'
import { VERSION } from '../src/version.ts'
import { runSreg } from './harness.ts'

const env = { HOME: '/nonexistent' }

/** A command that does something by itself, and its subcommands. */
function specsOf(command: CommandSpec): readonly CommandSpec[] {
  const { subcommands = [] } = command
  return isCommand(command) ? [command, ...subcommands] : subcommands
}

describe('help', () => {
  test('the overview names every command', async () => {
    const { code, stdout, stderr } = await runSreg(['help'], env)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const command of COMMANDS.values()) expect(stdout).toContain(`sreg ${usageOf(command)}`)
    expect((await runSreg(['--help'], env)).stdout).toBe(stdout)
    expect((await runSreg(['-h'], env)).stdout).toBe(stdout)
  })

  test('each command names its options and operands, with help before or behind', async () => {
    for (const command of COMMANDS.values()) {
      for (const spec of specsOf(command)) {
        const words = spec === command ? [command.name] : [command.name, spec.name]
        const { code, stdout } = await runSreg([...words, '--help'], env)
        expect(code).toBe(0)
        for (const { name } of [...spec.options, ...GLOBAL_OPTIONS]) {
          expect(stdout).toContain(`--${name}`)
        }
        for (const { name } of spec.operands)
          expect(stdout).toMatch(new RegExp(`[<[]${name}(?:\\.{3})?[>\\]]`))
        expect((await runSreg(['-h', ...words], env)).stdout).toBe(stdout)
      }
    }
    expect((await runSreg(['help', 'meta', 'set'], env)).stdout).toContain('--no-tags')
    expect((await runSreg(['help', 'user'], env)).stdout).toContain('sreg user add <username>')
    const audit = (await runSreg(['help', 'audit'], env)).stdout
    expect(audit).toContain('sreg audit prove <sequence>')
    expect(audit).toContain('--follow')
    expect((await runSreg(['help', 'nothing'], env)).code).toBe(1)
  })

  test('the version is that of the manifest', async () => {
    const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
    expect(VERSION).toBe(manifest.version)
    expect((await runSreg(['--version'], env)).stdout).toBe(`sreg ${VERSION}\n`)
    expect((await runSreg(['version'], env)).stdout).toBe(`sreg ${VERSION}\n`)
    expect(JSON.parse((await runSreg(['version', '-j'], env)).stdout)).toEqual({ version: VERSION })
  })

  test('the reference in the README is that of the table', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    for (const command of COMMANDS.values()) {
      for (const spec of specsOf(command)) {
        const usage = usageOf(spec, spec === command ? '' : command.name)
        const options = spec.options.map(({ name, value, repeats }) =>
          value === undefined
            ? `[--${name}]`
            : `[--${name} ${value}]${repeats === true ? '...' : ''}`,
        )
        expect(readme).toContain(`sreg ${[usage, ...options].join(' ')}\n`)
      }
    }
  })
})

const scripts = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const

describe('completion', () => {
  test.each(['bash', 'zsh', 'fish'] as const)('%s takes the script', async (shell) => {
    const { code, stdout } = await runSreg(['completion', shell], env)
    expect(code).toBe(0)
    expect(stdout).toBe(scripts[shell]())
    for (const command of COMMANDS.values()) {
      expect(stdout).toContain(command.name)
      for (const { name } of command.options) expect(stdout).toContain(name)
    }
  })

  test.for(['bash', 'zsh', 'fish'] as const)('%s finds no fault in it', async (shell, context) => {
    const path = requireProgram(context, shell)
    await using home = createTempHome()
    const file = home.write('script', scripts[shell]())
    const { code, stderr } = await runChild(path, ['-n', file])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  test('bash completes commands, options, types and keys', async (context) => {
    const bash = requireProgram(context, 'bash')
    await using home = createTempHome()
    const file = home.write('script', bashCompletion())
    home.write(
      'bin/sreg',
      '#!/bin/sh\nprintf "%s\\n" "/app/" "/app/a b" "/apt" "/x\\$(id)"\n',
      0o755,
    )
    const complete = async (...words: string[]): Promise<string[]> => {
      const list = words.map((word) => `'${word}'`).join(' ')
      const script = `source '${file}'; COMP_WORDS=(sreg ${list}); COMP_CWORD=${words.length}; _sreg; printf '%s\\n' "\${COMPREPLY[@]}"`
      const env = { PATH: `${home.file('bin')}:${process.env['PATH']}` }
      const { stdout, stderr } = await runChild(bash, ['--norc', '-c', script], { env })
      expect(stderr).toBe('')
      return stdout.split('\n').filter((line) => line !== '')
    }
    expect(await complete('s')).toEqual([
      'set ',
      'search ',
      'secret ',
      'status ',
      'security ',
      'support-bundle ',
    ])
    expect(await complete('secret', '')).toEqual([
      'get ',
      'set ',
      'rotate ',
      'copy ',
      'move ',
      'search ',
    ])
    expect(await complete('secret', 'set', 'x', '--')).toEqual([
      '--value-file ',
      '--type ',
      '--raw ',
      '--cas ',
      '--socket ',
      '--json ',
      '--verbose ',
      '--help ',
    ])
    expect(await complete('secret', 'set', 'x', '--type', '')).toEqual(['string ', 'json '])
    expect(await complete('set', 'x', '--type', 'by')).toEqual(['bytes '])
    expect(await complete('ru')).toEqual(['run '])
    expect(await complete('me')).toEqual(['meta ', 'metrics '])
    expect(await complete('meta', '')).toEqual(['get ', 'set '])
    expect(await complete('mount', 'set', '--m')).toEqual([
      '--max-versions ',
      '--max-entries ',
      '--max-bytes ',
    ])
    expect(await complete('undelete', '--version', '2', '/ap')).toEqual([
      '/app/',
      '/app/a\\ b ',
      '/apt ',
    ])
    expect(await complete('--v')).toEqual(['--verbose ', '--version '])
    expect(await complete('status', '--v')).toEqual(['--verbose '])
    expect(await complete('undelete', '--v')).toEqual(['--version ', '--verbose '])
    expect(await complete('move', '/a', '/x')).toEqual(['/x\\$\\(id\\) '])
    expect(await complete('user', 'r')).toEqual(['remove ', 'rename ', 'roles ', 'revoke '])
    expect(await complete('import', 'x', '--format', 'd')).toEqual(['dotenv '])
    expect(await complete('policy', 'import', 'x', '--format', 'l')).toEqual(['libvirt '])
    expect(await complete('policy', 'set', 'x', '--format', '')).toEqual(['json ', 'toml '])
    expect(await complete('policy', 'who-can', 'decr')).toEqual(['decrypt '])
    expect(await complete('policy', 'who-can', 'decrypt', '/ap')).toEqual([
      '/app/',
      '/app/a\\ b ',
      '/apt ',
    ])
    expect(await complete('get', '--de')).toEqual(['--decrypt '])
    expect(await complete('-j', 'user', 'add', '--r')).toEqual(['--roles '])
    expect(await complete('set', '/a', '1', '--type', 'b')).toEqual([
      'boolean ',
      'bytes ',
      'binary ',
    ])
    expect(await complete('completion', '')).toEqual(['bash ', 'zsh ', 'fish '])
    expect(await complete('backup', 's')).toEqual(['status ', ...(await complete('txn', 's'))])
    expect(await complete('backup', '--f')).toEqual(['--force '])
    expect(await complete('audit', 'c')).toEqual(['checkpoint ', 'check-proof ', 'consistency '])
    expect(await complete('audit', '--out')).toEqual(['--outcome '])
    expect(await complete('audit', '--outcome', 'd')).toEqual(['denied '])
    expect(await complete('audit', '--key', '/ap')).toEqual(['/app/', '/app/a\\ b ', '/apt '])
    expect(await complete('audit', 'checkpoint', '--out')).toEqual(['--output '])
    expect(await complete('audit', 'verify', '--k')).toEqual(['--key ', '--key-file '])
    expect(await complete('backup', './x', '--f')).toEqual(['--force '])
    expect(await complete('backup', 'verify', '--k')).toEqual(['--key-file '])
    expect(await complete('restore', 'x', '--only', '/ap')).toEqual([
      '/app/',
      '/app/a\\ b ',
      '/apt ',
    ])
    expect(await complete('-s', '/sock', 'get', '/ap')).toEqual(['/app/', '/app/a\\ b ', '/apt '])
    expect(await complete('get', '/x')).toEqual(['/x\\$\\(id\\) '])
    expect(await complete('get', '')).toEqual(['/'])
  })
})
