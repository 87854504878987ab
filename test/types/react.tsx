// The React components, as an application uses them. Compiled, never run.
import {GemmaChat, GemmaChatModel} from 'gemma-chat/react';
import {useRef} from 'react';

export function App() {
  const chat = useRef<HTMLElementTagNameMap['gemma-chat']>(null);
  return (
    <>
      <GemmaChatModel modelSrc="model.gguf" />
      <GemmaChat
        ref={chat}
        modelSrc="model.gguf"
        starters={['What is this page about?']}
        onGemmaChatMessage={({detail}) => detail.done && chat.current?.send(detail.message.content)}
        onError={({detail}) => detail.code === 'network'}
      />
    </>
  );
}

// @ts-expect-error temperatures are numbers
export const warm = <GemmaChat temperature="warm" />;
// @ts-expect-error there is no such code
export const code = <GemmaChat onError={({detail}) => detail.code === 'nothing'} />;
