// Streams that can be left at any time. Knows nothing of what they carry.

/** A generator that is left before it has begun does not leave its source: this one does, and so the worker stops. */
export function leavable<T, G extends AsyncGenerator<T, void, undefined>>(generator: G, source: Leavable): G {
  const leave = generator.return.bind(generator);
  generator.return = (value) => {
    source?.return?.();
    return leave(value);
  };
  return generator;
}

type Leavable = {return?(): unknown} | null;
