/** What generating and comparing content costs: `node bench/meter/targets/content-range.bench.ts`. */
import { ContentRange } from './content-range.ts';

const PIECE_BYTES = 2 ** 20;
const PIECES = 2048;

function gibibytesPerCpuS(work: (index: number) => void): string {
  const before = process.threadCpuUsage();
  for (let index = 0; index < PIECES; index++) work(index);
  const { user, system } = process.threadCpuUsage(before);
  return ((PIECES * PIECE_BYTES) / 2 ** 30 / ((user + system) / 1e6)).toFixed(2);
}

const content = new ContentRange('a bench');
const piece = Buffer.alloc(PIECE_BYTES);
const key = (index: number) => ({ family: 1, index });
content.fill(piece, 0, key(7), 0, PIECE_BYTES);
for (let round = 0; round < 3; round++) {
  const generated = gibibytesPerCpuS((index) => content.fill(piece, 0, key(index), 0, PIECE_BYTES));
  content.fill(piece, 0, key(7), 12_345, PIECE_BYTES);
  const compared = gibibytesPerCpuS(() => {
    if (content.mismatch(piece, 0, key(7), 12_345, PIECE_BYTES) >= 0) throw new Error('it must be the same');
  });
  console.log(`GiB a second of CPU: generated ${generated}, generated and compared ${compared}`);
}
