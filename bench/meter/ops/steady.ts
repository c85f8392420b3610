/** When a rate has settled. */
const SECONDS = 10;

/** Whether each of the last ten seconds lies within `share` of their mean. */
export function isSteady(rates: readonly number[], share: number): boolean {
  const last = rates.slice(-SECONDS);
  if (last.length < SECONDS) return false;
  const average = last.reduce((sum, rate) => sum + rate, 0) / SECONDS;
  return average > 0 && last.every((rate) => Math.abs(rate - average) <= average * share);
}
