// What few texts need, fetched by the first that does.
import {Lazy} from '../lazy.ts';

export const colours = new Lazy(() => import('./colours.ts'));
export const mathematics = new Lazy(() => import('./mathematics.ts'));
