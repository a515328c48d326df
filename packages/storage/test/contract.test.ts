import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LevelEngine, MemoryEngine, VolatileOverlay } from '@secreg/storage'
import { FaultEngine, runEngineContract } from '@secreg/storage/testing'
import { describe, test } from 'vitest'

runEngineContract('memory', async () => ({ engine: new MemoryEngine() }), { describe, test })

runEngineContract(
  'level',
  async () => {
    const parent = await mkdtemp(join(tmpdir(), 'storage-'))
    const directory = join(parent, 'db')
    const engine = await LevelEngine.open(directory)
    return {
      engine,
      reopen: async () => {
        await engine.close()
        return LevelEngine.open(directory, { expectHeadAtLeast: engine.head })
      },
      dispose: () => rm(parent, { recursive: true }),
    }
  },
  { describe, test },
)

runEngineContract(
  'fault',
  async () => {
    const engine = new FaultEngine()
    return {
      engine,
      reopen: async () => {
        await engine.close()
        return engine.restart()
      },
    }
  },
  { describe, test },
)

runEngineContract('overlay', async () => ({ engine: new VolatileOverlay(new MemoryEngine()) }), {
  describe,
  test,
})
