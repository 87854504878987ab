// The panel that opens above the launcher's button; on a small screen it covers the page. And the shapes without a
// button.
import {css, unsafeCSS} from 'lit';
import {launcherButton} from './launcher-button.ts';

/** Where there is no room beside the panel. The styles and the focus agree on it. */
export const COVERING = '(max-width: 30rem), (max-height: 28rem)';

export const launcher = css`
  :host([display='panel']) {
    inline-size: 100%;
    min-block-size: 0;
    contain-intrinsic-size: 20rem 20rem;
    flex: 1 1 auto;
  }

  :host([display='panel']) [part='base'] {
    border: 0;
    border-radius: 0;
  }

  ${unsafeCSS(launcherButton)}

  [part='panel'] {
    position: absolute;
    inset-block-end: calc(100% + 0.75rem);
    inset-inline-end: 0;
    inline-size: min(var(--_panel-width), 100vi - 2rem);
    block-size: min(var(--_panel-height), 100dvb - 7rem);
    border-radius: var(--_radius);
    box-shadow: var(--_shadow);
    container: gemma-chat / size;
    animation: panel-in 0.16s ease-out;
  }

  [part='panel'][hidden] {
    display: none;
  }

  @keyframes panel-in {
    from {
      opacity: 0;
      translate: 0 0.5rem;
    }
  }

  @media ${unsafeCSS(COVERING)} {
    [part='panel'] {
      position: fixed;
      inset: 0;
      inline-size: auto;
      block-size: auto;
      border-radius: 0;
    }

    /* It would lie over the text field; the header has a button too. */
    :host([open]) [part~='launcher-button'] {
      visibility: hidden;
    }

    [part='panel'] [part='base'] {
      border: 0;
      border-radius: 0;
    }
  }
`;
