/** How much of each thing that a quota limits. */

export interface Amounts {
  readonly bytes: number;
  readonly objects: number;
  readonly containers: number;
}

export type AmountName = keyof Amounts;
export const amountNames: readonly AmountName[] = ['bytes', 'objects', 'containers'];

/** What is left out has no limit. */
export type Limits = Readonly<Partial<Amounts>>;

export const NOTHING: Amounts = Object.freeze({ bytes: 0, objects: 0, containers: 0 });

export function plus(a: Amounts, b: Amounts): Amounts {
  return {
    bytes: a.bytes + b.bytes,
    objects: a.objects + b.objects,
    containers: a.containers + b.containers,
  };
}

export function minus(a: Amounts, b: Amounts): Amounts {
  return {
    bytes: a.bytes - b.bytes,
    objects: a.objects - b.objects,
    containers: a.containers - b.containers,
  };
}

/** The first limit that `total` is beyond. */
export function exceededBy(total: Amounts, limits: Limits): AmountName | undefined {
  return amountNames.find((name) => total[name] > (limits[name] ?? Number.POSITIVE_INFINITY));
}

/** The stricter of both, for each. */
export function strictest(a: Limits, b: Limits): Limits {
  const limits: Partial<Record<AmountName, number>> = {};
  for (const name of amountNames) {
    const both = [a[name], b[name]].filter((limit) => limit !== undefined);
    if (both.length > 0) limits[name] = Math.min(...both);
  }
  return limits;
}

export function isUnlimited(limits: Limits): boolean {
  return amountNames.every((name) => limits[name] === undefined);
}

export function areSame(a: Limits, b: Limits): boolean {
  return amountNames.every((name) => a[name] === b[name]);
}
