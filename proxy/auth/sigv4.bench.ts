/** What one verification costs. By hand: `node proxy/auth/sigv4.bench.ts`. The median is that of a busy machine. */
import { createRequire } from 'node:module';
import { spaceId } from '#common/ids.ts';
import { authenticateRequest } from './authenticate.ts';
import type { Credential } from './credential-store.ts';
import { memoryCredentials } from './memory-credentials.ts';
import { basicTime } from './request-time.ts';
import { SigningKeyCache } from './signing-key.ts';

interface Aws4Request {
  headers: Record<string, string | number>;
  path?: string;
}
const aws4 = createRequire(import.meta.url)('aws4') as {
  sign(
    request: Record<string, unknown>,
    credentials: { accessKeyId: string; secretAccessKey: string },
  ): Aws4Request;
};

const accessKey = 'AKIAIOSFODNN7EXAMPLE';
const secretKey = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const account = spaceId('0'.repeat(32));
const credential: Credential = {
  secretKey,
  principal: { userName: 'bench', account, accountName: 'bench', accessKey, role: 'owner', admin: false },
};
const store = memoryCredentials([credential]);
const options = { region: 'us-east-1', signingKeys: new SigningKeyCache() };
const nowMs = Date.now();
const BATCHES = 40;
const ROUNDS = 2_000;

function prepare(method: string, path: string, signQuery: boolean) {
  const dated = signQuery ? { path: `${path}?X-Amz-Date=${basicTime(nowMs)}&X-Amz-Expires=600` } : { path };
  const headers = {
    Host: '127.0.0.1:9000',
    'User-Agent': 'bench/1.0 (none) something/long-enough-to-be-real',
    'Accept-Encoding': 'identity',
    Connection: 'keep-alive',
    ...(signQuery ? {} : { 'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD', 'X-Amz-Date': basicTime(nowMs) }),
  };
  const request = aws4.sign(
    { service: 's3', region: 'us-east-1', method, ...dated, headers, signQuery },
    { accessKeyId: accessKey, secretAccessKey: secretKey },
  );
  const rawHeaders = Object.entries(request.headers).flatMap(([name, value]) => [name, String(value)]);
  return { method, rawUrl: request.path ?? path, rawHeaders, nowMs };
}

function measure(name: string, method: string, path: string, signQuery = false): void {
  const request = prepare(method, path, signQuery);
  const costs: number[] = [];
  for (let batch = 0; batch < BATCHES; batch++) {
    const started = process.cpuUsage();
    for (let round = 0; round < ROUNDS; round++) authenticateRequest(request, store, options);
    const spent = process.cpuUsage(started);
    costs.push((spent.user + spent.system) / ROUNDS);
  }
  costs.sort((a, b) => a - b);
  const [best = 0] = costs;
  const median = costs[BATCHES >> 1] ?? 0;
  process.stdout.write(
    `${name.padEnd(20)} ${best.toFixed(1)} µs of CPU at best, ${median.toFixed(1)} median\n`,
  );
}

measure('GET, header', 'GET', '/bucket/photos/2024/01/summer-holiday-0001.jpg');
measure('GET list, header', 'GET', '/bucket?delimiter=%2F&list-type=2&max-keys=1000&prefix=photos%2F2024');
measure('GET, presigned', 'GET', '/bucket/photos/2024/01/summer-holiday-0001.jpg', true);
