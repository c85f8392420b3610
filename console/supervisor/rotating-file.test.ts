import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { LOGS_KEPT, RotatingFile } from './rotating-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-log-'));
after(() => rmSync(folder, { recursive: true }));

describe('a log file', () => {
  test('is set aside when it is full, and only the youngest are kept', () => {
    const path = join(folder, 'a.log');
    const log = new RotatingFile(path, 10);
    for (let line = 0; line < 9; line++) log.write(`line ${line}\n`);
    log.close();
    assert.equal(readFileSync(path, 'utf8'), 'line 8\n');
    assert.equal(readFileSync(`${path}.1`, 'utf8'), 'line 7\n');
    assert.equal(readFileSync(`${path}.${LOGS_KEPT}`, 'utf8'), 'line 5\n');
    assert.equal(readdirSync(folder).filter((name) => name.startsWith('a.')).length, LOGS_KEPT + 1);
  });

  test('goes on where the last run stopped', () => {
    const path = join(folder, 'b.log');
    for (const line of ['one\n', 'two\n']) {
      const log = new RotatingFile(path);
      log.write(line);
      log.close();
    }
    assert.equal(readFileSync(path, 'utf8'), 'one\ntwo\n');
  });

  test('that cannot be written stops nobody', () => {
    const log = new RotatingFile(join(folder, 'c.log'));
    log.close();
    log.write('after the end\n');
  });
});
