/** One device as a node serves it. */
import type { DeviceId } from '#common/ids.ts';
import type { Clock } from '#common/io/clock.ts';
import type { BlobSink, DeviceEngine } from '../engine/device-engine.ts';
import type { BlobCreate } from '../protocol/messages/blob.ts';
import { RegisterService } from './register-service.ts';
import { UploadLedger } from './upload-ledger.ts';

export class DeviceService {
  readonly id: DeviceId;
  readonly engine: DeviceEngine;
  readonly registers: RegisterService;
  readonly uploads: UploadLedger;

  /** @param retiringMs how long uploads are taken under an epoch that has passed; two seconds when left out. */
  constructor(id: DeviceId, engine: DeviceEngine, clock: Clock, retiringMs?: number) {
    this.id = id;
    this.engine = engine;
    this.registers = new RegisterService(engine, clock);
    this.uploads = new UploadLedger(clock, retiringMs);
  }

  /** A blob's sink, known to the ledger until it has ended. */
  async createBlob({ route, id, owner, uncached }: BlobCreate): Promise<BlobSink> {
    const ended = this.uploads.begin(route);
    try {
      const sink = await this.engine.createBlob(id, owner, uncached);
      return {
        write: (chunks, blockSums) => sink.write(chunks, blockSums),
        commit: (openBlockSum) => sink.commit(openBlockSum).then(ended),
        abort: () => sink.abort().finally(ended),
      };
    } catch (error) {
      ended();
      throw error;
    }
  }
}
