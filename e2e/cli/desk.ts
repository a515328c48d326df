/** A person at a shell: `sreg` and `secregd` in the PATH, files in a private directory, transcripts. */
import { symlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Child, cleanEnv, type Finished, runChild, startChild } from '@secreg/testkit'
import { expect } from 'vitest'
import { ADMIN, PASSPHRASE, PASSWORD, SECREGD, Site, type SiteOptions } from '../lib/site.ts'

/** The program, as `npx sreg` runs it. */
export const SREG: string = fileURLToPath(
  new URL('../../apps/sreg-cli/bin/sreg.js', import.meta.url),
)

/** A site and a shell beside it. */
export class Desk implements AsyncDisposable {
  readonly site: Site
  readonly env: NodeJS.ProcessEnv
  daemon: Child | undefined

  constructor(options: SiteOptions = {}, site: Site = new Site(options)) {
    this.site = site
    const { home } = site
    home.write('bin/.keep', '')
    symlinkSync(SREG, home.file('bin', 'sreg'))
    symlinkSync(SECREGD, home.file('bin', 'secregd'))
    home.write('passphrase', `${PASSPHRASE}\n`)
    home.write('password', `${PASSWORD}\n`)
    home.write('secrets', `${PASSPHRASE}\n${PASSWORD}\n`)
    this.env = cleanEnv({
      PATH: `${home.file('bin')}:${process.env['PATH'] ?? ''}`,
      XDG_RUNTIME_DIR: home.file('run'),
      SECREG_SOCKET: this.site.socket,
      ADMIN,
      TZ: 'UTC',
    })
  }

  /** Start the daemon: `secregd --config FILE`. */
  async start(): Promise<void> {
    this.daemon = await this.site.start()
  }

  async stop(): Promise<void> {
    await this.daemon?.kill('SIGTERM')
  }

  /** Start, initialise and log in, by commands. */
  async open(): Promise<void> {
    await this.start()
    await this.ok('sreg init --admin "$ADMIN" --password-stdin < secrets')
    await this.ok('sreg login "$ADMIN" --password-stdin < password')
  }

  file(name: string, content: string | Uint8Array): string {
    return this.site.home.write(name, content)
  }

  path(name: string): string {
    return this.site.home.file(name)
  }

  /** Run a command line of the shell in the private directory. */
  sh(line: string, input?: string | Uint8Array): Promise<Finished> {
    return runChild('/bin/sh', ['-c', line], {
      cwd: this.site.home.path,
      env: this.env,
      timeoutMs: 60_000,
      ...(input === undefined ? {} : { input }),
    })
  }

  /** Run `sreg` without a shell, and with a larger bound for its output. */
  async sreg(args: readonly string[], input?: string | Uint8Array): Promise<Finished> {
    const child = this.launch(args, input)
    const end = await child.exit
    return { ...end, stdout: child.stdout(), stderr: child.stderr() }
  }

  /** Start `sreg` and wait for nothing. */
  launch(args: readonly string[], input?: string | Uint8Array, env: NodeJS.ProcessEnv = {}): Child {
    return startChild(process.execPath, [SREG, ...args], {
      cwd: this.site.home.path,
      env: { ...this.env, ...env },
      maxOutputBytes: 64 * 1024 * 1024,
      ...(input === undefined ? {} : { input }),
    })
  }

  /** Run a command line that has to succeed; answers its standard output. */
  async ok(line: string, input?: string): Promise<string> {
    const result = await this.sh(line, input)
    expect(result, line).toMatchObject({ code: 0, signal: null })
    return result.stdout
  }

  /** Run a command line that has to end with `code`, print nothing, and say why. */
  async fails(line: string, code: number, message: RegExp | string, input?: string): Promise<void> {
    const result = await this.sh(line, input)
    expect({ code: result.code, stdout: result.stdout }, `${line}\n${result.stderr}`).toEqual({
      code,
      stdout: '',
    })
    expect(result.stderr, line).toMatch(message)
  }

  /**
   * Run a session of commands and compare what it shows. After `$ ` stands a command; then come the lines of its
   * standard output, those of its standard error behind `! `, and its exit code in brackets unless it is 0.
   * `{…}` stands for what differs from run to run: time, number, hex, id, path, any, and `{lines}` for any lines.
   */
  async transcript(text: string): Promise<void> {
    const steps = text
      .split('\n')
      .map((line) => line.trim())
      .join('\n')
      .trim()
      .split(/^\$ /m)
      .slice(1)
    for (const step of steps) {
      const [command = '', ...shown] = step.replace(/\n$/, '').split('\n')
      const code = /^\[(\d)\]$/.exec(shown.at(-1) ?? '')
      if (code !== null) shown.pop()
      const stderr = shown.filter((line) => line.startsWith('! ')).map((line) => line.slice(2))
      const stdout = shown.filter((line) => !line.startsWith('! '))
      const result = await this.sh(command)
      const seen = `$ ${command}\n${result.stdout}--- stderr\n${result.stderr}[${result.code}]`
      expect(result.stdout, seen).toMatch(patternOf(stdout))
      // The second line of an error, what to do next, is indented.
      expect(result.stderr.replace(/^ +/gm, ''), seen).toMatch(patternOf(stderr))
      expect(result.code, seen).toBe(Number(code?.[1] ?? 0))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.site[Symbol.asyncDispose]()
  }
}

const PLACEHOLDERS: Readonly<Record<string, string>> = {
  time: '\\d{4}-\\d{2}-\\d{2} \\d{2}:\\d{2}:\\d{2}',
  number: '\\d+',
  hex: '[0-9a-f]+',
  path: '/[^ \\n]+',
  any: '[^\\n]*',
  lines: '[^]*',
}

function patternOf(lines: readonly string[]): RegExp {
  const source = lines
    .map((line) => `${line}\n`)
    .join('')
    .replace(/[\\^$.*+?()[\]|]/g, '\\$&')
    .replace(/\{(\w+)\}\n?/g, (match, name: string) => {
      const pattern = PLACEHOLDERS[name]
      if (pattern === undefined) return match
      return name === 'lines' || !match.endsWith('\n') ? pattern : `${pattern}\n`
    })
  return new RegExp(`^${source}$`)
}

/** A desk whose registry is open and whose person is logged in. */
export async function openDesk(options: SiteOptions = {}): Promise<Desk> {
  const desk = new Desk(options)
  try {
    await desk.open()
    return desk
  } catch (error) {
    await desk[Symbol.asyncDispose]()
    throw error
  }
}
