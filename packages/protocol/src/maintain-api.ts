/** Answers of `maintain`: what operators do and see; type only. */

/** One finding of a check. */
export interface SecurityFinding {
  readonly check: string
  readonly level: 'ok' | 'warning' | 'fault'
  readonly message: string
  /** What to do next. */
  readonly advice?: string
}

/** How far a compaction is. */
export interface CompactionInfo {
  /** Number of the compaction since the start of the daemon, from 1. */
  readonly job: number
  readonly done: boolean
  /** Milliseconds since the epoch. */
  readonly started_at: number
  /** Bytes of the files of the store, where there are files. */
  readonly bytes_before?: number
  /** The same at the end. */
  readonly bytes_after?: number
}

/** A mount in a support document; its path only where every registry has it. */
export interface SupportMount {
  readonly path?: string
  readonly dialect: string
  readonly available: boolean
  readonly max_versions?: number
  readonly max_entries?: number
  readonly max_bytes?: number
  readonly entries?: number
  readonly bytes?: number
}

/** What the process knows of itself and its machine. */
export interface SupportHost {
  readonly node: string
  readonly kernel: string
  readonly platform: string
  /** Values of the configuration that are numbers, switches or fixed words; of others only whether they are given. */
  readonly configuration: Readonly<Record<string, string | number | boolean>>
  readonly event_loop: {
    /** Share of the time since the start in which it was busy, 0 to 1. */
    readonly utilization: number
    /** Delays while the document was made, milliseconds. */
    readonly delay_ms: { readonly p50: number; readonly p99: number; readonly max: number }
  }
  readonly memory: { readonly rss: number; readonly heap_used: number; readonly external: number }
  readonly connections?: number
  readonly buffer_bytes?: number
  /** The last faults that no caller was told of. */
  readonly faults: readonly { readonly code: string; readonly at: number }[]
}

/** What a support document tells: no secret, no value, no name of an entry, an account, a file or a host. */
export interface SupportFacts {
  readonly version: string
  readonly host?: SupportHost
  readonly status: Readonly<Record<string, unknown>>
  /** Messages only of what names nothing. */
  readonly findings: readonly (Pick<SecurityFinding, 'check' | 'level'> & {
    readonly message?: string
  })[]
  readonly mounts: readonly SupportMount[]
  /** Policies by id; those of single accounts are counted. */
  readonly policies: {
    readonly documents: readonly { readonly id: string; readonly rules: number }[]
    readonly homes: number
  }
  readonly accounts: {
    readonly total: number
    readonly disabled: number
    readonly by_role: Readonly<Record<string, number>>
  }
  readonly store: Readonly<Record<string, number | string>>
  readonly limits: Readonly<Record<string, number>>
}

export interface MaintainResponse {
  /** Of `compact`. */
  readonly compaction?: CompactionInfo
  /** Of `doctor`: no finding is a fault. */
  readonly ok?: boolean
  readonly findings?: readonly SecurityFinding[]
  /** Of `support`. */
  readonly support?: SupportFacts
  /** Of `metrics`: figures in the text format of Prometheus, where the daemon has them. */
  readonly metrics?: string
}
