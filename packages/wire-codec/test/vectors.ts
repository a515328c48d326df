import { readFileSync } from 'node:fs'

export interface Vector {
  readonly name: string
  readonly bytes: Uint8Array
}

/** Load the lines `name length hex` of a vector file. */
export function loadVectors(file: string): Vector[] {
  return readFileSync(new URL(`vectors/${file}`, import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [name = '', length, hex = ''] = line.split(' ')
      const bytes = Uint8Array.from(Buffer.from(hex, 'hex'))
      if (bytes.length !== Number(length)) throw new Error(`${file}: wrong length in ${name}`)
      return { name, bytes }
    })
}
