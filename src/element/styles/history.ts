// The list of conversations, over the chat.
import {css} from 'lit';

export const history = css`
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
    gap: 0.5rem;
    align-items: center;
    min-block-size: 3rem;
    padding-inline: calc(var(--_gap) / 4);
    border-block-end: 1px solid var(--_border);
  }

  [part='history-header'] [part='label'] {
    flex: 1 1 auto;
  }

  [part='history-list'] {
    flex: 1 1 0;
    min-block-size: 0;
    margin: 0;
    padding: 0.5rem;
    overflow: hidden auto;
    list-style: none;
  }

  [part~='history-item'] {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    border-radius: calc(var(--_radius) * 0.7);
  }

  [part~='history-item']:hover,
  [part~='history-current'] {
    background: var(--_raised);
  }

  [part='history-open'] {
    display: flex;
    flex: 1 1 9rem;
    flex-direction: column;
    min-inline-size: 0;
    min-block-size: 3rem;
    padding: 0.375rem 0.75rem;
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
    font-size: 0.8125rem;
  }

  [part='history-note'] {
    padding: var(--_gap);
  }

  .row-tools {
    display: flex;
    flex: none;
  }

  .row-form {
    display: flex;
    flex: 1 1 100%;
    flex-wrap: wrap;
    gap: 0.25rem;
    align-items: center;
    justify-content: flex-end;
    padding: 0.25rem 0.5rem 0.5rem 0.75rem;
  }

  .row-form .grows,
  [part='history-input'] {
    flex: 1 1 8rem;
    min-inline-size: 0;
  }

  [part='history-search'] {
    flex: none;
    margin: calc(var(--_gap) / 2) var(--_gap);
  }

  [part='history-search'],
  [part='history-input'] {
    min-block-size: 2.25rem;
    padding: 0 0.625rem;
    color: inherit;
    font: inherit;
    background: var(--_surface);
    border: 1px solid var(--_border);
    border-radius: calc(var(--_radius) * 0.7);
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
    gap: 0.25rem;
    justify-content: flex-end;
    padding: 0.375rem 0.5rem;
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
