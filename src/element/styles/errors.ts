// The error view.
import {css} from 'lit';

export const errors = css`
  [part='error'] {
    display: grid;
    /* Under a conversation in a small box it scrolls, and the text field stays in view. */
    flex: 0 1 auto;
    min-block-size: 7rem;
    overflow: auto;
    grid-template-columns: auto minmax(0, 1fr);
    gap: 0.75rem;
    margin: var(--_gap);
    padding: var(--_gap);
    background: color-mix(in oklab, var(--_danger) 7%, var(--_surface));
    border: 1px solid color-mix(in oklab, var(--_danger) 45%, var(--_surface));
    border-radius: var(--_radius);
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
    gap: 0.25rem;
    overflow-wrap: anywhere;
  }

  [part='error-title'] {
    font-weight: 600;
  }

  [part='error-note'] {
    color: var(--_muted);
    font-size: 0.875rem;
  }

  [part='error-actions'] {
    display: flex;
    flex-wrap: wrap;
    gap: 0.5rem;
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
    margin-inline-start: -0.75rem;
  }

  [part='error-detail'] {
    min-inline-size: 0;
    color: var(--_muted);
    font-size: 0.875rem;
    overflow-wrap: anywhere;
  }

  [part='report'] {
    max-block-size: 12rem;
    margin: 0.5rem 0 0;
    padding: 0.5rem 0.75rem;
    overflow: auto;
    font-size: 0.75rem;
    white-space: pre-wrap;
    background: var(--_surface);
    border: 1px solid var(--_border);
    border-radius: calc(var(--_radius) * 0.7);
  }

  code,
  [part='report'] {
    font-family: var(--_code-font);
  }
`;
