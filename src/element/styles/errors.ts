// The error view.
import {css} from 'lit';

export const errors = css`
  [part='error'] {
    display: flex;
    flex: none;
    flex-direction: column;
    gap: 0.5rem;
    align-items: flex-start;
    margin: var(--_gap);
    padding: 0.75rem 1rem;
    background: color-mix(in oklab, var(--_danger) 8%, var(--_surface));
    border: 1px solid var(--_danger);
    border-radius: var(--_radius);
  }

  /* No conversation above it: in the middle. */
  [part='header'] + [part='error'] {
    margin-block: auto;
  }

  [part='error-detail'] {
    max-inline-size: 100%;
    color: var(--_muted);
    font-size: 0.875rem;
    overflow-wrap: anywhere;
  }

  code {
    font-family: ui-monospace, monospace;
  }
`;
