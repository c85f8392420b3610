/** `holdfast meter classic`: the Media Storage Meter of 2011 with its parameters and tables. */
import { type Command, type CommandIo, exitCodes } from '#common/command-line.ts';
import { errorText, hasCode } from '#common/errors.ts';
import { bytes, count, duration, given, list, parseOptions, wrong } from '../../load/option-values.ts';
import { classicForms, classicText, classicVerdict } from '../report/classic-tables.ts';
import { newDocument, stopDocument } from '../report/meter-document.ts';
import { OUTPUT_OPTIONS, OUTPUT_USAGE, tryOutputs, writeOutputs } from '../report/outputs.ts';
import { ContentRange } from '../targets/content-range.ts';
import type { TargetTraits } from '../targets/target.ts';
import { targetSpecOf } from '../targets/target-spec.ts';
import { type Access, accessModes, BLOCK_SIZES } from './access.ts';
import type { ClassicDocument } from './classic-document.ts';
import { type AccessTimes, ClassicFiles, requireFolder } from './classic-files.ts';
import { runClassic } from './classic-run.ts';

const CLASSIC_USAGE = `Usage: holdfast meter classic --target FOLDER [options]

BBC R&D's Media Storage Meter (EBU Tech 3362): accesses one after the other, each to a random file, of random length and
block size, reading or writing, in sequence or at random; tables by mode and block size. Its own letters are in brackets.

  --target FOLDER         where the files test000, test001 … are, or will be (-p)
  --files N               0 to 1000; default those that are there (-n)
  --create SIZE           makes them first, each so large, such as 100m (-c); makes ten where --files is not given
  --write PERCENT         of the accesses write; default 10 (-w)
  --random PERCENT        of the accesses jump from block to block; default 50 (-r)
  --length SIZE           most bytes of an access; default 1m (-l)
  --blocks LIST           block sizes: 1k to 1m, or MSMeter's numbers 1 to 11; default 1k,2k,4k,8k,16k,32k,64k (-bs)
  --delay TIME            most between two accesses; default 0ms (-d)
  --direct on|off         O_DIRECT; default off (-dio)
  --sync each|none        fsync of each block written; default each
  --duration TIME         default 30s
  --window TIME           of the short-window rates; default 40ms, a frame's
  --seed TEXT             of contents and choices: the same to use the same files again; default classic
  --verbose               a line for every access (-v)
  --remove                removes the files at the end
${OUTPUT_USAGE}`;

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const OPTIONS = {
  ...OUTPUT_OPTIONS,
  target: text,
  files: text,
  create: text,
  write: text,
  random: text,
  length: text,
  blocks: text,
  delay: text,
  direct: text,
  sync: text,
  duration: text,
  window: text,
  seed: text,
  verbose: flag,
  remove: flag,
  help: { type: 'boolean', short: 'h' },
} as const;

/** MSMeter's own bounds. */
const FILES_MAX = 1000;
const CREATE_BYTES_MAX = 40 * 2 ** 30;
const LENGTH_BYTES_MAX = 2 ** 31 - 1024;
const DELAY_MS_MAX = 10_000;
const DIRECT_ALIGNMENT_BYTES = 512;
const METER_SHARE_MAX = 0.5;

function blockSize(value: string): number {
  const number = Number(value);
  const found = Number.isInteger(number) ? BLOCK_SIZES[number - 1] : bytes('blocks', value);
  if (found === undefined || !BLOCK_SIZES.includes(found))
    throw wrong(`--blocks takes sizes from 1k to 1m, each twice the one before, not ${value}`);
  return found;
}

function oneOf(name: string, value: string, allowed: readonly string[]): string {
  if (!allowed.includes(value)) throw wrong(`--${name} takes ${allowed.join(' or ')}, not ${value}`);
  return value;
}

function traitsOf(folder: string, direct: boolean, sync: boolean): TargetTraits {
  return {
    url: `file:${folder}`,
    protocol: direct ? 'file, O_DIRECT' : 'file',
    caches: direct
      ? "past this machine's page cache; the server's or device's own cache is not known"
      : "through this machine's page cache: reads may come from memory",
    durability: sync ? 'each block written is synced' : 'no fsync',
    writable: true,
    growing: false,
    verified: true,
    appendBytesMin: 1,
  };
}

/** What `holdfast meter classic …args` asks for. Throws `invalid-argument` with one clear line. */
export function classicWishOf(args: readonly string[], env: CommandIo['env']) {
  const values = parseOptions(args, OPTIONS);
  if (values.help === true) return 'help';
  const spec = targetSpecOf({ target: values.target, seed: values.seed ?? 'classic' }, env);
  if (spec.scheme !== 'file')
    throw wrong('classic measures folders: for servers there are streams, search and ops');
  const createBytes = given(values.create, (value) => bytes('create', value));
  if (createBytes !== undefined && (createBytes < 2048 || createBytes > CREATE_BYTES_MAX))
    throw wrong('--create takes 2k to 40g');
  const lengthBytesMax = bytes('length', values.length ?? '1m');
  if (lengthBytesMax < 2048 || lengthBytesMax > LENGTH_BYTES_MAX) throw wrong('--length takes 2k to 2g');
  const delayMsMax = duration('delay', values.delay ?? '0ms', 0);
  if (delayMsMax > DELAY_MS_MAX) throw wrong('--delay takes 10s at most');
  tryOutputs(values);
  return {
    folder: spec.place,
    seed: spec.seed,
    files: given(values.files, (value) => count('files', value, 0, FILES_MAX)) ?? 0,
    createBytes,
    writeShare: count('write', values.write ?? '10', 0, 100),
    randomShare: count('random', values.random ?? '50', 0, 100),
    lengthBytesMax,
    blockSizes: list('blocks', values.blocks ?? '1k,2k,4k,8k,16k,32k,64k', blockSize).toSorted(
      (a, b) => a - b,
    ),
    delayMsMax,
    direct: oneOf('direct', values.direct ?? 'off', ['on', 'off']) === 'on',
    sync: oneOf('sync', values.sync ?? 'each', ['each', 'none']) === 'each',
    durationMs: duration('duration', values.duration ?? '30s', 100),
    windowMs: duration('window', values.window ?? '40ms', 1),
    verbose: values.verbose === true,
    remove: values.remove === true,
    outputs: values,
  };
}

