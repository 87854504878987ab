// Which pages hold the keys and values of which beginnings of text: a tree whose edges are pages of tokens. Owns what
// is kept and finds the longest known beginning of a prompt. Knows no sequence and no buffer.
//
// Equal tokens at equal positions after equal tokens have equal keys and values, bit for bit: the kernels do not let
// a row depend on what else is in its step. So a page may serve every sequence with the same beginning. Tokens are compared,
// not hashes of them. What else keys and values depend on, the adapters of a sequence, is a page's key.
import type {PageOwner, PagePool} from './page-pool.ts';

/** A page of tokens that follow those of all its ancestors. Only a full page has children. */
export class PrefixNode {
  readonly parent: PrefixNode | null;
  /** At most a page's; none at the root. */
  readonly tokens: readonly number[];
  /** The page of the full-attention layers; −1 at the root. */
  readonly full: number;
  /** What the page depends on beside its tokens and those before; '' for nothing. */
  readonly key: string;
  /** The page of the sliding layers; −1 where it was evicted, or had left the window before it was kept. */
  sliding = -1;
  readonly children = new Map<string, PrefixNode>();

  constructor(parent: PrefixNode | null, tokens: readonly number[], full: number, key: string) {
    this.parent = parent;
    this.tokens = tokens;
    this.full = full;
    this.key = key;
  }
}

/** A node, and how many of its tokens begin what was looked for. */
export interface PrefixMatch {
  node: PrefixNode;
  length: number;
}

/** A tree of kept pages, found by the tokens that they hold. */
export class PrefixIndex {
  readonly #pageSize: number;
  readonly #full: PagePool;
  readonly #sliding: PagePool;
  readonly root = new PrefixNode(null, [], -1, '');

  constructor(pageSize: number, full: PagePool, sliding: PagePool) {
    this.#pageSize = pageSize;
    this.#full = full;
    this.#sliding = sliding;
  }

  /**
   * Full pages that begin `tokens` after `from`, in order, and at the end the page that shares most with the rest, if
   * any does.
   * @param key of each page, counted from the first after `from`
   */
  match(tokens: readonly number[], from = this.root, key: (page: number) => string = () => ''): PrefixMatch[] {
    const path: PrefixMatch[] = [];
    let node = from;
    for (let start = 0; start < tokens.length; start += this.#pageSize) {
      const rest = tokens.slice(start, start + this.#pageSize);
      const here = key(start / this.#pageSize);
      const child = node.children.get(nameOf(rest, here));
      if (!child || rest.length < this.#pageSize) {
        const best = closest(node, rest, here);
        if (best) path.push(best);
        break;
      }
      path.push({node: child, length: this.#pageSize});
      node = child;
    }
    return path;
  }

  /** The node of exactly these tokens after `parent`, if it is known. */
  find(parent: PrefixNode, tokens: readonly number[], key = ''): PrefixNode | undefined {
    return parent.children.get(nameOf(tokens, key));
  }

  /** Keeps a page (of each group; `sliding` −1 for none) as what follows `parent` with these tokens. */
  add(parent: PrefixNode, tokens: readonly number[], full: number, sliding: number, key = ''): PrefixNode {
    const node = new PrefixNode(parent, tokens.slice(), full, key);
    parent.children.set(nameOf(node.tokens, key), node);
    this.#full.keep(full, this.#ownerOf(node));
    if (sliding >= 0) this.setSliding(node, sliding);
    return node;
  }

  /** Keeps a sliding page for a node that had lost its own. */
  setSliding(node: PrefixNode, page: number): void {
    node.sliding = page;
    this.#sliding.keep(page, {
      evictable: true,
      evicted: () => {
        node.sliding = -1;
      },
    });
  }

  #ownerOf(node: PrefixNode): PageOwner {
    const forgetSliding = (): void => {
      if (node.sliding >= 0) this.#sliding.forget(node.sliding);
      node.sliding = -1;
    };
    return {
      // Without this page, those after it could not be found.
      get evictable() {
        return node.children.size === 0;
      },
      evicted: () => {
        node.parent?.children.delete(nameOf(node.tokens, node.key));
        forgetSliding();
      },
    };
  }
}

/** Of the pages of this key after `node` the one that shares most with `tokens`. */
function closest(node: PrefixNode, tokens: readonly number[], key: string): PrefixMatch | undefined {
  let best: PrefixMatch | undefined;
  for (const child of node.children.values()) {
    const length = child.key === key ? commonPrefix(child.tokens, tokens) : 0;
    if (length > (best?.length ?? 0)) best = {node: child, length};
  }
  return best;
}

/** How many leading ids the two share. */
export function commonPrefix(a: readonly number[], b: readonly number[]): number {
  const end = Math.min(a.length, b.length);
  let i = 0;
  while (i < end && a[i] === b[i]) i++;
  return i;
}

function nameOf(tokens: readonly number[], key: string): string {
  return key === '' ? tokens.join() : `${tokens.join()} ${key}`;
}
