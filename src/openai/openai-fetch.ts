// A `fetch` that answers as OpenAI's server does, from this site's worker: for programs and libraries that were written for that
// server. Owns the routes; what a request means is the client's, and the Responses API a chunk of its own.
import type {EmbeddingParams, EmbeddingResponse} from '../client/embeddings.ts';
import type {GemmaClient} from '../client/gemma-client.ts';
import {GemmaError} from '../errors.ts';
import {type Failure, failureOf, jsonResponse, notFound} from './answers.ts';
import {eventStream} from './event-stream.ts';

/** What of a client is used. */
export type ChatClient = Pick<GemmaClient, 'chat' | 'completions' | 'models'>;

/** What of `GemmaEmbeddings` is used. */
export interface EmbeddingsClient {
  create(params: EmbeddingParams): Promise<EmbeddingResponse<Float32Array | string>>;
}

export interface OpenAIFetchOptions {
  /** Answers `/v1/embeddings`: a `GemmaEmbeddings`. Without it that address is not found. */
  embeddings?: EmbeddingsClient;
}

/** The body of a POST, as JSON gives it. */
type Body = Record<string, unknown>;

/** One request. */
interface Asked {
  client: ChatClient;
  body: Body;
  /** Ends when the caller stops the request, or leaves its stream. */
  signal: AbortSignal;
  /** Called when the caller leaves the stream. */
  leave: () => void;
}

/**
 * `fetch` for `new OpenAI({fetch, baseURL: 'https://gemma.invalid/v1', apiKey: 'none', dangerouslyAllowBrowser: true})` and its
 * like. It serves `/v1/models`, `/v1/chat/completions`, `/v1/completions`, `/v1/embeddings` and `/v1/responses` under any
 * origin, with server-sent events where `stream` is true; nothing goes to a network. Errors are answers with a status and OpenAI's
 * body, whose `code` is that of docs/errors.md; a request that was stopped rejects with its signal's reason, as `fetch` does.
 * @param client a client, or what gives one: called once for each request
 */
export function openaiFetch(
  client: ChatClient | (() => ChatClient | Promise<ChatClient>),
  {embeddings}: OpenAIFetchOptions = {},
): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const {signal} = request;
    signal.throwIfAborted();
    try {
      const route = routeOf(request);
      const body = request.method === 'POST' ? await bodyOf(request) : {};
      if (route === 'embeddings') return await embed(embeddings, body, signal);
      const leaving = new AbortController();
      const asked: Asked = {
        client: typeof client === 'function' ? await client() : client,
        body,
        signal: AbortSignal.any([signal, leaving.signal]),
        leave: () => leaving.abort(),
      };
      if (route === 'chat/completions') return await answered(asked, asked.client.chat.completions.create);
      if (route === 'completions') return await answered(asked, asked.client.completions.create);
      if (route === 'responses') return await respond(asked);
      return await models(asked.client, route.slice('models/'.length));
    } catch (error) {
      // Stopped: fetch rejects.
      signal.throwIfAborted();
      return jsonResponse(failureOf(error));
    }
  };
}

const POSTS = ['chat/completions', 'completions', 'embeddings', 'responses'];

/** The address behind `/v1/`. @throws Failure */
function routeOf({url, method}: Request): string {
  const path = new URL(url).pathname.replace(/^.*\/v1\/|^\/|\/+$/g, '');
  const isModels = path === 'models' || path.startsWith('models/');
  if (!isModels && !POSTS.includes(path)) throw notFound(`nothing is at ${path || '/'}`, 'route_not_found');
  const expected = isModels ? 'GET' : 'POST';
  if (method === expected) return path;
  const failure: Failure = {
    status: 405,
    code: 'method_not_allowed',
    message: `${path} takes ${expected}, not ${method}`,
  };
  throw failure;
}

async function bodyOf(request: Request): Promise<Body> {
  const body: unknown = await request.json().catch(() => undefined);
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Body;
  throw new GemmaError('option-invalid', 'the body is not a JSON object', {detail: {option: null}});
}

type Create = (params: never, options: {signal: AbortSignal}) => Promise<object | AsyncIterable<object>>;

/** A chat or text completion, whole or in events. */
async function answered({body, signal, leave}: Asked, create: Create): Promise<Response> {
  const answer = await create(body as never, {signal});
  return body.stream === true
    ? eventStream(answer as AsyncIterable<object>, {signal, leave, isWhole: true})
    : jsonResponse({status: 200, body: answer});
}

/** `/v1/responses`: a chat in other words, from a chunk that only this address needs. */
async function respond({client, body, signal, leave}: Asked): Promise<Response> {
  const chunk = await import('./responses.ts').catch((cause) => {
    throw new GemmaError('network', 'a part of gemma-chat could not be fetched; try again', {cause});
  });
  const {params, whole, events} = chunk.responseChat(
    body,
    (code, message, option) => new GemmaError(code, message, {detail: {option}}),
  );
  const {create} = client.chat.completions;
  if (body.stream !== true) {
    return jsonResponse({status: 200, body: whole(await create({...params, stream: false}, {signal}))});
  }
  const chunks = await create({...params, stream: true}, {signal});
  return eventStream(events(chunks), {signal, leave, isWhole: false});
}

async function models({models: {list}}: ChatClient, id: string): Promise<Response> {
  const all = await list();
  if (id === '') return jsonResponse({status: 200, body: all});
  // Programs write it with or without escapes.
  const found = all.data.find((model) => model.id === id || encodeURIComponent(model.id) === id);
  if (!found) throw notFound(`there is no model ${id}`, 'model_not_found');
  return jsonResponse({status: 200, body: found});
}

async function embed(client: EmbeddingsClient | undefined, body: Body, signal: AbortSignal): Promise<Response> {
  if (!client) throw notFound('there is no embedding model; give openaiFetch one: {embeddings}', 'model_not_found');
  const {user: _, ...params} = body;
  const {data, ...rest} = await client.create({...params, signal} as EmbeddingParams);
  const list = data.map((one) => ({
    ...one,
    embedding: typeof one.embedding === 'string' ? one.embedding : [...one.embedding],
  }));
  return jsonResponse({status: 200, body: {...rest, data: list}});
}
