// What one run on a GPU writes to its results file.
import type {AdapterReport} from './adapter.ts';
import type {Judged} from './judged.ts';
import type {ModelFigures} from './model-figures.ts';
import type {Roofline} from './roofline.ts';
import type {TestReport} from './test-runner.ts';

export interface Results {
  /** A software adapter and tiny models: proves that the script runs, and nothing about speed. */
  dry: boolean;
  date: string;
  commit: string;
  adapter: AdapterReport;
  tests: TestReport | null;
  roofline: Roofline;
  models: ModelFigures[];
  /** A given file beside transformers' stored values; absent where none was given, null where they are of another. */
  judged?: Judged[] | null;
  /** Models that the time did not allow, and why. */
  skipped: string[];
}
