// A chunk of its own. The report that a visitor can paste into an issue: what the chat runs on and what went wrong last. Holds nothing
// private: no message, no prompt, no address of the page or the model.
import type {GemmaClient} from '../client/index.ts';
import type {GemmaError} from '../errors.ts';
import {VERSION} from './version.ts';

export interface DiagnosedChat {
  /** The protocol's version. */
  protocol: number;
  status: string;
  /** The file's name, where the page names one. */
  model: string | null;
  client: GemmaClient | null;
  error: GemmaError | null;
  /** What the page has set: numbers, and names of ours. */
  settings: Readonly<Record<string, string | number | boolean | null>>;
}

/** Limits that decide whether a model runs. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupsPerDimension',
] as const;

/** Never rejects: what cannot be learnt says so. */
export async function diagnose(chat: DiagnosedChat, at: Navigator = navigator): Promise<string> {
  const [gpu, storage, stats] = await Promise.all([gpuFacts(at), storageFacts(at), workerFacts(chat.client)]);
  const settings = Object.entries(chat.settings).filter(([, value]) => value !== null);
  const lines: [string, string][] = [
    ['gemma-chat', `${VERSION}, protocol ${chat.protocol}`],
    ['browser', at.userAgent],
    [
      'page',
      `${globalThis.isSecureContext ? 'secure' : 'not secure'}, ${at.onLine ? 'online' : 'offline'}, ${isolation()}`,
    ],
    ['memory', `${(at as {deviceMemory?: number}).deviceMemory ?? 'unknown'} GiB or more`],
    ...gpu,
    ['storage', storage],
    ['status', chat.status],
    ['settings', settings.map(([name, value]) => `${name}=${value}`).join(' ') || 'defaults'],
    ['model', modelFacts(chat)],
    ...stats,
    ['last error', chat.error ? `${chat.error.code}: ${withoutAddresses(chat.error.message)}` : 'none'],
    ...errorFacts(chat.error),
  ];
  return lines.map(([name, value]) => `${name}: ${value}`).join('\n');
}

const isolation = () => (globalThis.crossOriginIsolated ? 'isolated' : 'not isolated');

async function gpuFacts({gpu}: Navigator): Promise<[string, string][]> {
  if (!gpu) return [['webgpu', 'missing']];
  const adapter = await gpu.requestAdapter().catch(() => null);
  if (!adapter) return [['webgpu', 'no adapter']];
  const {vendor, architecture, device, description} = adapter.info;
  return [
    ['adapter', [vendor, architecture, device, description].filter(Boolean).join(', ') || 'unnamed'],
    ['features', [...adapter.features].sort().join(' ') || 'none'],
    ['limits', LIMITS.map((name) => `${name}=${adapter.limits[name]}`).join(' ')],
  ];
}

async function storageFacts({storage}: Navigator): Promise<string> {
  try {
    const [{usage, quota}, kept] = await Promise.all([storage.estimate(), storage.persisted()]);
    return `${usage ?? 'unknown'} of ${quota ?? 'unknown'} bytes, ${kept ? 'persistent' : 'not persistent'}`;
  } catch {
    return 'unknown';
  }
}

async function workerFacts(client: GemmaClient | null): Promise<[string, string][]> {
  if (!client) return [['worker', 'not connected']];
  const kind = client.shared ? 'shared' : 'dedicated';
  const stats = await client.stats().catch(() => null);
  if (!stats) return [['worker', `${kind}, no answer`]];
  const {clients, models, batch, gpu} = stats;
  return [
    ['worker', `${kind}, clients=${clients} models=${models} running=${batch.running} queued=${batch.queued}`],
    [
      'gpu memory',
      Object.entries(gpu)
        .map(([name, value]) => `${name}=${value}`)
        .join(' '),
    ],
  ];
}

function modelFacts({model, client}: DiagnosedChat): string {
  if (!client) return model ?? 'none';
  // The model's name is from its file, and so anyone's words.
  return Object.entries(client.model)
    .filter(([, value]) => typeof value === 'number' || typeof value === 'string')
    .map(([name, value]) => `${name}=${typeof value === 'string' ? oneLine(value) : value}`)
    .join(' ');
}

function errorFacts(error: GemmaError | null): [string, string][] {
  const facts = Object.entries(error?.detail ?? {}).filter(([, value]) => typeof value === 'number');
  return facts.length ? [['error facts', facts.map(([name, value]) => `${oneLine(name)}=${value}`).join(' ')]] : [];
}

/** Messages name the address that failed; a report is public. */
function withoutAddresses(text: string): string {
  return oneLine(text).replaceAll(/\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>)]+/gi, '(address)');
}

const oneLine = (text: string) => text.replaceAll(/\s+/g, ' ').slice(0, 500);
