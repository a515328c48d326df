/** A PAM helper of a test: a script whose doings a login chooses, and what it saw. */
import { chmodSync, readdirSync, readFileSync } from 'node:fs'
import { createTempHome, type TempHome, waitFor } from '@secreg/testkit'

/** What a helper was started with. */
export interface Seen {
  readonly pid: number
  readonly cmdline: string
  readonly environ: string
  readonly cwd: string
  readonly input: string
  /** Of standard output and standard error. */
  readonly outputs: readonly string[]
}

const SCRIPT = `
import { spawn } from 'node:child_process'
import { readFileSync, readlinkSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
const home = dirname(process.argv[1])
const leave = (name, content) => {
  const made = join(home, name + '.new-' + process.pid)
  writeFileSync(made, content)
  renameSync(made, join(home, name))
}
const chunks = []
for await (const chunk of process.stdin) chunks.push(chunk)
const input = Buffer.concat(chunks).toString()
const [login, password] = input.split('\\0')
switch (login) {
  case 'hang': {
    const child = spawn('/bin/sleep', ['1000'], { stdio: 'ignore' })
    leave('hanging-' + process.pid, JSON.stringify([process.pid, child.pid]))
    await new Promise((resolve) => setTimeout(resolve, 1_000_000))
    break
  }
  case 'crash':
    process.kill(process.pid, 'SIGSEGV')
    await new Promise((resolve) => setTimeout(resolve, 1000))
    break
  case 'fault':
    process.exit(2)
    break
  case 'noise':
    for (let at = 0; at < 64; at++) {
      process.stdout.write(Buffer.alloc(1 << 20, password))
      process.stderr.write(Buffer.alloc(1 << 20, password))
    }
    break
  case 'look':
    leave('seen', JSON.stringify({
      pid: process.pid,
      cmdline: readFileSync('/proc/self/cmdline', 'latin1'),
      environ: readFileSync('/proc/self/environ', 'latin1'),
      cwd: process.cwd(),
      input,
      outputs: [1, 2].map((fd) => readlinkSync('/proc/self/fd/' + fd)),
    }))
    break
}
process.exitCode = password === 'right' ? 0 : 1
`

/** Write a program that may be told passwords. */
export function writeHelper(home: TempHome, name: string, text: string): string {
  const path = home.write(name, text)
  chmodSync(path, 0o755)
  return path
}

/** A helper that lets everybody in whose password is `right`. */
export class StandIn implements Disposable {
  readonly home: TempHome = createTempHome()
  readonly path: string

  constructor() {
    this.path = writeHelper(this.home, 'helper.mjs', `#!${process.execPath}\n${SCRIPT}`)
  }

  /** What the last helper of login `look` saw. */
  seen(): Seen {
    return JSON.parse(readFileSync(this.home.file('seen'), 'utf8'))
  }

  /** Processes of the helpers of login `hang`, once as many hang. */
  async hanging(count = 1): Promise<number[]> {
    await waitFor(() => this.#hanging().length >= count)
    return this.processes()
  }

  /** Processes of the helpers of login `hang` that hang by now. */
  processes(): number[] {
    return this.#hanging().flatMap((name) => JSON.parse(readFileSync(this.home.file(name), 'utf8')))
  }

  #hanging(): string[] {
    return readdirSync(this.home.path).filter((name) => /^hanging-\d+$/.test(name))
  }

  [Symbol.dispose](): void {
    this.home.remove()
  }
}

/** Whether a process runs; one that nobody has waited for yet does not. */
export function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}
