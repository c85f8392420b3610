/** One device as a node serves it. */
import type { DeviceId } from '#common/ids.ts';
import type { Clock } from '#common/io/clock.ts';
import type { DeviceEngine } from '../engine/device-engine.ts';
import { RegisterService } from './register-service.ts';

export class DeviceService {
  readonly id: DeviceId;
  readonly engine: DeviceEngine;
  readonly registers: RegisterService;

  constructor(id: DeviceId, engine: DeviceEngine, clock: Clock) {
    this.id = id;
    this.engine = engine;
    this.registers = new RegisterService(engine, clock);
  }
}
