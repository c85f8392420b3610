/** Packets that the kernel loses or refuses, by the port of a server of this machine (nft(8)); for a network namespace of its own. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

/** `requests-lost`, `answers-lost`: nothing that goes to the port arrives, or nothing that comes from it. */
export type Loss = 'requests-lost' | 'answers-lost';
/** `refused`: whoever sends to the port is told that the connection is no more; the server is told nothing. */
export type Fate = 'passed' | 'lost' | 'refused' | Loss;

const TABLE = 'inet holdfast';
const RULES = `table ${TABLE} {
  set requests { type inet_service; }
  set answers { type inet_service; }
  set refused { type inet_service; }
  chain input {
    type filter hook input priority 0; policy accept;
    tcp dport @refused reject with tcp reset
    tcp dport @requests drop
    tcp sport @answers drop
  }
}
`;
const SETS: Readonly<Record<Fate, readonly string[]>> = {
  passed: [],
  lost: ['requests', 'answers'],
  'requests-lost': ['requests'],
  'answers-lost': ['answers'],
  refused: ['refused'],
};

export class PacketFilter {
  readonly #fates = new Map<number, Fate>();
  /** Two faults may meet on a wire: what the second takes back must be there. */
  #last: Promise<void> = Promise.resolve();

  /** Throws where there is no nft, or no right to it. */
  static async make(): Promise<PacketFilter> {
    await nft(RULES);
    return new PacketFilter();
  }

  async set(port: number, fate: Fate): Promise<void> {
    const before = SETS[this.#fates.get(port) ?? 'passed'];
    this.#fates.set(port, fate);
    const change = (verb: string) => (set: string) => `${verb} element ${TABLE} ${set} { ${port} }\n`;
    const changes = [...before.map(change('delete')), ...SETS[fate].map(change('add'))];
    if (changes.length === 0) return;
    this.#last = this.#last.then(() => nft(changes.join('')));
    await this.#last;
  }
}

async function nft(commands: string): Promise<void> {
  const child = spawn('nft', ['-f', '-'], { stdio: ['pipe', 'ignore', 'pipe'] });
  const said: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
  child.stdin.end(commands);
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`nft ended with ${code}: ${Buffer.concat(said).toString()}`);
}

/** Runs this program again in a network namespace that has nothing but a loopback; the exit code of that run. */
export async function inOwnNetwork(args: readonly string[]): Promise<number> {
  const [, script] = process.argv;
  if (script === undefined) throw new Error('not a program that was started from a file');
  const program = [process.execPath, ...process.execArgv, script, ...args];
  const child = spawn('unshare', ['--net', ...program], { stdio: 'inherit' });
  const interrupted = (): void => void child.kill('SIGINT');
  process.on('SIGINT', interrupted);
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    return code ?? 1;
  } finally {
    process.off('SIGINT', interrupted);
  }
}

/** A new namespace's loopback is down. */
export function raiseLoopback(): void {
  const { status, stderr } = spawnSync('ip', ['link', 'set', 'lo', 'up'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ended with ${status}: ${stderr}`);
}
