import type {Plugin} from 'vite';

/** `import shader from './x.wgsl'` for Vite. */
export function viteWgsl(): Plugin;
