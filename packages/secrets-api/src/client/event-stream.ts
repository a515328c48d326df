/** Streams of events as they come, of bounded size (HTML standard, "Parsing an event stream"). */

/** An event as it was sent. */
export interface StreamedEvent {
  /** The last id that was told, of this event or one before it; empty for none. */
  readonly id: string
  /** `message` where it has no name. */
  readonly event: string
  readonly data: string
}

/** A line, or the data of an event, is longer than the limit. */
export class EventTooLong extends Error {
  override readonly name: string = 'EventTooLong'
}

/** Makes events of the pieces of a stream. */
export class EventStreamReader {
  readonly #maxChars: number
  readonly #decoder = new TextDecoder()
  /** The beginning of a line. */
  #line = ''
  /** The last piece ended with a carriage return, whose newline may follow. */
  #afterReturn = false
  #id = ''
  #event = ''
  #data: string[] = []
  #dataChars = 0
  /** Milliseconds to wait before the next connection, where the server said so. */
  retryMs: number | undefined

  /** @param maxChars - of a line, and of the data of an event */
  constructor(maxChars: number) {
    this.#maxChars = maxChars
  }

  /**
   * Take a piece.
   *
   * @returns the events that end in it
   * @throws EventTooLong; the reader is of no use then
   */
  push(bytes: Uint8Array): StreamedEvent[] {
    const events: StreamedEvent[] = []
    let text = this.#decoder.decode(bytes, { stream: true })
    if (text === '') return events
    if (this.#afterReturn && text.startsWith('\n')) text = text.slice(1)
    this.#afterReturn = text.endsWith('\r')
    const lines = text.split(/\r\n|\n|\r/)
    const rest = lines.pop() ?? ''
    for (const line of lines) {
      this.#take(line)
      const event = this.#endLine()
      if (event !== undefined) events.push(event)
    }
    this.#take(rest)
    return events
  }

  #take(part: string): void {
    if (this.#line.length + part.length > this.#maxChars) throw new EventTooLong()
    this.#line += part
  }

  #endLine(): StreamedEvent | undefined {
    const line = this.#line
    this.#line = ''
    if (line === '') return this.#endEvent()
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    switch (field) {
      case 'id':
        if (!value.includes('\0')) this.#id = value
        break
      case 'event':
        this.#event = value
        break
      case 'data':
        this.#dataChars += value.length + 1
        if (this.#dataChars > this.#maxChars) throw new EventTooLong()
        this.#data.push(value)
        break
      case 'retry':
        if (/^\d{1,9}$/.test(value)) this.retryMs = Number(value)
        break
      default:
      // A comment, or a field that there is not.
    }
    return undefined
  }

  #endEvent(): StreamedEvent | undefined {
    const event = this.#event
    const data = this.#data
    this.#event = ''
    this.#data = []
    this.#dataChars = 0
    if (data.length === 0) return undefined
    return { id: this.#id, event: event === '' ? 'message' : event, data: data.join('\n') }
  }
}
