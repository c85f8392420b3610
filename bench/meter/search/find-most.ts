/** The largest number that passes: doubled until one does not, then halved between the two. */

export type Outcome = 'passes' | 'fails' | 'impossible';

export interface SearchBounds {
  readonly start: number;
  readonly most: number;
  /** The answer may be so much, as a share of it, below the truth. */
  readonly precision: number;
}

export interface Found {
  /** 0 when not even one passes. */
  readonly most: number;
  /** What was above it: a failure, the bound given, or what could not be tried. */
  readonly limitedBy: 'failure' | 'bound' | 'impossible';
}

/** Passing is taken to be monotonous: what holds for a number holds for all below. */
export async function findMost(
  probe: (count: number) => Promise<Outcome>,
  { start, most, precision }: SearchBounds,
): Promise<Found> {
  let good = 0;
  let bad: number | undefined;
  let limitedBy: Found['limitedBy'] = 'bound';
  for (let count = Math.min(start, most); bad === undefined && good < most; ) {
    const outcome = await probe(count);
    if (outcome === 'passes') {
      good = count;
      count = Math.min(most, count * 2);
    } else {
      bad = count;
      limitedBy = outcome === 'fails' ? 'failure' : 'impossible';
    }
  }
  while (bad !== undefined && bad - good > Math.max(1, Math.floor(good * precision))) {
    const middle = Math.floor((good + bad) / 2);
    const outcome = await probe(middle);
    if (outcome === 'passes') good = middle;
    else {
      bad = middle;
      limitedBy = outcome === 'fails' ? 'failure' : 'impossible';
    }
  }
  return { most: good, limitedBy };
}

/** What is left of the number for the next try: what was found in short steps is seldom far from what holds for long. */
const LESS = [0.9, 0.9, 0.8, 0.6] as const;

export interface Confirmed {
  /** 0 when nothing is confirmed. */
  readonly streams: number;
  /** Whether one of the tries could not be made: then more might hold. */
  readonly impossible: boolean;
}

/** Tries the number found for longer, and less where that fails. */
export async function confirmMost(
  probe: (count: number) => Promise<Outcome>,
  found: number,
  attemptsMax: number,
): Promise<Confirmed> {
  let streams = found;
  let impossible = false;
  for (let attempt = 0; attempt < attemptsMax && streams > 0; attempt++) {
    const outcome = await probe(streams);
    if (outcome === 'passes') return { streams, impossible };
    impossible ||= outcome === 'impossible';
    streams = Math.min(streams - 1, Math.floor(streams * (LESS[attempt] ?? LESS[LESS.length - 1] ?? 0)));
  }
  return { streams: 0, impossible };
}