export type ClassicSettings = Exclude<ReturnType<typeof classicWishOf>, 'help'>;

/** MSMeter's verbose line: file, mode by its number, length and block in KiB, rate, latency in ms. */
function verboseLine({ file, mode, lengthBytes, blockBytes, positions }: Access, times: AccessTimes): string {
  const blocksMs = times.blocksMs.reduce((sum, one) => sum + one, 0) + times.closeMs;
  const rate = (positions.length * blockBytes) / 2 ** 20 / (blocksMs / 1000);
  const name = `test${String(file).padStart(3, '0')}`;
  const sizes = `${Math.floor(lengthBytes / 1024)},${blockBytes / 1024}`;
  return `${name},${accessModes.indexOf(mode)},${sizes},${rate.toFixed(6)},${times.latencyMs.toFixed(6)}\n`;
}

/** Resolves to the number of files. */
async function makeFiles(settings: ClassicSettings, files: ClassicFiles, io: CommandIo): Promise<number> {
  const { createBytes } = settings;
  if (createBytes === undefined) {
    const there = files.count();
    if (there === 0) throw wrong(`no files test000 … in ${settings.folder}: make them by --create SIZE`);
    if (settings.files > there) throw wrong(`there are ${there} files, not ${settings.files}`);
    return settings.files === 0 ? there : settings.files;
  }
  const wanted = settings.files === 0 ? 10 : settings.files;
  for (let file = 0; file < wanted && !io.signal.aborted; file++) {
    files.create(file, createBytes);
    await new Promise(setImmediate);
  }
  return wanted;
}

/** Throws `invalid-argument` where nothing could be measured; what goes wrong later stands in the document. */
export async function runClassicWish(settings: ClassicSettings, io: CommandIo): Promise<ClassicDocument> {
  const { outputs, folder, direct, sync, ...shown } = settings;
  requireFolder(folder);
  const content = new ContentRange(settings.seed);
  const files = new ClassicFiles({ folder, direct, sync }, content, Math.max(...settings.blockSizes));
  const document: ClassicDocument = Object.assign(
    newDocument('classic', { folder, direct, sync, ...shown }),
    {
      accesses: 0,
      bytes: 0,
      elapsedS: 0,
      meterShare: 0,
      cells: [],
      windows: [],
    },
  );
  document.target = traitsOf(folder, direct, sync);
  let made = 0;
  try {
    made = await makeFiles(settings, files, io);
    if (direct && !files.takesDirect()) throw wrong(`${folder} does not take O_DIRECT`);
    const fileBytes = files.sizeBytes(made);
    Object.assign(document.settings, { files: made, fileBytes });
    const access = {
      ...settings,
      files: made,
      fileBytes,
      alignmentBytes: direct ? DIRECT_ALIGNMENT_BYTES : 1,
    };
    const each = (one: Access, times: AccessTimes): void => {
      if (settings.verbose) io.out.write(verboseLine(one, times));
    };
    await runClassic({ ...settings, access }, files, document, each, io.signal);
    document.complete = !io.signal.aborted;
    if (!document.complete) stopDocument(document, 'interrupted');
  } catch (error) {
    if (hasCode(error, 'invalid-argument') && document.accesses === 0) throw error;
    stopDocument(document, errorText(error));
  } finally {
    if (settings.remove) files.remove(made);
  }
  document.finishedAt = new Date().toISOString();
  if (document.meterShare > METER_SHARE_MAX) document.invalidReasons.push('meter-cpu');
  if (document.accesses === 0) document.invalidReasons.push('nothing-measured');
  document.valid = document.complete && document.invalidReasons.length === 0;
  writeOutputs(document, outputs, classicForms);
  return document;
}

async function run(settings: ClassicSettings, io: CommandIo): Promise<number> {
  const document = await runClassicWish(settings, io);
  if (document.accesses > 0) io.out.write(`${classicText(document)}\n${classicVerdict(document)}\n`);
  if (document.stopped !== null) io.err.write(`holdfast meter classic: ${document.stopped}\n`);
  return document.complete ? exitCodes.ok : exitCodes.failed;
}

export const classicCommand: Command = async (args, io) => {
  try {
    const settings = classicWishOf(args, io.env);
    if (settings !== 'help') return await run(settings, io);
    io.out.write(CLASSIC_USAGE);
    return exitCodes.ok;
  } catch (error) {
    io.err.write(`holdfast meter classic: ${errorText(error)}\n`);
    return hasCode(error, 'invalid-argument') ? exitCodes.usage : exitCodes.failed;
  }
};
