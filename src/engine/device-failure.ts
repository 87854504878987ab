// What a failed GPU call means. Knows no engine.
import {GemmaError, isAbort} from '../errors.ts';

/** Longest wait for the device's own report, in milliseconds. */
const REPORT_MS = 100;

/**
 * The error to throw for a failed GPU call. What `signal` aborted with is kept. If the device is lost, that is the reason,
 * whatever failed after it; otherwise a GemmaError is kept. Any other error is most often the first sign of a lost device,
 * and the report follows a moment later: `device-lost`, or `internal` if none comes. A readback also fails with an AbortError
 * although nothing aborted it.
 * @param lost resolves with `device-lost` when the device is gone
 */
export async function explainFailure(
  lost: Promise<GemmaError>,
  error: unknown,
  signal?: AbortSignal,
): Promise<unknown> {
  if (isAbort(error) && signal?.aborted) return error;
  const known = await Promise.race([lost, Promise.resolve(null)]);
  if (known || error instanceof GemmaError) return known ?? error;
  const moment = new Promise<null>((resolve) => setTimeout(resolve, REPORT_MS, null));
  return (await Promise.race([lost, moment])) ?? GemmaError.from(error);
}
