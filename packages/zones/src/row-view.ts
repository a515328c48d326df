/** State at one moment, with the changes of earlier plans of the same group. */
export interface RowView {
  /** Bytes of a row, or undefined where there is none. The plan does not keep or change them. */
  get(key: string): Uint8Array | undefined
}
