// Addresses of files on Hugging Face, from the `hf:` shorthand. The worker resolves it; the element shows where it leads.

/** Whether it is the shorthand, well-formed or not. */
export const isShorthand = (modelSrc: string): boolean => /^hf:/i.test(modelSrc);

/** How the shorthand is written. */
export const EXPECTED_HF = 'hf:owner/repo/file.gguf or hf:owner/repo/file.gguf@revision';

// What Hugging Face allows in names. No part may be dots alone: it would leave its folder.
const NAME = /^(?!\.+$)[A-Za-z0-9._-]{1,96}$/;
// A branch, a tag or a commit; `refs/pr/1` is a branch too.
const REVISION = /^(?!.*(?:^|\/)\.+(?:\/|$))[A-Za-z0-9._/-]{1,128}$/;
const FILE = /^(?!\.+$)[^/\\?#%@\p{C}]{1,200}$/u;

/**
 * The address that a browser fetches `hf:owner/repo/file.gguf[@revision]` from; null for what is not written so.
 * @param text begins with `hf:`
 */
export function huggingFaceUrl(text: string): string | null {
  const [path, revision = 'main', ...more] = text.slice(3).split('@');
  const [owner, repo, ...file] = path.split('/');
  const valid =
    more.length === 0 &&
    NAME.test(owner) &&
    NAME.test(repo ?? '') &&
    file.length > 0 &&
    file.every((part) => FILE.test(part)) &&
    /\.gguf$/i.test(file.at(-1) ?? '') &&
    REVISION.test(revision);
  if (!valid) return null;
  const encoded = [owner, repo, 'resolve', revision, ...file].map((part) => encodeURIComponent(part));
  return `https://huggingface.co/${encoded.join('/')}`;
}
