/** `node proxy/body/digests.bench.ts [MiB]`: CPU of a digest pool's MD5 and CRC64NVME, by how many bodies it has at once. */
import { BUFFER_BYTES, BufferPool } from './buffer-pool.ts';
import { DigestPool } from './digest-pool.ts';

const BODY_MEBIBYTES = Number(process.argv[2] ?? 64);
const BUFFERS_EACH = 3;
const ROUNDS = 3;

async function digest(pool: DigestPool, first: number): Promise<void> {
  const stream = pool.open(['md5', 'crc64nvme']);
  const updates = (BODY_MEBIBYTES * 2 ** 20) / BUFFER_BYTES;
  const moving: Promise<unknown>[] = [];
  for (let update = 0; update < updates; update++) {
    // As a body has them: a few buffers in turn, and the next when the first of them is free again.
    if (moving.length === BUFFERS_EACH) await moving.shift();
    moving.push(stream.update((first + (update % BUFFERS_EACH)) * BUFFER_BYTES, BUFFER_BYTES));
  }
  await Promise.all(moving);
  await stream.finish();
}

for (const bodies of [1, 2, 3, 4, 8]) {
  const buffers = new BufferPool(bodies * BUFFERS_EACH);
  Buffer.from(buffers.memory.buffer).fill('body', 0, bodies * BUFFERS_EACH * BUFFER_BYTES);
  const pool = DigestPool.start({ memory: buffers.memory });
  const firsts = Array.from({ length: bodies }, (_, body) => body * BUFFERS_EACH);
  await Promise.all(firsts.map((first) => digest(pool, first)));
  const startedMs = performance.now();
  const startedCpu = process.cpuUsage();
  for (let round = 0; round < ROUNDS; round++) await Promise.all(firsts.map((first) => digest(pool, first)));
  const { user, system } = process.cpuUsage(startedCpu);
  const gibibytes = (bodies * ROUNDS * BODY_MEBIBYTES) / 1024;
  const rate = (gibibytes * 1024) / ((performance.now() - startedMs) / 1000);
  const cost = (user + system) / 1e6 / gibibytes;
  process.stdout.write(
    `${bodies} at once  ${rate.toFixed(0).padStart(6)} MiB/s  ${cost.toFixed(2)} CPU s/GiB\n`,
  );
  await pool.close();
}
