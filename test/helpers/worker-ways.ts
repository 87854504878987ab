// Browsers that lack something, for tests: which worker a page comes to is forced from outside, so that the product needs
// no switch for it. `hide` goes into a page's init script; the others go in front of what a server sends.

/** Names of what a page may lack. */
const HIDDEN = {
  SharedWorker: 'delete globalThis.SharedWorker;',
  locks: "Object.defineProperty(Navigator.prototype, 'locks', {value: undefined});",
};

/** A script that runs before the page's own. */
export const hide = (...names: (keyof typeof HIDDEN)[]): string => names.map((name) => HIDDEN[name]).join('\n');

/** In front of the worker's script: shared workers have no WebGPU, as in some browsers; dedicated ones keep it. */
export const BLIND_SHARED_WORKER = `
if ('onconnect' in self) Object.defineProperty(WorkerNavigator.prototype, 'gpu', {value: undefined});
`;
