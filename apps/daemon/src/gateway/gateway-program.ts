/** Where the program of the gateway is, when it is installed beside the daemon. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** @returns its path; undefined when it is not installed */
export function gatewayProgram(): string | undefined {
  try {
    const manifest = import.meta.resolve('@secreg/http-gateway/package.json')
    const program = fileURLToPath(new URL('bin/secreg-gateway.js', manifest))
    return existsSync(program) ? program : undefined
  } catch {
    return undefined
  }
}
