/** Small files that only their owner may read. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Replaces the file so that a crash leaves the old one or the new one, with mode 0600 from its first byte on: the bytes are
 * durable before the name points at them, and the name before the call returns.
 */
export function replacePrivateFile(path: string, text: string): void {
  const temporary = `${path}.new`;
  rmSync(temporary, { force: true });
  withDescriptor(temporary, 'wx', (descriptor) => {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  });
  renameSync(temporary, path);
  withDescriptor(dirname(path), 'r', fsyncSync);
}

function withDescriptor(path: string, flags: string, use: (descriptor: number) => void): void {
  const descriptor = openSync(path, flags, 0o600);
  try {
    use(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
