import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import type { CommandIo } from '#common/command-line.ts';
import { completion } from './completion.ts';
import { commands } from './commands.ts';
import { runProgram } from './program.ts';

async function run(...args: string[]) {
  let out = '';
  let err = '';
  const io: CommandIo = {
    out: { write: (text) => (out += text) },
    err: { write: (text) => (err += text) },
    env: {},
    signal: new AbortController().signal,
  };
  return { code: await runProgram(args, io), out, err };
}

describe('holdfast', () => {
  test('tells its commands, its exit codes and how to begin', async () => {
    const { code, out } = await run('--help');
    assert.equal(code, 0);
    for (const { name } of commands) assert.match(out, new RegExp(`^  ${name} +\\w`, 'm'));
    assert.match(out, /Exit codes/);
    assert.equal((await run()).code, 2);
  });

  for (const { name } of commands) {
    test(`${name} --help tells how it is used`, async () => {
      const { code, out, err } = await run(name, '--help');
      assert.equal(code, 0, err);
      assert.match(out, new RegExp(`usage: holdfast ${name}`, 'i'));
    });
  }

  test('answers a wrong command line in one line, with 2', async () => {
    const cases = [
      ['upp', /no command upp; did you mean up\?/],
      ['--frobnicate', /unknown option --frobnicate/],
      ['up --devices many', /holdfast up: --devices takes a whole number from 1 to 256, not "many"/],
      ['up extra', /no place for "extra"/],
      ['serve nothing --config x', /no role nothing; there are node, storage, proxy/],
      ['serve storage', /--config FILE is missing/],
      ['user', /expected user list/],
      ['completion tcsh', /no completion for tcsh/],
    ] as const;
    for (const [line, message] of cases) {
      const { code, err } = await run(...line.split(' '));
      assert.equal(code, 2, line);
      assert.match(err, message);
      assert.equal(err.trimEnd().split('\n').length, 1, err);
    }
  });

  test('names a configuration that is not there, with 3', async () => {
    const { code, err } = await run('up', '--config', '/nonexistent.yaml');
    assert.equal(code, 3);
    assert.match(err, /nonexistent\.yaml: ENOENT/);
  });

  test('says that nothing runs, with 4', async () => {
    const { code, err } = await run('status', '--data', '/nonexistent');
    assert.equal(code, 4);
    assert.match(err, /no cluster in \/nonexistent/);
  });
});

describe('completion', () => {
  test('for bash completes commands, their options and folders', () => {
    const script = `${completion('bash', commands)}
COMP_WORDS=(holdfast st); COMP_CWORD=1; _holdfast; echo "\${COMPREPLY[@]}"
COMP_WORDS=(holdfast up --p); COMP_CWORD=2; _holdfast; echo "\${COMPREPLY[@]}"
COMP_WORDS=(holdfast ring re); COMP_CWORD=2; _holdfast; echo "\${COMPREPLY[@]}"
COMP_WORDS=(holdfast up --data /et); COMP_CWORD=3; _holdfast; echo "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
    assert.equal(stderr, '');
    assert.deepEqual(stdout.trim().split('\n'), [
      'status',
      '--port-offset',
      'remove rebalance revert',
      '/etc',
    ]);
  });

  test('for zsh and fish names every command', () => {
    for (const { name } of commands) {
      assert.match(completion('zsh', commands), new RegExp(`\\b${name}\\)`));
      assert.match(completion('fish', commands), new RegExp(`-a ${name} -d`));
    }
  });
});
