/** Registries on disk for tests of what their files hold. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createMemoryFiles } from '@secreg/audit/testing'
import { type Engine, LevelEngine, type Row } from '@secreg/storage'
import { FaultEngine, type FaultEngineOptions } from '@secreg/storage/testing'
import { createCanary, createTempHome } from '@secreg/testkit'
import { onTestFinished } from 'vitest'
import { decodeEntry } from '../src/entry.ts'
import { entryKey, valueKey, versionKey } from '../src/keys.ts'
import { decodeVersion } from '../src/version.ts'
import { type Home, start } from './fixture.ts'

/** Bytes that a search takes of a value: the store cuts long ones into records of 32 KiB. */
const NEEDLE_BYTES = 24

export interface DiskHome extends Home {
  readonly directory: string
  readonly medium: LevelEngine
  readonly engine: FaultEngine
  /** Names of the files, data and audit log, that hold some part of a value. */
  filesWith(value: Uint8Array | string): string[]
}

/** A registry on a LevelDB engine whose process can die. */
export async function startOnDisk(
  options: Parameters<typeof start>[0] & FaultEngineOptions = {},
): Promise<DiskHome> {
  const temporary = createTempHome('registry-erasure-')
  onTestFinished(() => temporary.remove())
  const directory = temporary.file('store')
  const medium = await LevelEngine.open(directory)
  onTestFinished(() => medium.close())
  const { onPoint, ...rest } = options
  const engine = new FaultEngine(medium, onPoint === undefined ? {} : { onPoint })
  const files = createMemoryFiles()
  const home = await start({ ...rest, engine, files })
  onTestFinished(() => home.registry.close().catch(() => {}))
  const filesWith = (value: Uint8Array | string): string[] => {
    const bytes = Buffer.from(value as string)
    const needles = [0, 0.5, 1].map((part) => {
      const at = Math.floor(part * Math.max(0, bytes.length - NEEDLE_BYTES))
      return bytes.subarray(at, at + NEEDLE_BYTES)
    })
    const texts: [string, Buffer][] = [
      ...readdirSync(directory).map((name): [string, Buffer] => [
        name,
        contentOf(join(directory, name)),
      ]),
      ...files.list('/log').map((name): [string, Buffer] => [name, files.readFile(`/log/${name}`)]),
    ]
    return texts
      .filter(([, text]) => needles.some((needle) => text.includes(needle)))
      .map(([name]) => name)
  }
  return { ...home, engine, directory, medium, filesWith }
}

/** Nothing of what is not there any more: LevelDB removes what it has replaced at any time. */
function contentOf(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return Buffer.alloc(0)
  }
}

/** Values that stand in the record, and that have a row of their own. */
export const SIZES: Readonly<Record<'small' | 'large', number>> = { small: 100, large: 50_000 }

/** A value that is nowhere by chance, at none of its places. */
export function canaryValue(size: 'small' | 'large'): string {
  let value = ''
  while (value.length < SIZES[size]) value += createCanary()
  return value
}

async function rowOf(engine: Engine, key: string): Promise<Row> {
  const row = await engine.get(key)
  if (row === undefined) throw new Error(`no row ${key}`)
  return row
}

/** The stored bytes of one version: plain, or the sealed blob. */
export async function storedBytes(engine: Engine, path: string, version: number): Promise<Buffer> {
  const { id } = decodeEntry(await rowOf(engine, entryKey(path)))
  const { value } = decodeVersion(await rowOf(engine, versionKey(id, version)))
  return Buffer.from(value ?? (await rowOf(engine, valueKey(id, version))).value)
}

/** Keys of a space that have a durable row. */
export async function keysOf(engine: Engine, space: string): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of engine.iterate({ gte: `${space}/`, lt: `${space}0` })) keys.push(key)
  return keys
}
