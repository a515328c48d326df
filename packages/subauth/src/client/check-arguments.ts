/** Arguments of the client half. What they mean is for the server to judge; here they are of the right type. */

/** Check that fields are texts, numbers or flags as their names say. @throws TypeError that quotes no value */
export function checkFields(fields: object): void {
  for (const [name, value] of Object.entries(fields) as [string, unknown][]) {
    if (value === undefined) continue
    const expected = name === 'validity' ? 'number' : name === 'allow' ? 'boolean' : 'string'
    if (typeof value !== expected) {
      throw new TypeError(`${name}: expected a ${expected}, got ${nameOfType(value)}`)
    }
    if (expected === 'number' && !Number.isSafeInteger(value)) {
      throw new RangeError(`${name}: expected a whole number, got ${String(value)}`)
    }
  }
}

/** @throws TypeError */
export function checkObject(name: string, value: unknown): void {
  if (typeof value !== 'object' || value === null) {
    throw new TypeError(`${name}: expected an object, got ${nameOfType(value)}`)
  }
}

/** @throws TypeError */
export function requireFields(fields: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(fields) as [string, unknown][]) {
    if (value === undefined) throw new TypeError(`${name}: expected a value, got undefined`)
  }
}

function nameOfType(value: unknown): string {
  return value === null ? 'null' : typeof value
}
