/** The commands of a disk that the meter uses (SBC-4): capacity, read, write, synchronize. */

function cdb16(operation: number, address: number, blocks: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes[0] = operation;
  bytes.writeBigUInt64BE(BigInt(address), 2);
  bytes.writeUInt32BE(blocks, 10);
  return bytes;
}

export const READ_CAPACITY_BYTES = 32;
/** Of the answer, what `capacityOf` looks at. */
export const READ_CAPACITY_BYTES_LEAST = 12;

/** READ CAPACITY (16): SERVICE ACTION IN with action 0x10. */
export function readCapacity(): Buffer {
  const bytes = Buffer.alloc(16);
  bytes[0] = 0x9e;
  bytes[1] = 0x10;
  bytes.writeUInt32BE(READ_CAPACITY_BYTES, 10);
  return bytes;
}

export function capacityOf(answer: Buffer): { readonly blocks: number; readonly blockBytes: number } {
  return { blocks: Number(answer.readBigUInt64BE(0)) + 1, blockBytes: answer.readUInt32BE(8) };
}

export function read16(address: number, blocks: number): Buffer {
  return cdb16(0x88, address, blocks);
}

export function write16(address: number, blocks: number): Buffer {
  return cdb16(0x8a, address, blocks);
}

/** SYNCHRONIZE CACHE (10) of the whole unit. */
export function synchronizeCache(): Buffer {
  const bytes = Buffer.alloc(16);
  bytes[0] = 0x35;
  return bytes;
}
