/** The last backups that were read to their end, kept in the row `x/backup` and in memory. */
import type { BackupInfo } from '@secreg/protocol'
import type { Engine } from '@secreg/storage'
import type { Core } from '../core.ts'
import { BACKUP_KEY } from '../keys.ts'

/** One of each place; absent where there was none. */
export type LastBackups = { readonly [Where in BackupInfo['where']]?: BackupInfo }

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

export class BackupNotes {
  #last: LastBackups

  private constructor(last: LastBackups) {
    this.#last = last
  }

  static async open(engine: Pick<Engine, 'get'>): Promise<BackupNotes> {
    const row = await engine.get(BACKUP_KEY)
    return new BackupNotes(row === undefined ? {} : decode(row.value))
  }

  get scheduled(): BackupInfo | undefined {
    return this.#last.scheduled
  }

  /** The last one, wherever it is. */
  get last(): BackupInfo | undefined {
    const { client, scheduled } = this.#last
    if (client === undefined || scheduled === undefined) return client ?? scheduled
    return client.at > scheduled.at ? client : scheduled
  }

  /** Keep one in mind, durably. */
  async note({ writer }: Pick<Core, 'writer'>, info: BackupInfo): Promise<void> {
    const last = { ...this.#last, [info.where]: info }
    this.#last = last
    await writer.submit({
      plan: () => ({
        ops: [{ type: 'put', key: BACKUP_KEY, value: encoder.encode(JSON.stringify(last)) }],
        result: () => undefined,
      }),
      refusal: () => undefined,
    })
  }
}

/** It is there to be shown, and keeps nobody from starting. */
function decode(bytes: Uint8Array): LastBackups {
  try {
    return JSON.parse(decoder.decode(bytes)) as LastBackups
  } catch {
    return {}
  }
}
