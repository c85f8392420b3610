/** Small files that are read and replaced as a whole. */
import { dirname } from 'node:path';
import { HoldfastError } from '#common/errors.ts';
import type { Files } from './files.ts';

/**
 * Replaces `path` so that a crash at any moment leaves the old file or the new one, and never loses the new one once
 * this has returned: the bytes must be durable before the name points at them, and the name before anyone is told.
 * One writer at a time.
 */
export async function replaceFile(files: Files, path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.new`;
  // Left by a crash; nobody refers to it.
  if (await files.exists(temporary)) await files.unlink(temporary);
  const file = await files.open(temporary, 'create');
  try {
    await file.write([bytes], 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await files.rename(temporary, path);
  await files.syncDirectory(dirname(path));
}

/** Throws `format-invalid` when the file is longer than `bytesMax`, before reading it. */
export async function readWholeFile(files: Files, path: string, bytesMax: number): Promise<Buffer> {
  const file = await files.open(path, 'read');
  try {
    const length = await file.size();
    if (length > bytesMax) throw new HoldfastError('format-invalid', `${path} has ${length} bytes`);
    const bytes = Buffer.alloc(length);
    const read = await file.read(bytes, 0, length, 0);
    return bytes.subarray(0, read);
  } finally {
    await file.close();
  }
}
