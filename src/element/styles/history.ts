// The list of conversations, over the chat.
// Text: it is a part of a chunk, and added where that is there.

export const history = `
  [part='history'] {
    position: absolute;
    inset: 0;
    display: flex;
    flex-direction: column;
    overflow: hidden;
    background: var(--_surface);
    border-radius: inherit;
  }

  [part='history-header'] {
    display: flex;
    flex: none;
    gap: calc(0.5 * var(--_gemma-em));
    align-items: center;
    min-block-size: calc(3 * var(--_gemma-em));
    padding-inline: calc(var(--_gemma-gap) / 4);
    border-block-end: 1px solid var(--_border);
  }

  [part='history-header'] [part='label'] {
    flex: 1 1 auto;
  }

  [part='history-list'] {
    flex: 1 1 0;
    min-block-size: 0;
    margin: 0;
    padding: calc(0.5 * var(--_gemma-em));
    overflow: hidden auto;
    list-style: none;
  }

  [part~='history-item'] {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    border-radius: calc(var(--_gemma-radius) * 0.7);
  }

  [part~='history-item']:hover,
  [part~='history-current'] {
    background: var(--_raised);
  }

  [part='history-open'] {
    display: flex;
    flex: 1 1 calc(9 * var(--_gemma-em));
    flex-direction: column;
    min-inline-size: 0;
    min-block-size: calc(3 * var(--_gemma-em));
    padding: calc(0.375 * var(--_gemma-em)) calc(0.75 * var(--_gemma-em));
    color: inherit;
    font: inherit;
    text-align: start;
    background: transparent;
    border: 0;
    border-radius: inherit;
    cursor: pointer;
  }

  [part='history-title'] {
    overflow: hidden;
    max-inline-size: 100%;
    text-overflow: ellipsis;
    white-space: nowrap;
  }

  [part~='history-current'] [part='history-title'] {
    font-weight: 600;
  }

  [part='history-facts'],
  [part='history-note'] {
    color: var(--_muted);
    font-size: max(12px, 0.8125 * var(--_gemma-em));
  }

  [part='history-note'] {
    padding: var(--_gemma-gap);
  }

  .row-tools {
    display: flex;
    flex: none;
  }

  .row-form {
    display: flex;
    flex: 1 1 100%;
    flex-wrap: wrap;
    gap: calc(0.25 * var(--_gemma-em));
    align-items: center;
    justify-content: flex-end;
    padding: calc(0.25 * var(--_gemma-em)) calc(0.5 * var(--_gemma-em)) calc(0.5 * var(--_gemma-em)) calc(0.75 * var(--_gemma-em));
  }

  .row-form .grows,
  [part='history-input'] {
    flex: 1 1 calc(8 * var(--_gemma-em));
    min-inline-size: 0;
  }

  [part='history-search'] {
    flex: none;
    margin: calc(var(--_gemma-gap) / 2) var(--_gemma-gap);
  }

  [part='history-search'],
  [part='history-input'] {
    min-block-size: calc(2.25 * var(--_gemma-em));
    padding: 0 calc(0.625 * var(--_gemma-em));
    color: inherit;
    font: inherit;
    background: var(--_surface);
    border: 1px solid var(--_border);
    border-radius: calc(var(--_gemma-radius) * 0.7);
  }

  [part~='history-answer'] {
    color: var(--_text);
    border-color: var(--_border);
  }

  [part~='history-danger'] {
    color: var(--_danger);
    border-color: var(--_danger);
  }

  [part='history-footer'] {
    display: flex;
    flex: none;
    flex-wrap: wrap;
    gap: calc(0.25 * var(--_gemma-em));
    justify-content: flex-end;
    padding: calc(0.375 * var(--_gemma-em)) calc(0.5 * var(--_gemma-em));
    border-block-start: 1px solid var(--_border);
  }

  [part~='history-import'] {
    position: relative;
  }

  [part~='history-import']:focus-within {
    outline: 2px solid var(--_accent);
    outline-offset: 2px;
  }
`;
