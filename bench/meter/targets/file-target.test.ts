/** What is under way in files while others open, give up, break off and close. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { open as openFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ContentRange } from './content-range.ts';
import { FileTarget } from './file-target.ts';
import type { MediaObject } from './target.ts';
import { targetSpecOf } from './target-spec.ts';

class Edit implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'holdfast-meter-'));
  readonly target: FileTarget;

  constructor(direct: string) {
    const spec = targetSpecOf({ target: this.#folder, name: 'edit', direct, 'io-size': '4k' }, {});
    this.target = new FileTarget(spec, new ContentRange('a test'));
  }

  path(name: string): string {
    return join(this.#folder, 'edit', name);
  }

  /** Names of the files in it that this process has open. */
  openNames(): string[] {
    return readdirSync('/proc/self/fd').flatMap((number) => {
      try {
        const path = readlinkSync(`/proc/self/fd/${number}`);
        return path.startsWith(this.#folder) ? [path.slice(this.path('/').length)] : [];
      } catch {
        // That of the listing itself is closed by now.
        return [];
      }
    });
  }

  [Symbol.dispose](): void {
    this.target.close();
    rmSync(this.#folder, { recursive: true });
  }
}

function object(name: string, index: number, sizeBytes: number): MediaObject {
  return { name, key: { family: 7, index }, sizeBytes };
}

describe('a target of files', () => {
  test('lets the thread go on while a file is being opened', async () => {
    using edit = new Edit('off');
    await edit.target.prepare();
    // A pipe is open when its other end is, and not before.
    const pipe = edit.path('pipe');
    assert.equal(spawnSync('mkfifo', [pipe]).status, 0);
    const read = edit.target.read(object('pipe', 1, 10), 0, 10);
    const written = await openFile(pipe, 'w');
    await assert.rejects(read, { kind: 'file ESPIPE' });
    await written.close();
    edit.target.close();
    const recording = edit.target.record(object('pipe', 1, 10));
    const readable = await openFile(pipe, 'r');
    await (await recording).abort();
    await readable.close();
  });

  for (const direct of ['auto', 'off']) {
    test(`closes a recording that is given up behind its last write, with O_DIRECT ${direct}`, async () => {
      using edit = new Edit(direct);
      const { target } = edit;
      await target.prepare();
      const take = object('take-1', 1, 4 * 2 ** 20);
      const recording = await target.record(take);
      const append = recording.append(0, take.sizeBytes);
      const failed = assert.rejects(append, { kind: 'aborted' });
      await recording.abort();
      const next = object('take-2', 2, 100_000);
      await target.put(next);
      await failed;
      await target.read(next, 0, next.sizeBytes);
      assert.deepEqual(
        edit.openNames().filter((name) => name !== next.name),
        [],
      );
      await assert.rejects(recording.append(0, 10), { kind: 'aborted' });
    });

    test(`gives up what is under way when a run is broken off, with O_DIRECT ${direct}`, async () => {
      using edit = new Edit(direct);
      const { target } = edit;
      await target.prepare();
      const clip = object('clip-1', 1, 4 * 2 ** 20);
      await target.put(clip);
      const recording = await target.record(object('take-1', 2, clip.sizeBytes));
      const read = target.read(clip, 0, clip.sizeBytes);
      const append = recording.append(0, clip.sizeBytes);
      target.breakOff();
      await Promise.all([read, append].map((one) => assert.rejects(one, { kind: 'aborted' })));
      await recording.abort();
      await target.read(clip, 0, clip.sizeBytes);
      target.close();
    });
  }

  test('forgets a file that is removed while it is read, and closes it behind its last reader', async () => {
    using edit = new Edit('off');
    const { target } = edit;
    await target.prepare();
    const clip = object('clip-1', 1, 4 * 2 ** 20);
    await target.put(clip);
    const read = target.read(clip, 0, clip.sizeBytes);
    await target.read(clip, 0, 10);
    await target.remove(clip);
    const other = object('clip-1', 2, 20_000);
    await target.put(other);
    await target.read(other, 0, other.sizeBytes);
    await read;
    while (edit.openNames().includes('clip-1 (deleted)'))
      await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(edit.openNames(), ['clip-1']);
  });

  test('makes the folder of a sequence with its first frame, and opens anew what was not there', async () => {
    using edit = new Edit('auto');
    const { target } = edit;
    await target.prepare();
    const frame = object('clip-1/0000001', 1, 5000);
    await assert.rejects(target.read(frame, 0, 10), { kind: 'not-found' });
    await target.put(frame);
    await target.read(frame, 0, frame.sizeBytes);
    mkdirSync(edit.path('folder'));
    await assert.rejects(target.put(object('folder', 2, 10)), { kind: 'file EISDIR' });
  });
});
