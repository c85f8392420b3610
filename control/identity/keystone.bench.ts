/**
 * Validations and tokens a second of any Keystone, by hand:
 *   OS_AUTH_URL=… OS_USERNAME=… OS_PASSWORD=… OS_PROJECT_NAME=… node control/identity/keystone.bench.ts PID …
 * PIDs are the server's: what they use of the CPU is divided by what was answered.
 */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';

const CONNECTIONS = 8;
const ROUNDS = 3;
const ROUND_MS = 3000;
/** USER_HZ of Linux. */
const TICKS_A_SECOND = 100;

const { OS_AUTH_URL = '', OS_USERNAME: name, OS_PASSWORD: password, OS_PROJECT_NAME: project } = process.env;
const pids = process.argv.slice(2).map(Number);
// A server that closes connections without a word (uwsgi's own HTTP) is asked by one each time.
const keepAlive = process.env['KEEP_ALIVE'] !== 'no';
const agent = new Agent({ keepAlive, maxSockets: CONNECTIONS });
const domain = { id: 'default' };

function ask(method: string, path: string, headers: Record<string, string>, body?: object): Promise<string> {
  return new Promise((resolve, reject) => {
    const json = body === undefined ? {} : { 'content-type': 'application/json' };
    const sent = request(
      `${OS_AUTH_URL}${path}`,
      { method, agent, headers: { ...headers, ...json } },
      (answer) => {
        answer.resume();
        answer.on('end', () => {
          const { statusCode = 0 } = answer;
          if (statusCode >= 300) reject(new Error(`${method} ${path}: ${statusCode}`));
          else resolve(String(answer.headers['x-subject-token']));
        });
      },
    );
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function cpuSeconds(): number {
  return pids.reduce((sum, pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return sum + (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
  }, 0);
}

async function measure(what: string, operation: () => Promise<unknown>): Promise<void> {
  const rounds: { rate: number; cpuMs: number }[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedMs = performance.now();
    const cpu = cpuSeconds();
    let done = 0;
    const work = async (): Promise<void> => {
      while (performance.now() - startedMs < ROUND_MS) {
        await operation();
        done += 1;
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, work));
    const seconds = (performance.now() - startedMs) / 1000;
    rounds.push({ rate: done / seconds, cpuMs: ((cpuSeconds() - cpu) * 1000) / done });
  }
  const median = rounds.toSorted((a, b) => a.rate - b.rate)[Math.floor(ROUNDS / 2)];
  if (median === undefined) return;
  process.stdout.write(
    `${what.padEnd(32)} ${median.rate.toFixed(0).padStart(8)}/s  ${median.cpuMs.toFixed(2).padStart(8)} ms CPU\n`,
  );
}

const scope = { project: { name: project, domain } };
const login = {
  auth: { identity: { methods: ['password'], password: { user: { name, password, domain } } }, scope },
};
const token = await ask('POST', '/auth/tokens', {}, login);
const byToken = { auth: { identity: { methods: ['token'], token: { id: token } }, scope } };
await measure('validate', () =>
  ask('GET', '/auth/tokens', { 'x-auth-token': token, 'x-subject-token': token }),
);
await measure('issue by a token', () => ask('POST', '/auth/tokens', {}, byToken));
await measure('issue by a password', () => ask('POST', '/auth/tokens', {}, login));
agent.destroy();
