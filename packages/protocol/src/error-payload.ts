/** Payload of an ErrorResponse, type only. */
/** Payload of an ErrorResponse. */
export interface ErrorPayload {
  /** Documented code, 0 to 8. */
  readonly code: number
  readonly name: string
  readonly message: string
  readonly reason: string
  readonly errno: number
  readonly request_type?: number
  readonly id?: string | number
  /** Seconds. */
  readonly retry_after?: number
  /** Oldest revision from which the changes are still known. */
  readonly min_revision?: number
  /** JSON Pointer to what is wrong with a document. */
  readonly pointer?: string
}
