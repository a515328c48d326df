/** The command as it is shipped: built once into a temporary directory, by the build's own configuration. */
import { execFileSync } from 'node:child_process'
import { readFileSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createTempHome, requirePython, runChild, type SkippableContext } from '@secreg/testkit'

const root = fileURLToPath(new URL('..', import.meta.url))

export interface Built {
  readonly main: string
  /** The short way in, as the installed command starts. */
  readonly hot: string
  /** The other command. */
  readonly subauth: string
  /** Text of the files that are loaded before any command is chosen. */
  startFiles(): string
  /** Text of the files that every command loads that is not run in loops. */
  commandFiles(): string
  remove(): void
}

/** Build the command. */
export function build(): Built {
  const home = createTempHome()
  const tsup = createRequire(import.meta.url).resolve('tsup')
  const cli = join(dirname(tsup), 'cli-default.js')
  const config = join(root, '../../tools/tsup.config.ts')
  execFileSync(process.execPath, [cli, '--config', config, '--out-dir', home.path, '--silent'], {
    cwd: root,
    stdio: 'pipe',
  })
  home.write('package.json', '{"type":"module"}')
  // What is not bundled is found as from the command's own directory.
  symlinkSync(join(root, '../../node_modules'), home.file('node_modules'))
  const main = home.file('main.js')
  const filesFrom = (start: string): string => {
    const seen = new Set<string>()
    const read = (name: string): string => {
      if (seen.has(name)) return ''
      seen.add(name)
      const text = readFileSync(home.file(name), 'utf8')
      const imports = [...text.matchAll(/^(?:import|} from) ?"\.\/([^"]+)"/gm)]
      return text + imports.map(([, file]) => read(file ?? '')).join('\n')
    }
    return read(start)
  }
  const startFiles = (): string => filesFrom('main.js')
  const commandFiles = (): string =>
    filesFrom(/import\("\.\/(more-[^"]+)"\)/.exec(startFiles())?.[1] ?? 'no such file')
  const hot = home.file('hot.cjs')
  const subauth = home.file('subauth/main.js')
  return { main, hot, subauth, startFiles, commandFiles, remove: () => home.remove() }
}

export interface Step {
  /** Text to wait for; by default also for the echo to be off. */
  readonly expect: string
  /** The question shows what is typed, or is none. */
  readonly echo?: boolean
  readonly send?: string
  readonly signal?: 'SIGINT' | 'SIGTERM' | 'SIGHUP'
}

export interface Screen {
  readonly code: number
  /** What the terminal showed: questions, standard error, and what was echoed. */
  readonly screen: string
  readonly stdout: string
  /** Whether the terminal echoed, at each step. */
  readonly echoes: readonly boolean[]
  readonly echoAfter: boolean
  readonly failed?: string
}

let python = ''

/** Run on a pseudo-terminal; skipped where there is no Python to make one. */
export async function onTerminal(
  context: SkippableContext,
  argv: readonly string[],
  env: Record<string, string>,
  steps: readonly Step[],
  pipeStdout = false,
): Promise<Screen> {
  python ||= requirePython(context, 'pty')
  const driver = fileURLToPath(new URL('pty-driver.py', import.meta.url))
  const path = process.env['PATH'] ?? ''
  const { stdout, stderr } = await runChild(python, [driver], {
    input: JSON.stringify({
      argv: [process.execPath, ...argv],
      env: { PATH: path, ...env },
      steps,
      pipeStdout,
    }),
  })
  if (stdout === '') throw new Error(stderr)
  const screen = JSON.parse(stdout) as Screen
  if (screen.failed !== undefined) throw new Error(`not seen: ${screen.failed}\n${screen.screen}`)
  return screen
}
