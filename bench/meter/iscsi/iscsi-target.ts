/**
 * A logical unit of an iSCSI target, by our own initiator. Objects lie on it one behind the other; where, only the process
 * that wrote them knows, so one process measures. What the unit held is overwritten.
 */
import { OperationFailure, stopped } from '../../load/operation-failure.ts';
import { AlignedPool } from '../targets/aligned-pool.ts';
import type { ContentRange } from '../targets/content-range.ts';
import type { MediaObject, MediaTarget, Recording, TargetSpec, TargetTraits } from '../targets/target.ts';
import {
  capacityOf,
  read16,
  READ_CAPACITY_BYTES,
  READ_CAPACITY_BYTES_LEAST,
  readCapacity,
  synchronizeCache,
  write16,
} from './block-commands.ts';
import { Initiator } from './initiator.ts';
import type { IscsiAddress } from './login.ts';

const BUFFERS_BYTES_MAX = 512 * 2 ** 20;
const TRANSFER_BYTES_MAX = 2 ** 20;

/** `iscsi://HOST[:PORT]/TARGET/LUN`; undefined when it is not that. */
export function parseIscsiUrl(url: string): Omit<IscsiAddress, 'user' | 'secret'> | undefined {
  const match = /^iscsi:\/\/(?:\[([0-9a-f:]+)\]|([^/:@]+))(?::(\d{1,5}))?\/([^/]+)\/(\d{1,5})\/?$/i.exec(url);
  const host = match?.[1] ?? match?.[2];
  if (match === null || host === undefined) return undefined;
  return { host, port: Number(match[3] ?? 3260), target: match[4] ?? '', lun: Number(match[5]) };
}

interface Area {
  readonly startBytes: number;
  readonly lengthBytes: number;
  /** Appends under way. */
  writers: number;
}

function endOf({ startBytes, lengthBytes }: Area): number {
  return startBytes + lengthBytes;
}

export class IscsiTarget implements MediaTarget {
  readonly #spec: TargetSpec;
  readonly #content: ContentRange;
  readonly #initiator: Initiator;
  readonly #pool: AlignedPool;
  readonly #areas = new Map<string, Area>();
  /** Whose objects are gone, and which nobody else may have: what was sent to them may still be written. */
  readonly #leftOver = new Set<Area>();
  #runs = 0;
  #blockBytes = 512;
  #sizeBytes = 0;
  #endBytes = 0;

  constructor(spec: TargetSpec, content: ContentRange) {
    this.#spec = spec;
    this.#content = content;
    const address = parseIscsiUrl(spec.place);
    if (address === undefined) throw new TypeError('the address has been checked');
    this.#initiator = new Initiator({ ...address, user: spec.user, secret: spec.secret });
    this.#pool = new AlignedPool(TRANSFER_BYTES_MAX + 8192, BUFFERS_BYTES_MAX);
  }

