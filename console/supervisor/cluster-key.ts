/** Makes the secret of a cluster, and derives from it what the control API asks for. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readClusterKey } from '#common/config/cluster-key.ts';
import type { Randomness } from '#common/io/randomness.ts';
import { replacePrivateFile } from './private-file.ts';

const KEY_BYTES = 32;

/** Makes the key when there is none. */
export async function ensureClusterKey(path: string, randomness: Randomness): Promise<Buffer> {
  if (!existsSync(path)) replacePrivateFile(path, `${randomness.bytes(KEY_BYTES).toString('hex')}\n`);
  return await readClusterKey(path);
}

/** Derived one way, so that a client of the control API that shows it gives no member's place away. */
export function controlToken(clusterKey: Buffer): string {
  return createHmac('sha256', clusterKey).update('holdfast control API v1').digest('hex');
}

/** Takes as long for any wrong token: hashes of equal length are compared. */
export function isToken(given: string, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}
