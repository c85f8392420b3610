/**
 * Things come and go, 32 at a time, behind some that have come into the old generation; prints how many bytes that one grew meanwhile.
 * `node --max-semi-space-size=1 common/transients.fixture.ts set | map`
 */
import { getHeapSpaceStatistics } from 'node:v8';
import { TransientMap, Transients } from './transients.ts';

const AT_ONCE = 32;
const TURNS = 20_000;
const ITEM_WORDS = 200;
const GARBAGE_ARRAYS = 40_000;

interface Item {
  readonly number: number;
  readonly words: number[];
}

function collectTheYoung(): void {
  let kept: number[] = [];
  for (let array = 0; array < GARBAGE_ARRAYS; array += 1) kept = new Array<number>(100).fill(array);
  if (kept.length !== 100) throw new Error('nothing was allocated');
}

function oldBytes(): number {
  let bytes = 0;
  for (const { space_name, space_used_size } of getHeapSpaceStatistics())
    if (space_name === 'old_space' || space_name === 'large_object_space') bytes += space_used_size;
  return bytes;
}

function churn(add: (item: Item) => void, remove: (item: Item) => void): number {
  const there: Item[] = [];
  let before = 0;
  for (let number = 0; number < TURNS; number += 1) {
    const item = { number, words: new Array<number>(ITEM_WORDS).fill(number) };
    add(item);
    there.push(item);
    if (there.length > AT_ONCE) remove(there.shift() as Item);
    if (number !== AT_ONCE) continue;
    collectTheYoung();
    before = oldBytes();
  }
  return oldBytes() - before;
}

const slots = new Map<number, number>();
const set = new Transients<Item>();
const map = new TransientMap<string, Item>();
const grown =
  process.argv[2] === 'set'
    ? churn(
        (item) => slots.set(item.number, set.add(item)),
        (item) => {
          set.remove(slots.get(item.number) as number, item);
          slots.delete(item.number);
        },
      )
    : churn(
        (item) => map.set(`item ${item.number}`, item),
        (item) => map.delete(`item ${item.number}`),
      );
console.log(grown);
