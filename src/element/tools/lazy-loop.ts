// What an answer needs for which the model may call tools: fetched with the first one.
import {Lazy} from '../lazy.ts';

export const toolLoop = new Lazy(() => import('./tool-loop.ts'));
