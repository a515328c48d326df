/** Journal and writer alone, for what no operation of the registry shows. */
import { openLog } from '@secreg/audit'
import { createMemoryFiles } from '@secreg/audit/testing'
import { MemoryEngine } from '@secreg/storage'
import { Journal } from '../src/journal.ts'
import { Writer, type WriterOptions } from '../src/writer.ts'

export async function openPipeline(options: Partial<WriterOptions> = {}) {
  const engine = options.engine ?? new MemoryEngine()
  const log = await openLog({ directory: '/log', files: createMemoryFiles() })
  const { journal } = await Journal.open({ engine, log, now: Date.now })
  const writer = new Writer({ now: Date.now, ...options, engine, journal })
  return { engine, log, journal, writer }
}
