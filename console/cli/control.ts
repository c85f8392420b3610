/** `holdfast control`: the control store of a cluster that stands still. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { exitCodes } from '#common/command-line.ts';
import { ETCD_PREFIX_DEFAULT, type EtcdConfig } from '#common/config/etcd-config.ts';
import { errorText, hasCode } from '#common/errors.ts';
import { dataPaths } from '../supervisor/data-paths.ts';
import { textOption, UsageError } from './arguments.ts';
import type { ParsedArguments, ParsedCommand } from './command.ts';
import type { Backend } from './control-migrate.ts';

const backends: readonly Backend[] = ['level', 'etcd'];

export const controlCommand: ParsedCommand = {
  name: 'control',
  synopsis: 'migrate --from BACKEND --to BACKEND --endpoints HOST:PORT,…   [--data DIR]',
  summary: 'moves what the cluster knows of users and resources to another store',
  about: `
The control store is in files of one machine (level), or in etcd. A migration copies one to the other, while the cluster is
stopped, and checks what it has copied. It may be interrupted at any time and run again. The store that is copied from stays
as it is; the cluster uses the other one when its configuration says so (control.etcd).

  holdfast control migrate --from level --to etcd --endpoints 10.0.0.1:2379,10.0.0.2:2379,10.0.0.3:2379
`,
  options: {
    from: { value: 'level|etcd', about: 'the store that is copied' },
    to: {
      value: 'level|etcd',
      about: 'the store that becomes its copy; it must be empty, or of an interrupted migration',
    },
    endpoints: { value: 'HOST:PORT,…', about: "etcd's members; https://HOST:PORT for TLS" },
    prefix: { value: 'TEXT', about: `what stands before every key in etcd (default ${ETCD_PREFIX_DEFAULT})` },
    ca: { value: 'FILE', about: "who signed etcd's certificates, PEM" },
    cert: { value: 'FILE', about: 'the certificate that is shown to etcd, PEM' },
    key: { value: 'FILE', about: 'its private key, PEM' },
    user: { value: 'NAME', about: 'a user of etcd' },
    'password-file': { value: 'FILE', about: 'a file with its password' },
    data: { value: 'DIR', about: 'the folder that holds the cluster (default ./data)' },
  },
  words: [1, 1],
  async run(args, io) {
    if (args.words[0] !== 'migrate') throw new UsageError(`there is no "${args.words[0]}"; there is migrate`);
    const from = backendOf(args, 'from');
    const to = backendOf(args, 'to');
    if (from === to) throw new UsageError('--from and --to are two stores');
    const path = dataPaths(resolve(textOption(args, 'data') ?? './data')).controlStore;
    const etcd = etcdOf(args);
    if (from === 'level' && !existsSync(path)) {
      io.err.write(`holdfast control: there is no control store in ${path}\n`);
      return exitCodes.refused;
    }
    try {
      const { migrate } = await import('./control-migrate.ts');
      return await migrate({ from, to, path, etcd }, io);
    } catch (error) {
      if (io.signal.aborted) {
        io.err.write('holdfast control: interrupted; run it again to finish\n');
        return exitCodes.failed;
      }
      io.err.write(`holdfast control: ${errorText(error)}\n`);
      const isRefused = (['data-in-use', 'condition-failed', 'configuration-invalid'] as const).some((code) =>
        hasCode(error, code),
      );
      return isRefused ? exitCodes.refused : exitCodes.failed;
    }
  },
};

function backendOf(args: ParsedArguments, option: 'from' | 'to'): Backend {
  const given = textOption(args, option);
  const backend = backends.find((one) => one === given);
  if (backend === undefined) throw new UsageError(`--${option} is level or etcd`);
  return backend;
}

function etcdOf(args: ParsedArguments): EtcdConfig {
  const endpoints = textOption(args, 'endpoints')?.split(',') ?? [];
  if (endpoints.length === 0) throw new UsageError("--endpoints names etcd's members");
  return {
    endpoints,
    prefix: textOption(args, 'prefix') ?? ETCD_PREFIX_DEFAULT,
    authorityFile: textOption(args, 'ca'),
    certificateFile: textOption(args, 'cert'),
    privateKeyFile: textOption(args, 'key'),
    user: textOption(args, 'user'),
    passwordFile: textOption(args, 'password-file'),
  };
}
