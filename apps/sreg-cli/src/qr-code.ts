/** A QR code for a terminal. */

/** Bright white on black, whatever the colours of the terminal: a reader takes light for light. */
const [BEGIN, END] = ['\u001b[40;97m', '\u001b[0m']

/** Longest text: what an authenticator takes is far shorter, and a larger code fits no terminal. */
const MAX_CHARS = 512

/**
 * Draw an address for an authenticator.
 *
 * @param columns - of the terminal
 * @returns `undefined` when it is none, or does not fit
 */
export async function qrCode(uri: string, columns: number): Promise<string | undefined> {
  if (!/^otpauth:\/\/[!-~]+$/.test(uri) || uri.length > MAX_CHARS) return undefined
  const { encodeQR } = await import('qr')
  const lines = encodeQR(uri, 'ascii', { ecc: 'low' }).trimEnd().split('\n')
  const width = Math.max(...lines.map((line) => line.length))
  return width <= columns ? lines.map((line) => BEGIN + line + END).join('\n') : undefined
}
