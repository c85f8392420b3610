/** `holdfast test`: installs what the tests need, runs them all, and closes with a line that scripts read. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Command, type CommandIo, exitCodes } from '#common/command-line.ts';
import { errorText } from '#common/errors.ts';
import { capture, installPackages, missingPackages, readPackageList } from './debian-packages.ts';
import { type Check, checks, filesOf, type Group, groups } from './groups.ts';
import { runFiles } from './run-files.ts';
import { runTogether } from './run-together.ts';
import { Tally } from './tally.ts';

const HELP = `usage: holdfast test [FILE …] [--group NAME …] [--name PATTERN] [--check]

Runs every test of a clone: format, lint and types, the unit tests, whole clusters, the simulator, the house, and real
clients. What they drive comes from Debian: as root it is installed, otherwise it is named and the run stops.

  FILE            only these test files (paths, or parts of them)
  --group NAME    only this group: checks, ${groups.map(({ name }) => name).join(', ')}; may be repeated
  --name PATTERN  only tests whose names match the regular expression
  --check         format, lint, types, unit and tidy: what to run before a commit

The last line is "N passed, N failed, N skipped". Exit codes: 0 all passed, 1 some failed or none ran, 2 usage,
3 packages are missing.
`;

interface Wanted {
  readonly checks: boolean;
  readonly groups: readonly Group[];
  readonly files: readonly string[];
  readonly namePattern: RegExp | undefined;
}

export const testCommand: Command = async (args, io) => {
  let wanted: Wanted | 'help';
  try {
    wanted = parse(args);
  } catch (error) {
    io.err.write(`holdfast test: ${errorText(error)}; --help tells more\n`);
    return exitCodes.usage;
  }
  if (wanted === 'help') {
    io.out.write(HELP);
    return exitCodes.ok;
  }
  const root = fileURLToPath(new URL('../../', import.meta.url));
  if (!existsSync(join(root, 'test', 'packages.txt'))) {
    io.err.write('holdfast test: the tests are in a clone of the repository, not in the package\n');
    return exitCodes.refused;
  }
  if (wanted.groups.some(({ needsPackages }) => needsPackages) && !(await providePackages(root, io))) {
    return exitCodes.refused;
  }
  return runAll(root, wanted, io);
};

function parse(args: readonly string[]): Wanted | 'help' {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      group: { type: 'string', multiple: true },
      name: { type: 'string' },
      check: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) return 'help';
  const names = values.check === true ? ['checks', 'tidy', 'unit'] : values.group;
  const known = new Set(['checks', ...groups.map(({ name }) => name)]);
  const unknown = names?.find((name) => !known.has(name));
  if (unknown !== undefined) throw new Error(`there is no group "${unknown}"`);
  const narrowed = positionals.length > 0 || values.name !== undefined;
  return {
    checks: names === undefined ? !narrowed : names.includes('checks'),
    groups: groups.filter(({ name }) => names === undefined || names.includes(name)),
    files: positionals,
    namePattern: values.name === undefined ? undefined : new RegExp(values.name),
  };
}

async function providePackages(root: string, io: CommandIo): Promise<boolean> {
  const missing = await missingPackages(await readPackageList(join(root, 'test', 'packages.txt')));
  if (missing.length === 0) return true;
  if (process.getuid?.() !== 0) {
    io.err.write(
      `holdfast test: install these Debian packages first:\n  apt-get install ${missing.join(' ')}\n`,
    );
    return false;
  }
  io.out.write(`installing ${missing.join(' ')}\n`);
  const trouble = await installPackages(missing);
  if (trouble === undefined) return true;
  io.err.write(`holdfast test: apt-get failed:\n${trouble}\n`);
  return false;
}

async function runAll(root: string, wanted: Wanted, io: CommandIo): Promise<number> {
  const tally = new Tally();
  if (wanted.checks) await Promise.all(checks.map((check) => runCheck(root, check, tally, io)));
  for (const group of wanted.groups) {
    if (io.signal.aborted) break;
    const all = await filesOf(root, group);
    const files =
      wanted.files.length === 0
        ? all
        : all.filter((file) => wanted.files.some((part) => file.includes(part)));
    if (files.length === 0) continue;
    const { namePattern } = wanted;
    const run = { root, group: group.name, files, concurrency: group.concurrency };
    // What a pattern is matched with includes the suite that a file is when it shares its process.
    if (namePattern !== undefined) await runFiles({ ...run, namePattern }, tally, io);
    else if (group.together === true) await runTogether(run, tally, io);
    else await runFiles(run, tally, io);
  }
  for (const { file, name, text } of tally.failures) io.out.write(`\nfailed: ${file}: ${name}\n${text}\n`);
  if (io.signal.aborted) io.out.write('\nstopped before the end\n');
  io.out.write(`\n${tally.line()}\n`);
  return tally.failed > 0 || tally.total === 0 || io.signal.aborted ? exitCodes.failed : exitCodes.ok;
}

async function runCheck(root: string, check: Check, tally: Tally, io: CommandIo): Promise<void> {
  const startedMs = performance.now();
  const { code, stdout, stderr } = await capture(
    join(root, 'node_modules', '.bin', check.command),
    check.args,
    root,
  );
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  if (code === 0) tally.passed += 1;
  else tally.failures.push({ file: 'checks', name: check.name, text: stdout + stderr });
  io.out.write(`${check.name}: ${code === 0 ? 'passed' : 'failed'}, ${seconds} s\n`);
}
