import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { exitCodes } from '#common/command-line.ts';
import { integerOption, parseArguments, textOption, UsageError } from './arguments.ts';
import type { ParsedCommand } from './command.ts';
import { sizeText } from './size-text.ts';

const command: ParsedCommand = {
  name: 'up',
  synopsis: '[WORD]',
  summary: '',
  about: '',
  options: { data: { value: 'DIR', about: '' }, devices: { value: 'N', about: '' }, json: { about: '' } },
  words: [0, 1],
  run: () => Promise.resolve(exitCodes.ok),
};

describe('a command line', () => {
  test('gives options in both forms, and words', () => {
    const args = parseArguments(command, ['--data=x', '--devices', '4', 'word', '--json']);
    assert.equal(textOption(args, 'data'), 'x');
    assert.equal(integerOption(args, 'devices', 1, 9), 4);
    assert.equal(integerOption(args, 'zones', 1, 9), undefined);
    assert.deepEqual(args.words, ['word']);
    assert.equal(args.options['json'], true);
    assert.equal(parseArguments(command, ['-h']).options['help'], true);
  });

  const wrong: [string[], RegExp][] = [
    [['--datta', 'x'], /^unknown option --datta; did you mean --data\?$/],
    [['-x'], /^unknown option -x$/],
    [['--data'], /^--data needs a value$/],
    [['--data', '--json'], /^--data needs a value$/],
    [['--json=yes'], /^--json takes no value$/],
    [['--json', '--json'], /^--json is given twice$/],
    [['a', 'b'], /^there is no place for "b"$/],
    [['--__proto__', 'x'], /^unknown option --__proto__/],
  ];
  for (const [args, message] of wrong) {
    test(`\`${args.join(' ')}\` is refused in one sentence`, () => {
      assert.throws(
        () => parseArguments(command, args),
        (error) => error instanceof UsageError && message.test(error.message),
      );
    });
  }

  test('that asks for a number gets one in its range', () => {
    for (const text of ['x', '0', '10', '1.5', '1e3', '0x4'])
      assert.throws(
        () => integerOption(parseArguments(command, [`--devices=${text}`]), 'devices', 1, 9),
        /from 1 to 9/,
      );
  });
});

describe('sizes', () => {
  test('show three digits that matter', () => {
    const shown = [0, 999, 1000, 65_536, 1.25 * 2 ** 30, 252 * 2 ** 30, 5e15].map(sizeText);
    assert.deepEqual(shown, ['0 B', '999 B', '0.98 KiB', '64.0 KiB', '1.25 GiB', '252 GiB', '4.44 PiB']);
  });
});
