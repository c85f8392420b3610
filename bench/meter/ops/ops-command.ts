/** `holdfast meter ops`: a mix of operations on any target, or the replay of a trace. */
import { hash } from 'node:crypto';
import { type Command, type CommandIo, exitCodes } from '#common/command-line.ts';
import { errorText, hasCode } from '#common/errors.ts';
import { count, duration, given, list, parseOptions, share, wrong } from '../../load/option-values.ts';
import { MeterCrew } from '../crew/crew.ts';
import { LiveView } from '../report/live-view.ts';
import { newDocument, stopDocument, writeWhole } from '../report/meter-document.ts';
import { opsForms, opsTable, opsVerdict } from '../report/ops-page.ts';
import { OUTPUT_OPTIONS, OUTPUT_USAGE, tryOutputs, writeOutputs } from '../report/outputs.ts';
import { publicSpec, TARGET_OPTIONS, TARGET_USAGE, targetSpecOf } from '../targets/target-spec.ts';
import { mergedSeconds, type OpsDocument, opsRunOf } from './ops-document.ts';
import { type MixPart, operationNames, type OpsOrder } from './ops-order.ts';
import { parseSizes } from './sizes.ts';
import { readTrace, traceText } from './trace-file.ts';

const OPS_USAGE = `Usage: holdfast meter ops --target URL [options]

Loads a storage with a mix of operations, or replays a trace, and shows rates and latencies by operation.

${TARGET_USAGE}
  --mix LIST              of get, put, delete, list and stat with shares; default get:45,put:15,delete:10,stat:30
  --size DISTRIBUTION     4k, or 4k:9,1m:1, or uniform:4k-1m, or lognormal:64k,1.5; default 64k
  --concurrency N         operations under way at once; default 16
  --rate N                open loop: N starts a second, latency counted from when each was due
  --objects N             written before; default 200
  --duration TIME         default 30s
  --warmup TIME           before it, not counted; default 2s
  --ramp TIME             over which concurrency or rate rises; part of the warm-up; default 0ms
  --autoterm SHARE        ends when ten seconds in a row lie within SHARE of their mean, such as 0.05
  --replay FILE           operations of a trace at their times: lines of ms,operation,name,bytes
  --trace FILE            writes what was done, to be replayed
  --repeat N              default 1
  --processes N           default 1
${OUTPUT_USAGE}`;

const text = { type: 'string' } as const;
const OPTIONS = {
  ...TARGET_OPTIONS,
  ...OUTPUT_OPTIONS,
  mix: text,
  size: text,
  concurrency: text,
  rate: text,
  objects: text,
  duration: text,
  warmup: text,
  ramp: text,
  autoterm: text,
  replay: text,
  trace: text,
  repeat: text,
  processes: text,
  help: { type: 'boolean', short: 'h' },
} as const;

function mixOf(value: string): MixPart[] {
  return list('mix', value, (item) => {
    const [name = '', part] = item.split(':');
    const operation = operationNames.find((one) => one === name);
    if (operation === undefined) throw wrong(`--mix takes ${operationNames.join(', ')}, not ${name}`);
    return { operation, share: part === undefined ? 1 : count('mix', part, 1, 1_000_000) };
  });
}

/** What `holdfast meter ops …args` asks for. Throws `invalid-argument` with one clear line. */
export function opsWishOf(args: readonly string[], env: CommandIo['env']) {
  const values = parseOptions(args, OPTIONS);
  if (values.help === true) return 'help';
  const spec = targetSpecOf(values, env);
  if (spec.scheme === 'http') throw wrong('ops writes: a target of http:// is only read');
  const rampMs = duration('ramp', values.ramp ?? '0ms', 0);
  const trace = given(values.replay, readTrace);
  const warmupMs = trace === undefined ? Math.max(rampMs, duration('warmup', values.warmup ?? '2s', 0)) : 0;
  const lastMs = trace?.at(-1)?.atMs ?? 0;
  const processes = count('processes', values.processes ?? '1', 0, 64);
  if (trace !== undefined && processes > 1)
    throw wrong('--replay needs --processes 1: a trace has one order');
  tryOutputs(values, values.trace);
  return {
    spec,
    order: {
      mix: mixOf(values.mix ?? 'get:45,put:15,delete:10,stat:30'),
      sizes: parseSizes(values.size ?? '64k'),
      concurrency: count('concurrency', values.concurrency ?? '16', 1, 4096),
      ratePerS: given(values.rate, (value) => count('rate', value, 1, 1_000_000)),
      warmupMs,
      durationMs: trace === undefined ? duration('duration', values.duration ?? '30s', 100) : lastMs + 1,
      rampMs,
      steadyShare: given(values.autoterm, (value) => share('autoterm', value)),
      objects: count('objects', values.objects ?? '200', 0, 1_000_000),
      trace,
      seed: hash('sha256', spec.seed, 'buffer').readUInt32LE(0),
      live: false,
    },
    repeat: count('repeat', values.repeat ?? '1', 1, 100),
    processes,
    traceFile: values.trace,
    outputs: values,
  };
}

export type OpsSettings = Exclude<ReturnType<typeof opsWishOf>, 'help'>;

/**
 * One worker's part: numbers are dealt evenly, the first workers have what is left over. Undefined where there are more
 * workers than there is to do: one a second, one at a time is the least that each can be given.
 */
