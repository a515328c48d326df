/** Runs of a property: all of them in a soak, a third of them in the short form. */
export const runs = (soak: number): number =>
  process.env['SECREG_SOAK'] === '1' ? soak : Math.ceil(soak / 3)
