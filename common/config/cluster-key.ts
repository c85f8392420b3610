/** The secret that the processes of a cluster prove to each other: 32 bytes, in a file as 64 hexadecimal digits. */
import { readFile } from 'node:fs/promises';
import { HoldfastError } from '#common/errors.ts';

const CLUSTER_KEY = /^[0-9a-f]{64}$/;

export async function readClusterKey(path: string): Promise<Buffer> {
  const text = (await readFile(path, 'utf8')).trim();
  if (!CLUSTER_KEY.test(text))
    throw new HoldfastError('configuration-invalid', `${path} holds no cluster key`);
  return Buffer.from(text, 'hex');
}