function orderOf(
  { order }: OpsSettings,
  processes: number,
  worker: number,
  run: number,
): OpsOrder | undefined {
  const parts = Math.min(processes, order.concurrency, order.ratePerS ?? processes);
  if (worker >= parts) return undefined;
  const dealt = (amount: number): number => Math.floor(amount / parts) + (worker < amount % parts ? 1 : 0);
  return {
    ...order,
    concurrency: dealt(order.concurrency),
    ratePerS: order.ratePerS === undefined ? undefined : dealt(order.ratePerS),
    objects: dealt(order.objects),
    // Objects of another run have other names.
    worker: run * processes + worker,
  };
}

/** Resolves to what is left behind, in words. */
async function measure(
  settings: OpsSettings,
  document: OpsDocument,
  crew: MeterCrew,
  view: LiveView,
  io: CommandIo,
): Promise<string | undefined> {
  if (settings.order.trace !== undefined && crew.size > 1)
    throw wrong('--replay needs one process or agent: a trace has one order');
  document.target = await crew.open(settings.spec);
  let left: string | undefined;
  const noteLeft = (error: unknown): void => {
    left ??= `left behind: ${errorText(error)}`;
  };
  try {
    for (let run = 1; run <= settings.repeat && !io.signal.aborted && document.stopped === null; run++) {
      view.activity(`run ${run} of ${settings.repeat}`);
      const found = await crew.runOps((worker, workers) => orderOf(settings, workers, worker, run));
      const { results } = found;
      document.runs.push(opsRunOf(found, run));
      document.seconds = mergedSeconds(Object.values(results));
      const reason = Object.values(results).find(({ stopped }) => stopped !== null)?.stopped;
      if (reason !== undefined && reason !== null) stopDocument(document, reason);
      for (const [name, why] of Object.entries(found.lost))
        stopDocument(document, `${name} was lost: ${why}`);
      if (settings.traceFile !== undefined) {
        const all = Object.values(results).flatMap((result) => result.done);
        // A trace begins with its first operation, not with the warm-up.
        const fromMs = all.reduce((least, { atMs }) => Math.min(least, atMs), Number.POSITIVE_INFINITY);
        const done = all.map((entry) => ({ ...entry, atMs: entry.atMs - fromMs }));
        writeWhole(settings.traceFile, traceText(done.toSorted((a, b) => a.atMs - b.atMs)));
      }
      await crew.clearOps().catch(noteLeft);
      writeOutputs(document, settings.outputs, opsForms);
    }
  } catch (error) {
    stopDocument(document, errorText(error));
    await crew.clearOps().catch(noteLeft);
  }
  await crew.removePlace(() => crew.clearOps()).catch(noteLeft);
  return left;
}

/** What goes wrong stands in the document. */
export async function runOpsWish(
  settings: OpsSettings,
  crew: MeterCrew,
  io: CommandIo,
  view: LiveView,
): Promise<OpsDocument> {
  const { spec, order, repeat, processes } = settings;
  const { trace, ...shown } = order;
  const document: OpsDocument = Object.assign(
    newDocument('ops', {
      ...publicSpec(spec),
      ...shown,
      traceOperations: trace?.length ?? null,
      repeat,
      processes,
    }),
    { runs: [], seconds: [] },
  );
  const stop = (): void => {
    stopDocument(document, 'interrupted');
    crew.stop();
  };
  io.signal.addEventListener('abort', stop);
  if (io.signal.aborted) stop();
  let left: string | undefined;
  try {
    left = await measure(settings, document, crew, view, io);
  } catch (error) {
    stopDocument(document, errorText(error));
  } finally {
    io.signal.removeEventListener('abort', stop);
    view.clear();
  }
  document.finishedAt = new Date().toISOString();
  document.complete = document.stopped === null && document.runs.length === repeat;
  if (left !== undefined) stopDocument(document, left);
  document.invalidReasons = [...new Set(document.runs.flatMap(({ invalidReasons }) => invalidReasons))];
  document.valid = document.complete && document.invalidReasons.length === 0;
  writeOutputs(document, settings.outputs, opsForms);
  return document;
}

async function run(settings: OpsSettings, io: CommandIo): Promise<number> {
  const view = new LiveView(io.err);
  using crew = MeterCrew.local(settings.processes, view);
  const document = await runOpsWish(settings, crew, io, view);
  if (document.runs.length > 0) io.out.write(`${opsTable(document)}\n${opsVerdict(document)}\n`);
  if (document.stopped !== null) io.err.write(`holdfast meter ops: ${document.stopped}\n`);
  const failed = document.runs.some(({ operations }) => operations.some(({ errors }) => errors > 0));
  return document.complete && !failed ? exitCodes.ok : exitCodes.failed;
}

export const opsCommand: Command = async (args, io) => {
  try {
    const settings = opsWishOf(args, io.env);
    if (settings !== 'help') return await run(settings, io);
    io.out.write(OPS_USAGE);
    return exitCodes.ok;
  } catch (error) {
    io.err.write(`holdfast meter ops: ${errorText(error)}\n`);
    return hasCode(error, 'invalid-argument') ? exitCodes.usage : exitCodes.failed;
  }
};