  get traits(): TargetTraits {
    const durability = {
      none: 'a write counts when the target has answered: no SYNCHRONIZE CACHE',
      end: 'a write counts when the target has answered; SYNCHRONIZE CACHE when a clip is whole',
      each: 'a write counts after SYNCHRONIZE CACHE',
    }[this.#spec.sync];
    return {
      url: this.#spec.url,
      protocol: 'iscsi, one connection, no digests',
      caches: "none on the meter's side; the target's own is not known",
      durability,
      writable: true,
      growing: true,
      verified: true,
      appendBytesMin: 1,
    };
  }

  async prepare(): Promise<void> {
    await this.#initiator.open(this.#spec.timeoutMs);
    const answer = Buffer.alloc(READ_CAPACITY_BYTES);
    const leastBytes = READ_CAPACITY_BYTES_LEAST;
    await this.#initiator.perform({ cdb: readCapacity(), into: answer, leastBytes });
    const { blocks, blockBytes } = capacityOf(answer);
    if (blockBytes < 512 || blockBytes > 8192)
      throw new OperationFailure(
        'invalid-argument',
        'block-size',
        `blocks of ${blockBytes} bytes are not known here`,
      );
    this.#blockBytes = blockBytes;
    this.#sizeBytes = blocks * blockBytes;
  }

  async put(object: MediaObject): Promise<void> {
    const recording = await this.record(object);
    await recording.append(0, object.sizeBytes);
    await recording.finish();
  }

  async read(object: MediaObject, position: number, lengthBytes: number): Promise<void> {
    const area = this.#areaOf(object);
    await this.#eachTransfer(position, lengthBytes, async (buffer, from, to) => {
      const into = buffer.subarray(0, to - from);
      const blocks = into.length / this.#blockBytes;
      await this.#initiator.perform({
        cdb: read16((area.startBytes + from) / this.#blockBytes, blocks),
        into,
      });
      const first = Math.max(from, position);
      const length = Math.min(to, position + lengthBytes) - first;
      const wrong = this.#content.mismatch(into, first - from, object.key, first, length);
      if (wrong >= 0)
        throw new OperationFailure(
          'data-corrupt',
          'content-mismatch',
          `${object.name} differs within the block at byte ${wrong}`,
        );
    });
  }

  record(object: MediaObject): Promise<Recording> {
    const area = this.#allocate(object);
    const synchronize = async (): Promise<void> => await this.#initiator.perform({ cdb: synchronizeCache() });
    let ended = false;
    const write = async (position: number, lengthBytes: number): Promise<void> => {
      area.writers++;
      try {
        await this.#eachTransfer(position, lengthBytes, async (buffer, from, to) => {
          if (ended) throw stopped();
          const bytes = buffer.subarray(0, to - from);
          // What lies in the last block behind the frame is what the next frame puts there anyway.
          this.#content.fill(bytes, 0, object.key, from, bytes.length);
          const blocks = bytes.length / this.#blockBytes;
          await this.#initiator.perform({
            cdb: write16((area.startBytes + from) / this.#blockBytes, blocks),
            from: bytes,
          });
        });
      } finally {
        area.writers--;
        this.#release(area);
      }
    };
    return Promise.resolve({
      append: async (position, lengthBytes) => {
        await write(position, lengthBytes);
        if (this.#spec.sync === 'each') await synchronize();
      },
      finish: async () => {
        if (this.#spec.sync === 'end') await synchronize();
      },
      abort: () => {
        ended = true;
        return Promise.resolve();
      },
    });
  }

  remove(object: MediaObject): Promise<void> {
    const area = this.#areas.get(object.name);
    this.#areas.delete(object.name);
    if (area !== undefined) this.#leave(area);
    return Promise.resolve();
  }

  stat(object: MediaObject): Promise<number | undefined> {
    return Promise.resolve(this.#areas.has(object.name) ? object.sizeBytes : undefined);
  }

  list(prefix: string, limit: number): Promise<number> {
    const names = [...this.#areas.keys()].filter((name) => name.startsWith(prefix));
    return Promise.resolve(Math.min(limit, names.length));
  }

  removePlace(): Promise<void> {
    return Promise.resolve();
  }

  breakOff(): void {
    this.#runs++;
    this.#initiator.breakOff();
  }

  close(): void {
    this.#initiator.close();
  }

  #areaOf(object: MediaObject): Area {
    const area = this.#areas.get(object.name);
    if (area === undefined)
      throw new OperationFailure('blob-missing', 'not-found', `${object.name} is not there`);
    return area;
  }

  #allocate(object: MediaObject): Area {
    const known = this.#areas.get(object.name);
    const lengthBytes = Math.ceil(object.sizeBytes / this.#blockBytes) * this.#blockBytes;
    if (known !== undefined && known.lengthBytes >= lengthBytes) return known;
    if (known !== undefined) this.#leave(known);
    if (this.#endBytes + lengthBytes > this.#sizeBytes)
      throw new OperationFailure(
        'device-full',
        'disk-full',
        `the logical unit is full: it has ${this.#sizeBytes} bytes`,
      );
    const area = { startBytes: this.#endBytes, lengthBytes, writers: 0 };
    this.#endBytes += lengthBytes;
    this.#areas.set(object.name, area);
    return area;
  }

  #leave(area: Area): void {
    this.#leftOver.add(area);
    this.#release(area);
  }

  /** Gives back what the last area was, once nothing is written there any more. */
  #release(area: Area): void {
    if (area.writers > 0 || !this.#leftOver.delete(area) || endOf(area) < this.#endBytes) return;
    this.#endBytes = 0;
    for (const one of [...this.#areas.values(), ...this.#leftOver])
      this.#endBytes = Math.max(this.#endBytes, endOf(one));
  }

  /** Runs `move` for pieces of whole blocks that together cover the range, one after the other. */
  async #eachTransfer(
    position: number,
    lengthBytes: number,
    move: (buffer: Buffer, from: number, to: number) => Promise<void>,
  ): Promise<void> {
    const block = this.#blockBytes;
    const start = position - (position % block);
    const end = Math.ceil((position + lengthBytes) / block) * block;
    const run = this.#runs;
    const buffer = await this.#pool.take();
    try {
      for (let at = start; at < end; at += TRANSFER_BYTES_MAX) {
        if (run !== this.#runs) throw stopped();
        await move(buffer, at, Math.min(end, at + TRANSFER_BYTES_MAX));
      }
    } finally {
      this.#pool.give(buffer);
    }
  }
}
