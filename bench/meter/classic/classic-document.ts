/** What a classic run is reported as. */
import type { MeterDocument } from '../report/meter-document.ts';
import type { ClassicCell, TimeWindow } from './classic-tally.ts';

export interface ClassicDocument extends MeterDocument {
  accesses: number;
  bytes: number;
  elapsedS: number;
  /** Share of the time in which the meter itself made and compared blocks. */
  meterShare: number;
  cells: ClassicCell[];
  /** Rates over short windows, EBU's addition to the tables. */
  windows: TimeWindow[];
}
