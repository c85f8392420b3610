/** The Debian packages that the tests drive: which are missing, and how they come. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';

const ENVIRONMENT = { DEBIAN_FRONTEND: 'noninteractive' };

export async function readPackageList(path: string): Promise<string[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').map((line) => line.replace(/#.*/, '').trim());
  return lines.filter((line) => line !== '');
}

/** Those of `wanted` that dpkg does not know as installed; all of them where there is no dpkg. */
export async function missingPackages(wanted: readonly string[]): Promise<string[]> {
  const { stdout } = await capture('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\n', ...wanted]);
  const installed = new Set(
    stdout
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  );
  return wanted.filter((name) => !installed.has(name));
}

/** Installs by apt-get; resolves to what it said when it failed, undefined when all is there. */
export async function installPackages(names: readonly string[]): Promise<string | undefined> {
  const update = await capture('apt-get', ['update', '-q']);
  if (update.code !== 0) return update.stdout + update.stderr;
  const install = await capture('apt-get', ['install', '-q', '-y', '--no-install-recommends', ...names]);
  return install.code === 0 ? undefined : install.stdout + install.stderr;
}

interface Captured {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs to the end; a program that cannot be started is one that failed and said why. */
export function capture(command: string, args: readonly string[], cwd?: string): Promise<Captured> {
  return new Promise((resolve) => {
    const env = { ...process.env, ...ENVIRONMENT };
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
      ...(cwd === undefined ? {} : { cwd }),
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.once('error', (error) => resolve({ code: null, stdout, stderr: stderr + error.message }));
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}
