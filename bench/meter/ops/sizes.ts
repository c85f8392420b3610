/** How large objects are: one size, several with shares, a range, or a log-normal distribution as files have it. */
import { bytes, count, wrong } from '../../load/option-values.ts';
import type { RandomSequence } from '../../load/random-sequence.ts';

export type SizeDistribution =
  | { readonly kind: 'shares'; readonly sizes: readonly { readonly bytes: number; readonly share: number }[] }
  | { readonly kind: 'uniform'; readonly fromBytes: number; readonly toBytes: number }
  | {
      readonly kind: 'lognormal';
      readonly medianBytes: number;
      readonly sigma: number;
      readonly mostBytes: number;
    };

/** Of a log-normal distribution, as a multiple of its median. */
const LONG_TAIL_MAX = 1000;

/** `4k`, `4k:9,1m:1`, `uniform:4k-1m`, `lognormal:64k,1.5`. Throws `invalid-argument`. */
export function parseSizes(text: string): SizeDistribution {
  const [, kind, rest = ''] = /^(uniform|lognormal):(.*)$/.exec(text) ?? [];
  if (kind === 'uniform') {
    const [from = '', to = ''] = rest.split('-');
    const range = { fromBytes: bytes('size', from), toBytes: bytes('size', to) };
    if (range.toBytes < range.fromBytes) throw wrong(`--size ${text} ends before it begins`);
    return { kind, ...range };
  }
  if (kind === 'lognormal') {
    const [median = '', sigma = '1'] = rest.split(',');
    const medianBytes = bytes('size', median);
    const spread = Number(sigma);
    if (!(spread >= 0 && spread <= 5)) throw wrong(`the spread of --size ${text} is from 0 to 5`);
    return { kind, medianBytes, sigma: spread, mostBytes: medianBytes * LONG_TAIL_MAX };
  }
  const sizes = text.split(',').map((item) => {
    const [size = '', share] = item.split(':');
    return {
      bytes: bytes('size', size),
      share: share === undefined ? 1 : count('size', share, 1, 1_000_000),
    };
  });
  return { kind: 'shares', sizes };
}

export function chosenBy<Item extends { readonly share: number }>(
  items: readonly Item[],
  fraction: number,
): Item {
  const total = items.reduce((sum, { share }) => sum + share, 0);
  let left = fraction * total;
  for (const item of items) {
    left -= item.share;
    if (left < 0) return item;
  }
  return items.at(-1) as Item;
}

export function drawSize(sizes: SizeDistribution, random: RandomSequence): number {
  switch (sizes.kind) {
    case 'shares':
      return chosenBy(sizes.sizes, random.fraction()).bytes;
    case 'uniform':
      return sizes.fromBytes + random.below(sizes.toBytes - sizes.fromBytes + 1);
    case 'lognormal': {
      // Box and Muller's transform of two even draws into a normal one.
      const radius = Math.sqrt(-2 * Math.log(1 - random.fraction()));
      const normal = radius * Math.cos(2 * Math.PI * random.fraction());
      const bytes = sizes.medianBytes * Math.exp(sizes.sigma * normal);
      return Math.max(1, Math.min(sizes.mostBytes, Math.round(bytes)));
    }
  }
}
