// The addresses of our own worker's script, where a page demands Trusted Types. One policy, `gemma-chat`, and it lets
// through nothing but what is being started. Knows no worker.

interface Policy {
  createScriptURL(url: string): unknown;
}
interface Factory {
  createPolicy(name: string, rules: {createScriptURL: (url: string) => string}): Policy;
}

/** Undefined before it is asked for; null where there are no Trusted Types, or the page allows us no policy. */
let policy: Policy | null | undefined;
let starting: string | null = null;

/** `url` as the constructors of workers take it. */
export function workerScript(url: string): string {
  if (policy === undefined) policy = createPolicy();
  if (!policy) return url;
  starting = url;
  try {
    // A TrustedScriptURL: the types of the platform do not know it yet.
    return policy.createScriptURL(url) as string;
  } finally {
    starting = null;
  }
}

function createPolicy(): Policy | null {
  const {trustedTypes} = globalThis as {trustedTypes?: Factory};
  try {
    return trustedTypes?.createPolicy('gemma-chat', {createScriptURL: onlyOurs}) ?? null;
  } catch {
    // Not in the page's list, or taken by another copy of this script: where the page demands types, the constructor
    // says so.
    return null;
  }
}

function onlyOurs(url: string): string {
  if (url !== starting) throw new TypeError('this policy is for the worker of gemma-chat only');
  return url;
}
