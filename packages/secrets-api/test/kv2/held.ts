/** Something to wait for, until a test lets it go. */
export function held(): { readonly until: Promise<void>; readonly letGo: () => void } {
  let letGo = (): void => {}
  const until = new Promise<void>((resolve) => {
    letGo = resolve
  })
  return { until, letGo }
}
