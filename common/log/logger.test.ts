import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HoldfastError } from '#common/errors.ts';
import { createLogger, LINE_CHARACTERS_MAX, type LoggerOptions } from './logger.ts';

function capture(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = [];
  const logger = createLogger({
    level: 'info',
    form: 'json',
    nowMs: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6),
    sink: { write: (line) => lines.push(line) },
    ...options,
  });
  return { logger, lines };
}

describe('the log', () => {
  test('writes one JSON object a line, with time, level, message and fields', () => {
    const { logger, lines } = capture();
    logger.info('device taken out', { device: 3 });
    assert.equal(lines.length, 1);
    assert.ok(lines[0]?.endsWith('}\n'));
    assert.deepEqual(JSON.parse(lines[0] ?? ''), {
      time: '2026-01-02T03:04:05.006Z',
      level: 'info',
      message: 'device taken out',
      device: 3,
    });
  });

  test('leaves out what is below its level', () => {
    const { logger, lines } = capture({ level: 'warn' });
    logger.debug('a');
    logger.info('b');
    logger.warn('c');
    logger.error('d');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).message),
      ['c', 'd'],
    );
  });

  test('gives a child the fields of its parent, and no field can take the place of the message', () => {
    const { logger, lines } = capture();
    logger.child({ process: 'storage-1' }).child({ message: 'forged' }).info('real', { device: 1 });
    const line = JSON.parse(lines[0] ?? '');
    assert.equal(line.message, 'real');
    assert.equal(line.process, 'storage-1');
    assert.equal(line.device, 1);
  });

  test('tells an error by message, code and cause', () => {
    const { logger, lines } = capture();
    const error = new HoldfastError('device-failed', 'disk gone', { cause: new Error('EIO') });
    logger.error('write failed', { error });
    const line = JSON.parse(lines[0] ?? '');
    assert.equal(line.error.error, 'disk gone');
    assert.equal(line.error.code, 'device-failed');
    assert.equal(line.error.cause.error, 'EIO');
  });

  test('survives a value that JSON cannot hold, and cuts one that is too long', () => {
    const { logger, lines } = capture();
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    logger.info('cyclic', { cycle });
    logger.info('long', { value: 'x'.repeat(LINE_CHARACTERS_MAX) });
    logger.info('big number', { value: 12n });
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).cut),
      [true, true, undefined],
    );
  });

  test('on a terminal writes words, and a message never breaks the line', () => {
    const { logger, lines } = capture({ form: 'pretty' });
    logger.warn('first\nsecond', { device: 3, path: '/srv/d1', why: 'no space', error: new Error('EIO') });
    assert.deepEqual(lines, [
      '03:04:05.006 warn  first\\nsecond device=3 path=/srv/d1 why="no space" error="EIO"\n',
    ]);
  });
});
