/** The words of a feature, in the person's language where the page has it: English or French. */
export function words<T>(en: T, fr: T): T {
  return /^fr\b/i.test(globalThis.navigator?.language ?? "") ? fr : en;
}
