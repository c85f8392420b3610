/** Rounds of: write by several clients, kill the control process, start it again, look. docs/reliability.md, "Control". */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultIdentitySettings } from '#control/identity/settings.ts';
import { roleConfigText } from '#common/config/role-config.ts';
import type { Randomness } from '#common/io/randomness.ts';
import { seededRandomness } from '#common/io/seeded-randomness.ts';
import { RunningEtcd } from '../../clients/running-etcd.ts';
import { RoleChild } from '../processes/role-child.ts';
import { CutOff, IdentityClient, textAt } from './identity-client.ts';
import { Intent } from './intent.ts';
import { type Write, Writer } from './operations.ts';
import { cloudOf, snapshotOf } from './snapshot.ts';
import { verifyCloud, verifyIntent } from './verify-intent.ts';

const CLIENTS = 6;
const ADMIN_PASSWORD = 'the administrator';
/** Longest time after a start at which it is killed again. */
const START_KILL_MS_MAX = 700;

export interface ControlRunOptions {
  readonly backend: 'level' | 'etcd';
  /** And the one after it. */
  readonly firstPort: number;
  readonly seed: number;
  readonly kills: number;
  readonly writes: number;
}

export interface ControlFigures {
  kills: number;
  killsWhileStarting: number;
  answered: number;
  /** Writes that were cut off. */
  open: number;
}

/** Throws at the first thing that is not as it was answered, with the seed and the kill. */
export async function runControlKills(options: ControlRunOptions): Promise<ControlFigures> {
  const { backend, seed } = options;
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-control-kills-'));
  const etcd = backend === 'etcd' ? await RunningEtcd.start(1) : undefined;
  const config = await writeConfig(folder, options.firstPort, etcd?.endpoints);
  const child = new RoleChild('control', 'control-1', config);
  const run = new ControlRun(child, options);
  try {
    await run.all();
  } catch (error) {
    const where = `${backend}, seed ${seed}, after ${run.figures.kills} kills`;
    throw new Error(`${where}: ${String(error)}\n${child.output.slice(-2000)}`, { cause: error });
  } finally {
    await child.kill();
    await etcd?.stop();
    await rm(folder, { recursive: true, force: true });
  }
  return run.figures;
}

async function writeConfig(folder: string, port: number, endpoints?: string[]): Promise<string> {
  const path = (name: string) => join(folder, name);
  await writeFile(path('cluster.key'), `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
  await writeFile(path('admin.password'), ADMIN_PASSWORD, { mode: 0o600 });
  const text = roleConfigText({
    role: 'control',
    config: {
      name: 'control-1',
      listen: { host: '127.0.0.1', port },
      feed: { host: '127.0.0.1', port: port + 1 },
      clusterKeyFile: path('cluster.key'),
      storePath: path('store'),
      ...(endpoints === undefined ? {} : { etcd: { endpoints, prefix: '/holdfast/' } as never }),
      adminPasswordFile: path('admin.password'),
      region: 'here',
      services: [],
      // What must be refused is asked for often.
      identity: { ...defaultIdentitySettings, failuresAtOnceMax: 100_000, lockoutFailures: 0 },
    },
  });
  await writeFile(path('control.yaml'), text);
  return path('control.yaml');
}

interface Client {
  readonly intent: Intent;
  readonly writer: Writer;
  open: Write | undefined;
}

class ControlRun {
  readonly figures: ControlFigures = { kills: 0, killsWhileStarting: 0, answered: 0, open: 0 };
  readonly #child: RoleChild;
  readonly #options: ControlRunOptions;
  readonly #random: Randomness;
  readonly #client: IdentityClient;
  #admin = '';
  #clients: readonly Client[] = [];

  constructor(child: RoleChild, options: ControlRunOptions) {
    this.#child = child;
    this.#options = options;
    this.#random = seededRandomness(options.seed);
    this.#client = new IdentityClient(options.firstPort);
  }

  async all(): Promise<void> {
    const { kills, writes } = this.#options;
    await this.#killStarting();
    await this.#child.start();
    await this.#begin();
    for (let kill = 0; kill < kills; kill += 1) {
      const goal = this.figures.answered + Math.ceil(writes / kills / 2);
      await this.#writeUntilKilled(goal + this.#random.below(Math.ceil(writes / kills)));
      if (this.#random.below(3) === 0) await this.#killStarting();
      await this.#child.start();
      await this.#verify();
    }
  }

  async #begin(): Promise<void> {
    const { status, token } = await this.#client.login('admin', ADMIN_PASSWORD);
    if (token === undefined) throw new Error(`the administrator cannot log in: ${status}`);
    this.#admin = token;
    const { body } = await this.#client.expect(200, 'GET', '/roles?name=member', this.#admin);
    const memberRoleId = textAt(body, 'roles.0.id');
    const common = { client: this.#client, admin: this.#admin, memberRoleId, random: this.#random };
    this.#clients = Array.from({ length: CLIENTS }, (_, at) => {
      const intent = new Intent(`client-${at}-`);
      return { intent, writer: new Writer({ ...common, intent }), open: undefined };
    });
    verifyCloud(await cloudOf(this.#client, this.#admin));
  }

  async #writeUntilKilled(answeredMax: number): Promise<void> {
    await Promise.all(this.#clients.map((client) => this.#write(client, answeredMax)));
    await this.#child.kill();
    this.figures.kills += 1;
  }

  /** The one that reaches the number kills the process; the others are in the middle of something. */
  async #write(client: Client, answeredMax: number): Promise<void> {
    for (;;) {
      const write = client.writer.draw();
      client.open = write;
      try {
        await write.run();
      } catch (error) {
        if (!(error instanceof CutOff)) throw new Error(write.name, { cause: error });
        this.figures.open += 1;
        return;
      }
      client.open = undefined;
      this.figures.answered += 1;
      if (this.figures.answered === answeredMax) {
        // Also between the steps of what the others have begun meanwhile.
        await sleep(this.#random.below(8));
        this.#child.signal('SIGKILL');
      }
    }
  }

  async #killStarting(): Promise<void> {
    this.#child.spawn();
    await sleep(this.#random.below(START_KILL_MS_MAX));
    await this.#child.kill();
    this.figures.killsWhileStarting += 1;
  }

  /** The administrator's token is of before the first kill. */
  async #verify(): Promise<void> {
    const [api, admin] = [this.#client, this.#admin];
    const cloud = await cloudOf(api, admin);
    verifyCloud(cloud);
    await Promise.all(
      this.#clients.map(async (client) => {
        const { intent, open } = client;
        const seen = await snapshotOf(api, admin, cloud, intent);
        await open?.settle(seen);
        try {
          await verifyIntent(api, admin, intent, seen);
        } catch (error) {
          throw new Error(`cut off: ${open?.name ?? 'nothing'}: ${String(error)}`, { cause: error });
        }
        client.open = undefined;
      }),
    );
  }
}
