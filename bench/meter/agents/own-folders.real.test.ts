/** Agents on machines of their own have folders of their own: the same path is another folder there. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { conforms, meter, MeterFolder } from '../meter-harness.ts';
import type { ScriptDocument } from './script-document.ts';

const AGENT_URL = new URL('./agent.ts', import.meta.url).href;
const PROGRAM = `
import { startAgent } from ${JSON.stringify(AGENT_URL)};
const agent = await startAgent('127.0.0.1', 0, '', () => undefined);
process.stdout.write(String(agent.port));
process.stdin.on('end', () => process.exit()).resume();`;

/** Whose working directory is the folder: `/proc/self/cwd` is another folder for each. */
class AgentProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  port = 0;

  private constructor(program: string, folder: string) {
    this.#child = spawn(process.execPath, [program], { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] });
  }

  static async start(program: string, folder: string): Promise<AgentProcess> {
    const agent = new AgentProcess(program, folder);
    const [port] = (await once(agent.#child.stdout!, 'data')) as [Buffer];
    agent.port = Number(port.toString());
    return agent;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await ended;
  }
}

describe('agents with folders of their own', () => {
  test('find the clips of their streams there, and leave nothing', async () => {
    using here = new MeterFolder();
    using there = new MeterFolder();
    using scripts = new MeterFolder();
    const program = join(scripts.path, 'agent.mjs');
    writeFileSync(program, PROGRAM);
    await using first = await AgentProcess.start(program, here.path);
    await using second = await AgentProcess.start(program, there.path);
    const path = join(scripts.path, 'script.yaml');
    const agents = [first, second].map(({ port }) => `'127.0.0.1:${port}'`).join(', ');
    writeFileSync(
      path,
      `agents: [${agents}]
target: /proc/self/cwd
options: { codec: custom, frame-bytes: 20000, clip-length: 1s, warmup: 0ms, stagger: 0ms, duration: 600ms, pre-buffer: 250 }
steps:
  - { mode: search, streams-max: 5, step-duration: 600ms, precision: 0 }
  - { streams: 4, pattern: 'play,record' }
  - { streams: 5, clips: 3 }
  - { streams: 2, pattern: 'edits,multicam', keep: true, name: last }
`,
    );
    const { exitCode, err, out, document } = await meter<ScriptDocument>(`run ${path}`);
    assert.equal(exitCode, 0, err + out);
    conforms(document());
    const [search, ...others] = document().steps.map(({ result }) => result);
    assert.ok(search !== null && search !== undefined && 'healthy' in search);
    assert.equal(search.streams, 5, out);
    for (const result of others) {
      assert.ok(result !== null && 'rows' in result);
      assert.equal(result.framesDropped, 0, out);
      assert.deepEqual(result.runs[0]?.failuresByKind, {});
    }
    // Of all that, each has what its own stream of the last step plays: it was to be kept.
    assert.deepEqual(
      [here, there].map(({ path: folder }) =>
        readdirSync(folder).map((name) => readdirSync(join(folder, name)).length),
      ),
      [[4], [4]],
    );
  });
});
