// <gemma-chat> in JSX, as React 19 reads it. Compiled, never run.
import type {} from 'gemma-chat/jsx';

export const right = (
  <>
    <gemma-chat-model model-src="model.gguf" context-length={2048} />
    <gemma-chat
      model-src="model.gguf"
      systemPrompt="Be brief."
      display="launcher"
      history="local"
      feedback
      className="wide"
      ongemma-chat-send={(event) => event.detail.messages.push({role: 'system', content: event.detail.content})}
      onload={(event) => event.detail.model.name.toUpperCase()}
    >
      <p slot="fallback">No chat here.</p>
    </gemma-chat>
  </>
);

// @ts-expect-error there is no such shape
export const shape = <gemma-chat display="balloon" />;
// @ts-expect-error there is no such property
export const property = <gemma-chat modelSource="model.gguf" />;
// @ts-expect-error the status has no such name
export const status = <gemma-chat ongemma-chat-status={(event) => event.detail.status === 'asleep'} />;
