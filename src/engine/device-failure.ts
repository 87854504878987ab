// What a failed GPU call means. Knows no engine.
import {GemmaError, isAbort} from '../errors.ts';
import {lostError} from '../gpu/device.ts';

/** Longest wait for the device's own report, in milliseconds. */
const REPORT_MS = 100;

/**
 * The error to throw for a failed GPU call: a GemmaError, or what `signal` aborted with, as it is; otherwise `device-lost`
 * if the device went (a failed readback is most often the first sign of a lost device; the report follows a moment later), else
 * `internal`. A readback also fails with an AbortError although nothing aborted it.
 */
export async function explainFailure(device: GPUDevice, error: unknown, signal?: AbortSignal): Promise<unknown> {
  if (error instanceof GemmaError || (isAbort(error) && signal?.aborted)) return error;
  const moment = new Promise<null>((resolve) => setTimeout(resolve, REPORT_MS, null));
  const info = await Promise.race([device.lost, moment]);
  return info ? lostError(info) : GemmaError.from(error);
}
