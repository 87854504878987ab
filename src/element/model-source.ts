// What can be said about a model before it is loaded: its name, where it comes from, how large it is. Reads no byte
// of the model, and never throws: what cannot be learnt is null.

export interface ModelSource {
  name: string;
  /** The host that is asked for the file; null for a file of the visitor's own or an address that is no URL. */
  host: string | null;
  /** Bytes; null where the server does not say, undefined while it is being asked. */
  size: number | null | undefined;
}

/** Name and host of `src`; the size too when `src` is a file. */
export function describeSource(src: string | Blob): ModelSource {
  if (src instanceof Blob) {
    return {name: src instanceof File ? src.name : 'model.gguf', host: null, size: src.size};
  }
  if (!URL.canParse(src, document.baseURI)) return {name: src, host: null, size: null};
  const url = new URL(src, document.baseURI);
  return {name: fileName(url), host: url.host || null, size: undefined};
}

/** The size of the file at `src` in bytes, by a HEAD request or, where that is refused, a request for one byte. */
export async function fetchSize(src: string, signal: AbortSignal): Promise<number | null> {
  return (await sizeByHead(src, signal)) ?? (await sizeByRange(src, signal));
}

async function sizeByHead(src: string, signal: AbortSignal): Promise<number | null> {
  try {
    const response = await fetch(src, {method: 'HEAD', signal});
    // A compressed answer's length is not the file's.
    if (!response.ok || response.headers.has('content-encoding')) return null;
    return parseSize(response.headers.get('content-length'));
  } catch {
    return null;
  }
}

async function sizeByRange(src: string, signal: AbortSignal): Promise<number | null> {
  try {
    const response = await fetch(src, {headers: {range: 'bytes=0-0'}, signal});
    // A server without ranges answers 200 and would send the whole file.
    await response.body?.cancel();
    if (!response.ok) return null;
    if (response.status !== 206) return parseSize(response.headers.get('content-length'));
    return parseSize(response.headers.get('content-range')?.split('/')[1] ?? null);
  } catch {
    return null;
  }
}

function parseSize(text: string | null): number | null {
  const size = Number(text ?? Number.NaN);
  return Number.isSafeInteger(size) && size > 0 ? size : null;
}

function fileName(url: URL): string {
  const last = url.pathname.split('/').filter(Boolean).at(-1) ?? url.href;
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}
