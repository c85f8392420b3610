/**
 * Divides `total` in proportion to weights within bounds: share = clamp(level × weight, least, most), with the one level
 * at which the shares add up. Exact, by walking the places where a share reaches a bound.
 */
export interface Bounded {
  readonly weight: number;
  readonly least: number;
  readonly most: number;
}

/**
 * @param total is moved into [Σ least, Σ most] when it lies outside of it.
 * @returns shares in the order of `parts`; a part without weight gets its least.
 */
export function waterFill(parts: readonly Bounded[], total: number): Float64Array {
  const events: { level: number; slope: number }[] = [];
  let filled = 0;
  for (const { weight, least, most } of parts) {
    filled += least;
    if (weight <= 0 || most <= least) continue;
    events.push({ level: least / weight, slope: weight }, { level: most / weight, slope: -weight });
  }
  events.sort((a, b) => a.level - b.level);
  let level = 0;
  let slope = 0;
  for (const event of events) {
    const reached = filled + slope * (event.level - level);
    if (slope > 0 && reached >= total) break;
    filled = reached;
    level = event.level;
    slope += event.slope;
  }
  if (slope > 0 && filled < total) level += (total - filled) / slope;
  return Float64Array.from(parts, ({ weight, least, most }) =>
    weight <= 0 ? least : Math.max(least, Math.min(most, level * weight)),
  );
}
