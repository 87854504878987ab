// The error view.
import {css} from 'lit';

export const errors = css`
  [part='error'] {
    display: grid;
    /* Under a conversation in a small box it scrolls, and the text field stays in view. */
    flex: 0 1 auto;
    min-block-size: calc(7 * var(--_gemma-em));
    overflow: auto;
    grid-template-columns: auto minmax(0, 1fr);
    gap: calc(0.75 * var(--_gemma-em));
    margin: var(--_gemma-gap);
    padding: var(--_gemma-gap);
    background: color-mix(in oklab, var(--_danger) 7%, var(--_surface));
    border: 1px solid color-mix(in oklab, var(--_danger) 45%, var(--_surface));
    border-radius: var(--_gemma-radius);
  }

  /* No conversation above it: in the middle. */
  [part='header'] + [part='error'] {
    margin-block: auto;
  }

  [part='error'] > * {
    grid-column: 2;
  }

  [part='error-icon'] {
    grid-column: 1;
    color: var(--_danger);
    line-height: 0;
  }

  [part='error-message'] {
    display: grid;
    gap: calc(0.25 * var(--_gemma-em));
    overflow-wrap: anywhere;
  }

  [part='error-title'] {
    font-weight: 600;
  }

  [part='error-note'] {
    color: var(--_muted);
    font-size: max(12px, 0.875 * var(--_gemma-em));
  }

  [part='error-actions'] {
    display: flex;
    flex-wrap: wrap;
    gap: calc(0.5 * var(--_gemma-em));
  }

  [part~='remedy-button'] {
    color: var(--_text);
    background: var(--_surface);
    border-color: var(--_border);
  }

  [part~='report-button'] {
    text-decoration: underline;
    text-underline-offset: 0.2em;
  }

  /* In line with the text above it. */
  [part~='report-button']:first-child {
    margin-inline-start: calc(-0.75 * var(--_gemma-em));
  }

  [part='error-detail'] {
    min-inline-size: 0;
    color: var(--_muted);
    font-size: max(12px, 0.875 * var(--_gemma-em));
    overflow-wrap: anywhere;
  }

  [part='report'] {
    max-block-size: calc(12 * var(--_gemma-em));
    margin: calc(0.5 * var(--_gemma-em)) 0 0;
    padding: calc(0.5 * var(--_gemma-em)) calc(0.75 * var(--_gemma-em));
    overflow: auto;
    font-size: max(12px, 0.75 * var(--_gemma-em));
    white-space: pre-wrap;
    background: var(--_surface);
    border: 1px solid var(--_border);
    border-radius: calc(var(--_gemma-radius) * 0.7);
  }

  code,
  [part='report'] {
    font-family: var(--_code-font);
  }
`;
