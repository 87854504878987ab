// What few answers need, fetched with the first that does: tools that the model may call, going on after a length limit.
import {Lazy} from '../lazy.ts';

/** Answers for which the model may call tools. */
export const toolLoop = new Lazy(() => import('../tools/tool-loop.ts'));
/** Answers that go on with the last one. */
export const continuing = new Lazy(() => import('./continuing.ts'));
