// Tells why a request came to nothing. A page is told only "Failed to fetch", whether the cable is out or the server
// forbids the page to read the answer.
import {GemmaError} from '../../errors.ts';

/** What a failed request was, for the diagnosis. */
export interface FailedRequest {
  readonly name: string;
  readonly url: URL;
  /** Origin of the page or worker, undefined where there is none (Node). */
  readonly origin: string | undefined;
  readonly fetch: typeof fetch;
  readonly signal: AbortSignal;
}

/**
 * `cors` where the server can be reached but its answer not be read, else `network`. An opaque request needs no
 * permission: that it succeeds shows that a server is there.
 */
export async function connectionError(request: FailedRequest, cause: unknown): Promise<GemmaError> {
  const {name, url, origin} = request;
  const reason = cause instanceof Error ? cause.message : String(cause);
  const isForeign =
    origin !== undefined && (url.protocol === 'https:' || url.protocol === 'http:') && url.origin !== origin;
  const permission = `Access-Control-Allow-Origin: ${origin} (or *)`;
  if (isForeign && (await isReachable(request))) {
    return new GemmaError(
      'cors',
      `${name}: the server does not let pages of ${origin} read this file, nor see what error it may have met. It must send ${permission}, and ` +
        'Access-Control-Expose-Headers: Content-Range, ETag. Check the address; if the server is not yours, put the file on your own site',
      {detail: {origin, url: name}, cause},
    );
  }
  const otherwise = isForeign ? `. If it opens in a tab of its own, its server must send ${permission}` : '';
  return new GemmaError(
    'network',
    `${name} cannot be reached (${reason}). Check the connection and the address${otherwise}`,
    {
      detail: {url: name},
      cause,
    },
  );
}

async function isReachable({url, fetch, signal}: FailedRequest): Promise<boolean> {
  try {
    await fetch(url, {method: 'HEAD', mode: 'no-cors', cache: 'no-store', signal});
    return true;
  } catch {
    return false;
  }
}
