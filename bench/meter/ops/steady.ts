/** When a rate has settled. */
const SECONDS = 10;

/** What all did in each second that all of them have behind them, from second `from` on. */
export function ratesOfAll(rates: readonly (readonly number[])[], from: number): number[] {
  const length = Math.min(...rates.map((one) => one.length));
  return Array.from({ length: Math.max(0, length - from) }, (_, at) =>
    rates.reduce((sum, one) => sum + (one[from + at] ?? 0), 0),
  );
}

/** Whether each of the last ten seconds lies within `share` of their mean. */
export function isSteady(rates: readonly number[], share: number): boolean {
  const last = rates.slice(-SECONDS);
  if (last.length < SECONDS) return false;
  const average = last.reduce((sum, rate) => sum + rate, 0) / SECONDS;
  return average > 0 && last.every((rate) => Math.abs(rate - average) <= average * share);
}
