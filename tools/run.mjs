// Child processes of the root tools: output is kept and shown only when a step fails, so that a good run stays quiet.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Root folder of the workspace. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Path of a program that the workspace installs. */
export const bin = (name) => `${ROOT}node_modules/.bin/${name}`

/**
 * Run a program in the root folder.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, show?: boolean }} [options] `show` passes output on as it comes.
 * @returns {Promise<{ ok: boolean, code: number | null, output: string }>} Never rejects.
 */
export function run(program, args, { cwd = ROOT, env = process.env, show = false } = {}) {
  return new Promise((resolve) => {
    const stdio = show ? 'inherit' : ['ignore', 'pipe', 'pipe']
    const child = spawn(program, args, { cwd, env, stdio })
    let output = ''
    child.stdout?.on('data', (chunk) => {
      output += chunk
    })
    child.stderr?.on('data', (chunk) => {
      output += chunk
    })
    child.once('error', (error) => resolve({ ok: false, code: null, output: error.message }))
    child.once('close', (code) => resolve({ ok: code === 0, code, output }))
  })
}

/**
 * Run a named step: one line when it is done, its whole output when it fails.
 *
 * @returns {Promise<boolean>} It succeeded.
 */
export async function step(name, program, args, options) {
  const start = performance.now()
  const { ok, output } = await run(program, args, options)
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  process.stderr.write(`${ok ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)\n`)
  if (!ok) process.stderr.write(`${output.trimEnd()}\n`)
  return ok
}
